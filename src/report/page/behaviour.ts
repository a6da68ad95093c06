/**
 * What the page does in a browser, as it stands there: the answer to a move that is pointed at, chosen or
 * linked to, arrow keys between moves, and the search among hosts. Texts become text nodes, never markup.
 */
export const BEHAVIOUR = `(() => {
  'use strict';
  const byId = (id) => document.getElementById(id);
  const fleet = JSON.parse(byId('fleet').textContent);
  const panel = byId('move');
  const table = byId('matrix');
  const element = (name, text, kind) => {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    if (kind !== undefined) made.className = kind;
    return made;
  };
  const called = (kind) => {
    const { name, count } = fleet.kinds[kind];
    return count === 1 ? name : name + ' and ' + (count - 1) + ' like it';
  };
  const headings = { blocker: 'Blockers', unknown: 'Unknown', risk: 'Risks' };
  const show = (from, to) => {
    const rank = fleet.ranks[from][to];
    const verdict = rank === null ? undefined : fleet.verdicts[rank];
    const title = element('h3', called(from) + ' \\u2192 ' + called(to) + ': ');
    title.append(element('span', verdict ?? 'the same host', 'word ' + (verdict ?? '')));
    const parts = [title, element('p', verdict === undefined ? '' : fleet.meanings[verdict])];
    const reasons = fleet.reasons[from][to];
    const named = (text) => text.replaceAll('\\ue000', fleet.kinds[from].name).replaceAll('\\ue001', fleet.kinds[to].name);
    let heading;
    for (const place of reasons?.findings ?? []) {
      const { severity, code, subjects, effect } = fleet.findings[place];
      if (severity !== heading) parts.push(element('h4', headings[severity]));
      heading = severity;
      const about = element('p');
      about.append(element('code', code), ' ' + subjects.join(' '));
      parts.push(about, element('p', named(effect), 'effect'));
    }
    if (reasons?.harmless !== undefined) parts.push(element('h4', 'Harmless differences'), element('p', fleet.harmless[reasons.harmless]));
    const advices = reasons?.advices ?? [];
    if (advices.length > 0) {
      parts.push(element('h4', 'What to do'));
      for (const place of advices) parts.push(element('p', named(fleet.advices[place])));
    }
    panel.replaceChildren(...parts);
  };
  const moveOf = (text) => /^#?move-(\\d{1,4})-(\\d{1,4})$/.exec(text)?.slice(1).map(Number);
  const isThere = (move) => move !== undefined && move[0] < fleet.kinds.length && move[1] < fleet.kinds.length;
  const chosen = () => {
    const move = moveOf(location.hash);
    table?.querySelector('[aria-current]')?.removeAttribute('aria-current');
    if (!isThere(move)) return;
    show(...move);
    byId('move-' + move.join('-'))?.setAttribute('aria-current', 'true');
  };
  const look = ({ target }) => {
    const move = moveOf(target.closest?.('a[id]')?.id ?? '');
    if (isThere(move)) show(...move);
  };
  addEventListener('hashchange', chosen);
  table?.addEventListener('mouseover', look);
  table?.addEventListener('focusin', look);
  table?.addEventListener('mouseleave', chosen);
  const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  table?.addEventListener('keydown', (event) => {
    const move = moveOf(event.target.id);
    const step = steps[event.key];
    if (move === undefined || step === undefined) return;
    // From a single host to itself there is no move.
    let next = null;
    for (let [from, to] = move; next === null; ) {
      from += step[0];
      to += step[1];
      if (!fleet.ranks[from] || to < 0 || to >= fleet.kinds.length) return;
      next = byId('move-' + from + '-' + to);
    }
    event.preventDefault();
    next.focus();
  });
  const search = byId('search');
  const rows = [...document.querySelectorAll('#hosts tbody tr')];
  search?.addEventListener('input', () => {
    const words = search.value.toLowerCase().split(/\\s+/).filter(Boolean);
    let count = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
      if (!row.hidden) count++;
    }
    byId('found').textContent = count + ' of ' + rows.length + ' hosts';
  });
  chosen();
})();
`;
