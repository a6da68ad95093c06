import { createColors } from 'picocolors';
import { SaxesParser } from 'saxes';
import { describe, expect, it } from 'vitest';
import validate from '../../src/generated/matrix-report.js';
import { viewMatrix } from '../../src/matrix/view.js';
import { matrixJson, matrixJsonText } from '../../src/report/matrix-json.js';
import { matrixSvg } from '../../src/report/svg/matrix.js';
import { matrixText } from '../../src/report/text/matrix.js';

const PLAIN = { colors: createColors(false), width: 80 };
const SIGNS = 'cr?x';

/** A row each: "c" compatible, "r" at risk, "?" unknown, "x" incompatible. */
function viewOf(rows: readonly string[], names: readonly string[], kindOf?: readonly number[]) {
  return viewMatrix(names, {
    size: rows.length,
    ranks: Uint8Array.from([...rows.join('')].map((sign) => SIGNS.indexOf(sign))),
    kindOf: kindOf ?? rows.map((_, kind) => kind),
  });
}

const FOUR = viewOf(
  ['ccr?', 'xcrx', 'xxcx', 'xxxc'],
  ['old', 'web-1', 'amd', 'new', 'web-2'],
  [0, 1, 2, 3, 1],
);
/** So many kinds that go nowhere. */
const many = (count: number) =>
  viewOf(
    Array.from({ length: count }, (_, from) =>
      Array.from({ length: count }, (_, to) => (from === to ? 'c' : 'x')).join(''),
    ),
    Array.from({ length: count }, (_, n) => `host-${String(n).padStart(5, '0')}`),
  );

describe('the table', () => {
  it('has a row where tasks run and a column where they would move', () => {
    expect(matrixText(FOUR, PLAIN)).toBe(
      `${[
        'Moves between 5 hosts of 4 kinds',
        '  ✓ compatible     4 of 20 moves',
        '  ! at-risk        3 of 20 moves',
        '  ? unknown        1 of 20 moves',
        '  × incompatible  12 of 20 moves',
        '',
        'A row is where tasks run, a column where they would move.',
        '',
        '              1 2 3 4',
        '  1 old       · ✓ ! ?',
        '  2 web-1 +1  × ✓ ! ×',
        '  3 amd       × × · ×',
        '  4 new       × × × ·',
      ].join('\n')}\n`,
    );
  });
  it('becomes a list where it does not fit', () => {
    const text = matrixText(many(90), PLAIN);
    expect(text).toContain('the numbers of the kinds that');
    expect(text).toContain('\n   1 host-00000\n       nowhere\n');
  });
  it('counts the rest of a long list', () => {
    const text = matrixText(many(250), PLAIN);
    expect(text).toMatch(/… and 50 more kinds\n$/);
  });
});

describe('the answer for programs', () => {
  it('is as its schema says, a line a row', () => {
    const text = matrixJsonText(FOUR);
    const json = JSON.parse(text);
    expect(validate(json), JSON.stringify(validate.errors)).toBe(true);
    expect(json).toEqual(JSON.parse(JSON.stringify(matrixJson(FOUR))));
    expect(text.split('\n').length).toBeLessThan(40);
  });
  it('tells each host its kind, and each two kinds their verdict', () => {
    const { hosts, kinds, verdicts, verdictNames } = matrixJson(FOUR);
    const kindOf = (name: string) => hosts.find((host) => host.name === name)?.kind as number;
    expect(kindOf('web-1')).toBe(kindOf('web-2'));
    expect(kinds[kindOf('web-1')]?.count).toBe(2);
    const verdict = (from: string, to: string) =>
      verdictNames[verdicts[kindOf(from)]?.[kindOf(to)] as number];
    expect(verdict('old', 'web-2')).toBe('compatible');
    expect(verdict('web-2', 'old')).toBe('incompatible');
    expect(verdict('old', 'amd')).toBe('at-risk');
    expect(verdict('old', 'new')).toBe('unknown');
  });
});

/** Elements and text of a picture; throws where it isn't well-formed XML. */
function parse(svg: string) {
  const elements: { name: string; attributes: Record<string, string> }[] = [];
  const texts: string[] = [];
  const parser = new SaxesParser();
  parser.on('opentag', ({ name, attributes }) =>
    elements.push({ name, attributes: attributes as Record<string, string> }),
  );
  parser.on('text', (text) => texts.push(text.trim()));
  parser.on('error', (error) => {
    throw error;
  });
  parser.write(svg).close();
  return { elements, texts: texts.filter((text) => text !== '') };
}

const ofClass = ({ elements }: ReturnType<typeof parse>, wanted: string) =>
  elements.filter(({ name, attributes }) => name === 'path' && attributes.class === wanted);
const squares = (path: string | undefined) => path?.match(/z/g)?.length ?? 0;

describe('the picture', () => {
  it('draws each verdict as often as there are such cells, without the diagonal of single hosts', () => {
    const picture = parse(matrixSvg(FOUR));
    const drawn = (verdict: string) => squares(ofClass(picture, verdict)[0]?.attributes.d);
    // old → web, web ↔ web.
    expect(drawn('compatible')).toBe(2);
    expect(drawn('at-risk')).toBe(2);
    expect(drawn('unknown')).toBe(1);
    expect(drawn('incompatible')).toBe(8);
  });
  it('says in words what it shows, for those who do not see it', () => {
    const { elements, texts } = parse(matrixSvg(FOUR));
    expect(elements[0]).toMatchObject({ name: 'svg', attributes: { role: 'img' } });
    expect(texts).toContain('Moves between 5 hosts of 4 kinds');
    expect(texts).toContain('old → web-1 +1: compatible');
  });
  it('names rows and columns', () => {
    const { texts } = parse(matrixSvg(FOUR));
    expect(texts.filter((text) => /^web-1 \+1 \d$|^\d web-1 \+1$/.test(text))).toHaveLength(2);
  });
  it('leaves out what all files end with, unless names were the same without', () => {
    expect(matrixSvg(viewOf(['cx', 'xc'], ['a.txt', 'b.json']))).not.toContain('.txt');
    expect(matrixSvg(viewOf(['cx', 'xc'], ['a.txt', 'a.json']))).toContain('.txt');
  });
  it('lets no name break out', () => {
    const evil = '</text><script>alert(1)</script>"\'&\u0007';
    const { elements, texts } = parse(matrixSvg(viewOf(['cx', 'xc'], [evil, 'b'])));
    expect(elements.some(({ name }) => name === 'script')).toBe(false);
    expect(texts.some((text) => text.includes('<script>'))).toBe(true);
  });
  it('leaves out what all names begin and end with, and says so', () => {
    const rows = ['cxx', 'xcx', 'xxc'];
    const { texts } = parse(
      matrixSvg(
        viewOf(rows, [
          'rack1-web-1.example.org',
          'rack1-web-2.example.org',
          'rack1-db.example.org',
        ]),
      ),
    );
    expect(texts).toContain(
      'All names begin with "rack1-" and end with ".example.org", which is left out here.',
    );
    const heads = texts.filter((text) => /^(web-[12]|db) \d$/.test(text));
    expect(heads).toHaveLength(3);
    expect(texts.some((text) => text.startsWith('web-1 → db:'))).toBe(true);
  });
  it.each([
    ['of two names', ['rack1-web', 'rack1-db'], 'rack1-web'],
    ['where numbers alone were left', ['machine-1', 'machine-2', 'machine-3'], 'machine-1'],
    ['where a name were gone', ['rack1-web', 'rack1-', 'rack1-db'], 'rack1-web'],
    ['where one begins otherwise', ['rack1-web', 'rack2-web', 'rack1-db'], 'rack1-web'],
    ['within a word', ['machineroom', 'machinehall', 'machinepark'], 'machineroom'],
  ])('leaves names whole %s', (_, names, shown) => {
    const rows = names.map((_, from) => names.map((_, to) => (from === to ? 'c' : 'x')).join(''));
    const { texts } = parse(matrixSvg(viewOf(rows, names)));
    expect(texts.filter((text) => text.startsWith(`${shown} `)).length).toBeGreaterThan(0);
    expect(texts.some((text) => text.includes('left out'))).toBe(false);
  });
  it('draws each cell where cells are drawn together, beside gaps between families as well', () => {
    const count = 130;
    const pairs = viewOf(
      Array.from({ length: count }, (_, from) =>
        Array.from({ length: count }, (_, to) => (from >> 1 === to >> 1 ? 'c' : 'x')).join(''),
      ),
      Array.from({ length: count }, (_, n) => `host-${n}`),
    );
    const picture = parse(matrixSvg(pairs));
    const area = (verdict: string) => {
      const [first] = ofClass(picture, verdict);
      const sizes = [...(first?.attributes.d ?? '').matchAll(/h(\d+)v(\d+)/g)];
      return sizes.reduce((sum, [, width, height]) => sum + Number(width) * Number(height), 0);
    };
    expect(area('compatible')).toBe(count * 10 * 10);
    expect(area('incompatible')).toBe(count * (count - 2) * 10 * 10);
    const all = [...matrixSvg(pairs).matchAll(/M([\d.]+) ([\d.]+)h(\d+)v10h/g)];
    const right = Math.max(...all.map(([, x, , width]) => Number(x) + Number(width)));
    expect(right).toBe(count * 10 + (count / 2 - 1) * 6);
  });
  it('names each of 200 kinds, in letters that can be read', () => {
    const { elements, texts } = parse(matrixSvg(many(200)));
    expect(texts.filter((text) => /^host-\d{5} +\d+$/.test(text))).toHaveLength(200);
    const sizes = elements
      .filter(({ name, attributes }) => name === 'text' && attributes.class === 'name text')
      .map(({ attributes }) => Number(attributes['font-size']));
    expect(sizes).toHaveLength(400);
    expect(Math.min(...sizes)).toBeGreaterThanOrEqual(8);
  });
  it.each([41, 121, 200, 201, 500])('of %d kinds can still be drawn', (count) => {
    const svg = matrixSvg(many(count));
    const { texts } = parse(svg);
    expect(svg.length).toBeLessThan(3_000_000);
    expect(texts.some((text) => text.startsWith('incompatible:'))).toBe(true);
    const [, width = '0', height = '0'] = /viewBox="0 0 (\S+) (\S+)"/.exec(svg) ?? [];
    expect(Math.max(Number(width), Number(height))).toBeLessThan(2500);
    expect(texts.some((text) => text.includes('Kinds are numbered'))).toBe(count > 200);
  });
  it('of several kinds a cell shows the worst of them', () => {
    const svg = matrixSvg(many(500));
    expect(svg).toContain('shows the worst verdict among them');
    // The legend's alone.
    expect(ofClass(parse(svg), 'compatible')).toHaveLength(1);
    expect(ofClass(parse(svg), 'incompatible')).toHaveLength(2);
  });
});
