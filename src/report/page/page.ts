/**
 * One page about a fleet, a file of its own: no network, no markup that a host's name could bring along.
 * What it shows stands in it as JSON, too.
 */

import { PAGE_BASELINE } from '../../baseline/stored.js';
import { VERDICTS, type Verdict } from '../../judge/verdict.js';
import { MARKS, SAME_MARK } from '../matrix-marks.js';
import { MEANINGS } from '../svg/matrix-look.js';
import { escapeXml } from '../svg/text.js';
import { BEHAVIOUR } from './behaviour.js';
import type { Fleet, PageKind } from './facts.js';
import { PAGE_STYLE } from './look.js';

export const PAGE_SCHEMA_VERSION = 1;
/** Kinds that hold others back; the rest is counted. */
const COSTS_SHOWN = 12;
const NAMES_SHOWN = 6;
const BAR_WIDTH = 560;
const LAYOUT_WIDTH = 900;
/** More can't be told apart by anybody. */
const LAYOUTS_SHOWN = 12;

/** For text and for attributes in double quotes. */
const html = escapeXml;

function plural(count: number, thing: string): string {
  return `${count.toLocaleString('en')} ${thing}${count === 1 ? '' : 's'}`;
}

function namesOf(names: readonly string[], count: number): string {
  const shown = names.slice(0, NAMES_SHOWN).map(html).join(', ');
  const rest = count - Math.min(names.length, NAMES_SHOWN);
  return `<span class="name">${shown}</span>${rest > 0 ? ` and ${rest} more` : ''}`;
}

function word(verdict: Verdict): string {
  return `<span class="word ${verdict}">${MARKS[verdict]} ${verdict}</span>`;
}

function heads({ hosts, kindCount, baseline, counts, moves }: Fleet): string {
  const share = moves === 0 ? 100 : Math.round((100 * counts.compatible) / moves);
  const facts = [
    [hosts.length.toLocaleString('en'), hosts.length === 1 ? 'host' : 'hosts'],
    [kindCount.toLocaleString('en'), kindCount === 1 ? 'kind of hosts' : 'kinds of hosts'],
    [baseline.level ?? 'none', 'x86-64 level that all hosts have'],
    [plural(baseline.features.length, 'feature'), 'that all hosts have'],
    [`${share} %`, 'of all moves are compatible'],
  ];
  return `<ul class="facts">${facts.map(([value, what]) => `<li><b>${value}</b>${what}</li>`).join('')}</ul>`;
}

function kindCell({ name, count, brand, level }: PageKind): string {
  const more = count === 1 ? '' : ` <span class="faint">+${count - 1}</span>`;
  const what = [brand, level].filter((one) => one !== undefined).join(', ');
  return `<span class="name">${html(name)}</span>${more} <span class="faint what">${html(what)}</span>`;
}

function matrixTable({ kinds, ranks }: Fleet): string {
  const head = kinds.map((_, to) => `<th scope="col">${to + 1}</th>`).join('');
  const rows = kinds.map((kind, from) => {
    const cells = kinds.map((_, to) => {
      const rank = ranks[from]?.[to];
      const verdict = rank === undefined ? undefined : (VERDICTS[rank] as Verdict);
      if (verdict === undefined) return `<td><a aria-hidden="true">${SAME_MARK}</a></td>`;
      const id = `move-${from}-${to}`;
      const said = `${from + 1} to ${to + 1}: ${verdict}`;
      return `<td><a class="${verdict}" id="${id}" href="#${id}" aria-label="${said}">${MARKS[verdict]}</a></td>`;
    });
    return `<tr><th scope="row"><span class="faint">${from + 1}</span> ${kindCell(kind)}</th>${cells.join('')}</tr>`;
  });
  return `<table id="matrix"><thead><tr><th scope="col">from ↓ to →</th>${head}</tr></thead><tbody>${rows.join('')}</tbody></table>`;
}

function matrixSection(fleet: Fleet): string {
  const { kinds, kindCount } = fleet;
  const left = kindCount - kinds.length;
  const legend = VERDICTS.map(
    (verdict) => `<li>${word(verdict)} <span class="faint">${MEANINGS[verdict]}</span></li>`,
  ).join('');
  return `<h2 id="where">Where may tasks go?</h2>
<p>A row for each kind of hosts that tasks run on, a column for each that they would go to, in the same order. Hosts that
no verdict tells apart are one kind. Point at a move, or choose it, to see why.</p>
${left > 0 ? `<p>The ${kinds.length} kinds with most hosts are shown, ${left} others are not.</p>` : ''}
<ul class="legend">${legend}</ul>
<div class="scroll">${matrixTable(fleet)}</div>
<div id="move" aria-live="polite"><p class="faint">No move is chosen.</p></div>`;
}

function bar(share: number, label: string): string {
  const width = Math.round(BAR_WIDTH * Math.max(0, Math.min(1, share)));
  return `<svg width="${BAR_WIDTH}" height="14" role="img" aria-label="${html(label)}"><rect class="other" width="${BAR_WIDTH}" height="14"/><rect class="bar" width="${width}" height="14"/></svg>`;
}

function costsSection({ costs, hosts, baseline }: Fleet): string {
  const most = Math.max(1, ...costs.map(({ gained }) => gained.length));
  const level = (now: string | undefined) =>
    now === undefined || now === baseline.level ? '' : `, and the level becomes ${now}`;
  const rows = costs.slice(0, COSTS_SHOWN).map(({ names, count, gained, level: now }) => {
    const gain = plural(gained.length, 'feature');
    return `<h3>Without ${count === 1 ? 'this host' : `these ${count} hosts`}, the others gain ${gain}${level(now)}</h3>
<p>${namesOf(names, count)}</p>${bar(gained.length / most, gain)}<p class="faint">${html(gained.join(' '))}</p>`;
  });
  const rest = costs.length - COSTS_SHOWN;
  const none =
    hosts.length === 1
      ? 'There is one host.'
      : 'No kind of hosts alone: whatever is missing, hosts of several kinds lack.';
  return `<h2 id="costs">Which hosts hold the others back?</h2>
${rows.length === 0 ? `<p>${none}</p>` : rows.join('')}
${rest > 0 ? `<p class="faint">${plural(rest, 'more kind')} would give less.</p>` : ''}`;
}

function poolsSection({ pools }: Fleet): string {
  const { steps, possible, chosen } = pools;
  if (possible === 0) return '';
  const curve = steps.map(({ pools: count, objective }) => {
    const share = `${((100 * objective) / possible).toFixed(1)} %`;
    return `<tr><th scope="row">${plural(count, 'pool')}</th><td>${bar(objective / possible, share)}</td><td>${share}</td></tr>`;
  });
  const proposed = chosen.map(
    ({ count, names, level, features }) =>
      `<tr><td>${plural(count, 'host')}</td><td>${level ?? 'no level'}</td><td>${plural(features, 'feature')}</td><td>${namesOf(names, count)}</td></tr>`,
  );
  return `<h2 id="pools">What would pools keep?</h2>
<p>Instructions that tasks may use, over all hosts, where each pool has a baseline of its own; all of them would be a pool
for each kind of hosts.</p>
<table class="list">${curve.join('')}</table>
<h3>${chosen.length === 1 ? 'One pool is enough' : `Proposed: ${chosen.length} pools`}</h3>
<table class="list">${proposed.join('')}</table>`;
}

/** Kinds by what their XSAVE area looks like. */
function layoutsOf(kinds: readonly PageKind[]): PageKind[][] {
  const alike = new Map<string, PageKind[]>();
  for (const kind of kinds) {
    const key = JSON.stringify(kind.xsave);
    alike.set(key, [...(alike.get(key) ?? []), kind]);
  }
  return [...alike.values()].sort(
    (a, b) => (a[0]?.xsave.areaBytes ?? 0) - (b[0]?.xsave.areaBytes ?? 0),
  );
}

function layoutRow(alike: readonly PageKind[], largest: number): string {
  const [{ xsave }] = alike as [PageKind];
  const { areaBytes, components } = xsave;
  const count = alike.reduce((sum, kind) => sum + kind.count, 0);
  const who = namesOf(
    alike.map(({ name }) => name),
    count,
  );
  if (areaBytes === undefined || areaBytes === 0)
    return `<h3>${areaBytes === 0 ? 'No XSAVE' : 'Size unknown'}: ${plural(count, 'host')}</h3><p>${who}</p>`;
  const scale = (bytes: number) => Math.round(((100 * LAYOUT_WIDTH) / largest) * bytes) / 100;
  const placed = components.filter(
    ({ size, offset }) => size !== undefined && offset !== undefined,
  );
  const boxes = placed.map(
    ({ name, size = 0, offset = 0 }) =>
      `<rect class="bar" x="${scale(offset)}" width="${Math.max(1, scale(size) - 0.5)}" height="22"><title>${html(name)}: ${size} bytes at ${offset}</title></rect>`,
  );
  const list = placed.map(({ name, size, offset }) => `${name} ${size} at ${offset}`).join(', ');
  return `<h3>${areaBytes.toLocaleString('en')} bytes: ${plural(count, 'host')}</h3><p>${who}</p>
<svg width="${LAYOUT_WIDTH}" height="22" role="img" aria-label="${html(`${areaBytes} bytes: ${list}`)}"><rect class="other" width="${scale(areaBytes)}" height="22"/>${boxes.join('')}</svg>
<p class="faint">${html(list)}</p>`;
}

function layoutsSection({ kinds }: Fleet): string {
  const layouts = layoutsOf(kinds);
  const largest = Math.max(1, ...kinds.map(({ xsave }) => xsave.areaBytes ?? 0));
  const rest = layouts.length - LAYOUTS_SHOWN;
  return `<h2 id="layout">How large is a task's register state?</h2>
<p>The XSAVE area as each kind of hosts lays it out, to scale. Tasks size buffers by it: a larger one at another host is
what they overrun, and a component at another place is what they read wrongly.</p>
${layouts
  .slice(0, LAYOUTS_SHOWN)
  .map((alike) => layoutRow(alike, largest))
  .join('')}
${rest > 0 ? `<p class="faint">${plural(rest, 'more layout')}.</p>` : ''}`;
}

function hostsSection({ hosts, kinds }: Fleet): string {
  const rows = hosts.map(({ name, kind }) => {
    const { brand, level } = kind === undefined ? {} : (kinds[kind] ?? {});
    return `<tr><td class="name">${html(name)}</td><td>${kind === undefined ? '' : kind + 1}</td><td>${level ?? ''}</td><td>${html(brand ?? '')}</td></tr>`;
  });
  return `<h2 id="all">All hosts</h2>
<p><label>Search <input id="search" type="search" autocomplete="off"></label> <span id="found" aria-live="polite">${plural(hosts.length, 'host')}</span></p>
<table class="list" id="hosts"><thead><tr><th scope="col">Host</th><th scope="col">Kind</th><th scope="col">Level</th><th scope="col">CPU</th></tr></thead><tbody>${rows.join('')}</tbody></table>`;
}

/** Names may hold what would end the element that it stands in. */
function jsonIn(value: unknown): string {
  return JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, (sign) => {
    const code = sign.charCodeAt(0).toString(16).padStart(4, '0');
    return `\\u${code}`;
  });
}

/** What the page shows, as JSON; its baseline stands beside it. */
export function fleetJson({ file: _, ...fleet }: Fleet) {
  return {
    schemaVersion: PAGE_SCHEMA_VERSION,
    kind: 'cpugate-fleet' as const,
    verdicts: VERDICTS,
    meanings: MEANINGS,
    ...fleet,
  };
}

/** `hash`: SHA-256 of a text, in base64: what is executed and how it looks is named by it, and nothing else may be. */
export function fleetPage(fleet: Fleet, hash: (text: string) => string): string {
  const policy = [
    "default-src 'none'",
    `script-src 'sha256-${hash(BEHAVIOUR)}'`,
    `style-src 'sha256-${hash(PAGE_STYLE)}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${plural(fleet.hosts.length, 'host')} at a glance</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
<header>
<h1>${plural(fleet.hosts.length, 'host')} at a glance</h1>
<p class="faint">Made by cpugate ${html(fleet.cpugate)} at ${html(fleet.made)}.</p>
${heads(fleet)}
<nav><a href="#where">Where may tasks go?</a> · <a href="#costs">Which hosts hold the others back?</a> · <a href="#pools">What would pools keep?</a> · <a href="#layout">Register state</a> · <a href="#all">All hosts</a></nav>
</header>
<main>
${[matrixSection, costsSection, poolsSection, layoutsSection, hostsSection].map((section) => section(fleet)).join('\n')}
</main>
${PAGE_BASELINE}${jsonIn(fleet.file)}</script>
<script type="application/json" id="fleet">${jsonIn(fleetJson(fleet))}</script>
<script>${BEHAVIOUR}</script>
</body>
</html>
`;
}
