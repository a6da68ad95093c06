/**
 * Who can go where, as a picture: a row for each kind of hosts that tasks run on, a column for each
 * that they would go to, both in the same order.
 */
import { VERDICTS, type Verdict } from '../../judge/verdict.js';
import type { MatrixView } from '../../matrix/view.js';
import { printable } from '../../model/printable.js';
import { type CommonEnds, commonEnds, withoutEnds } from '../common-ends.js';
import { shortenMiddle } from '../display-width.js';
import { countText, groupName, rankBetween, sizeText } from '../matrix-marks.js';
import { MEANINGS, px, STYLE, signPath } from './matrix-look.js';
import { escapeXml, textWidth } from './text.js';

/** Kinds up to which cells have this size, in pixels; beyond, all rows together have LARGEST_GRID. */
const CELL_SIZES: readonly (readonly [kinds: number, size: number])[] = [
  [24, 28],
  [40, 22],
  [80, 15],
  [120, 11],
  [200, 10],
];
const MOST_NAMED = 200;
/** Up to here a cell tells its two hosts when pointed at. */
const MOST_TITLED = 40;
const LARGEST_GRID = 960;
const SMALLEST_CELL = 2;
/** Pixels that a name may take. */
const WIDEST_NAME = 210;
/** Cells too narrow for slanting names above them have numbers there; each row has name and number. */
const LEAST_FOR_NAMES_ABOVE = 14;
const MARGIN = 24;
const LEAST_WIDTH = 600;
const FAMILY_GAP = 6;
const LINE = 24;
const DIAGONAL = Math.SQRT1_2;

/** Rows of the picture: a kind each, or neighbouring kinds where there are too many. */
interface Grid {
  readonly view: MatrixView;
  /** What was cut from names. */
  readonly ends: CommonEnds;
  /** Kinds of a row. */
  readonly perRow: number;
  readonly rows: number;
  readonly cell: number;
  /** Space between two cells. */
  readonly space: number;
  /** Distance of each row from the first, and of the end. */
  readonly offsets: readonly number[];
}

/** Endings of files say nothing about hosts; where names would be the same without, they stay. */
function dropEndings(names: readonly string[]): readonly string[] {
  const short = names.map((name) => name.replace(/(?!^)(?:\.(?:json|txt|img|xml|raw))+$/, ''));
  return new Set(short).size === new Set(names).size ? short : names;
}

/** A family ends before this kind; those of one kind each stand together. */
function isEdge({ groups }: MatrixView, kind: number): boolean {
  const familyAt = (place: number) => groups[place]?.family;
  if (kind >= groups.length || familyAt(kind) === familyAt(kind - 1)) return false;
  const isSingle = (place: number) =>
    familyAt(place) !== familyAt(place - 1) && familyAt(place) !== familyAt(place + 1);
  return !(isSingle(kind) && isSingle(kind - 1));
}

function gridOf(full: MatrixView): Grid {
  const names = dropEndings(full.names);
  const ends = commonEnds(full.groups.map(({ hosts }) => names[hosts[0] as number] as string));
  const view = { ...full, names: names.map((name) => withoutEnds(name, ends)) };
  const kinds = view.groups.length;
  const perRow = Math.ceil(kinds / (LARGEST_GRID / SMALLEST_CELL));
  const rows = Math.ceil(kinds / perRow);
  const cell = CELL_SIZES.find(([most]) => rows <= most)?.[1] ?? Math.floor(LARGEST_GRID / rows);
  const offsets = [0];
  for (let row = 1; row <= rows; row++) {
    const gap = rows <= MOST_NAMED && isEdge(view, row) ? FAMILY_GAP : 0;
    offsets.push((offsets[row - 1] as number) + cell + gap);
  }
  return { view, ends, perRow, rows, cell, space: cell > 10 ? 1 : 0, offsets };
}

/** Of several kinds the worst: a picture mustn't promise more than each of them can keep. */
function cellVerdict({ view, perRow }: Grid, row: number, column: number): Verdict | undefined {
  let worst = -1;
  const ends = [row, column].map((at) => Math.min((at + 1) * perRow, view.groups.length));
  for (let from = row * perRow; from < (ends[0] as number); from++)
    for (let to = column * perRow; to < (ends[1] as number); to++)
      worst = Math.max(worst, rankBetween(view, from, to) ?? -1);
  return VERDICTS[worst];
}

type Paths = Readonly<Record<Verdict, { squares: string; signs: string }>>;

/** Cells of one verdict are one path; neighbours in a row are one rectangle where none is told apart. */
function drawCells(grid: Grid): { readonly paths: Paths; readonly titles: string } {
  const paths = Object.fromEntries(
    VERDICTS.map((verdict) => [verdict, { squares: '', signs: '' }]),
  ) as Paths;
  const { rows, cell, space, offsets, view } = grid;
  const side = cell - space;
  const names = rows <= MOST_TITLED ? view.groups.map((group) => groupName(view, group)) : [];
  let titles = '';
  for (let row = 0; row < rows; row++) {
    const y = offsets[row] as number;
    for (let column = 0; column < rows; ) {
      const verdict = cellVerdict(grid, row, column);
      let next = column + 1;
      // Between families there is a gap, over which no rectangle goes.
      const isBeside = (at: number) =>
        (offsets[at] as number) - (offsets[at - 1] as number) === cell;
      if (space === 0)
        while (next < rows && isBeside(next) && cellVerdict(grid, row, next) === verdict) next++;
      const x = offsets[column] as number;
      if (verdict !== undefined) {
        const width = (next - column) * cell - space;
        paths[verdict].squares += `M${px(x)} ${px(y)}h${width}v${side}h-${width}z`;
        if (space > 0)
          paths[verdict].signs += signPath(verdict, x + side / 2, y + side / 2, side * 0.9);
        if (rows <= MOST_TITLED)
          titles +=
            `<path fill="#fff" fill-opacity="0" d="M${px(x)} ${px(y)}h${side}v${side}h-${side}z"><title>` +
            `${escapeXml(`${names[row]} → ${names[column]}: ${verdict}`)}</title></path>`;
      }
      column = next;
    }
  }
  return { paths, titles };
}

function text(
  content: string,
  x: number,
  y: number,
  size: number,
  rest: { readonly classes: string; readonly more?: string },
): string {
  const more = rest.more === undefined ? '' : ` ${rest.more}`;
  return `<text class="${rest.classes}" x="${px(x)}" y="${px(y)}" font-size="${px(size)}"${more}>${escapeXml(content)}</text>`;
}

interface Labels {
  readonly size: number;
  /** How far those above slant to the right, and up. */
  readonly reach: number;
  /** With the row that each stands at. */
  readonly texts: readonly (readonly [row: number, text: string])[];
  readonly widest: number;
}

/** Names and numbers, or now and then a number where names don't fit. */
function labelsOf({ view, rows, perRow, cell }: Grid): Labels {
  const digits = String(view.groups.length).length;
  const size = rows <= MOST_NAMED ? Math.min(12, cell * 0.8) : 11;
  const advance = textWidth('n', size);
  const step = [1, 2, 5, 10, 20, 50, 100].find((one) => one * cell >= 24) ?? 100;
  const texts =
    rows <= MOST_NAMED
      ? view.groups.map((group, row): [number, string] => {
          const name = shortenMiddle(groupName(view, group), Math.floor(WIDEST_NAME / advance));
          return [row, `${name} ${String(row + 1).padStart(digits)}`];
        })
      : Array.from({ length: Math.ceil(rows / step) }, (_, at): [number, string] => {
          return [at * step, String(at * step * perRow + 1)];
        });
  const widest = Math.max(...texts.map(([, one]) => textWidth(one, size)));
  const above = cell < LEAST_FOR_NAMES_ABOVE ? textWidth('0'.repeat(digits), size) : widest;
  return { size, texts, widest, reach: above * DIAGONAL };
}

/** Beside the rows, and slanting above the columns: the same label, its number nearest to the grid. */
function drawLabels({ size, texts }: Labels, { offsets, cell, space }: Grid): string {
  return texts
    .map(([row, label]) => {
      const middle = (offsets[row] as number) + (cell - space) / 2;
      const [, name = '', number = ''] = /^(?:(.*) )?\s*(\d+)$/.exec(label) ?? [];
      const above = name === '' || cell < LEAST_FOR_NAMES_ABOVE ? number : `${number} ${name}`;
      return (
        text(label, -8, middle + size * 0.35, size, {
          classes: 'name text',
          more: 'text-anchor="end" xml:space="preserve"',
        }) +
        text(above, 0, 0, size, {
          classes: 'name text',
          more: `transform="translate(${px(middle + size * 0.25)} -8) rotate(-45)"`,
        })
      );
    })
    .join('');
}

function drawLegend(grid: Grid, top: number): string {
  const { view } = grid;
  const lines = VERDICTS.map((verdict, place) => {
    const y = top + place * LINE;
    return (
      `<path class="${verdict}" d="M${MARGIN} ${px(y)}h18v18h-18z"/>` +
      `<path class="sign ${verdict}-sign" stroke-width="2" d="${signPath(verdict, MARGIN + 9, y + 9, 17)}"/>` +
      text(
        `${verdict}: ${MEANINGS[verdict]} (${countText(view, verdict)})`,
        MARGIN + 28,
        y + 14,
        13,
        { classes: 'prose text' },
      )
    );
  });
  const notes = notesOf(grid).map((note, place) =>
    text(note, MARGIN, top + (VERDICTS.length + place) * LINE + 14, 13, { classes: 'prose faint' }),
  );
  return [...lines, ...notes].join('');
}

/** "rack1-" as it stands in a sentence. */
function quoted(part: string): string {
  return `"${shortenMiddle(printable(part), 32)}"`;
}

function endsNote({ prefix, suffix }: CommonEnds): string[] {
  const said = [
    ...(prefix === '' ? [] : [`begin with ${quoted(prefix)}`]),
    ...(suffix === '' ? [] : [`end with ${quoted(suffix)}`]),
  ];
  return said.length === 0 ? [] : [`All names ${said.join(' and ')}, which is left out here.`];
}

function notesOf({ rows, perRow, ends }: Grid): string[] {
  const notes = rows <= MOST_NAMED ? endsNote(ends) : [];
  if (rows > MOST_NAMED)
    notes.push('Kinds are numbered from 1, in the order of the list that "cpugate matrix" prints.');
  if (perRow > 1)
    notes.push(
      `A cell stands for up to ${perRow} × ${perRow} kinds and shows the worst verdict among them.`,
    );
  return notes;
}

/** `matrix --svg`. */
export function matrixSvg(full: MatrixView): string {
  const grid = gridOf(full);
  const { view } = grid;
  const labels = labelsOf(grid);
  const extent = (grid.offsets.at(-1) as number) - grid.space;
  const left = Math.max(MARGIN + labels.widest + 8, MARGIN + 90);
  const top = MARGIN + 62 + labels.reach + 16;
  // The last label slants out to the right.
  const width = Math.max(LEAST_WIDTH, left + extent + labels.reach + MARGIN);
  const legendTop = top + extent + 28;
  const legendLines = VERDICTS.length + notesOf(grid).length;
  const height = legendTop + legendLines * LINE + MARGIN;
  const { paths, titles } = drawCells(grid);
  const stroke = px(Math.max(1, grid.cell * 0.085));
  const title = `Moves between ${sizeText(view)}`;
  const counts = VERDICTS.map((verdict) => `${verdict}: ${countText(view, verdict)}`).join('; ');
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="matrix-title matrix-description" viewBox="0 0 ${px(width)} ${px(height)}" width="${px(width)}" height="${px(height)}">`,
    `<title id="matrix-title">${escapeXml(title)}</title>`,
    `<desc id="matrix-description">${escapeXml(counts)}</desc>`,
    `<style>${STYLE}</style>`,
    `<path class="page" d="M0 0h${px(width)}v${px(height)}h-${px(width)}z"/>`,
    text(title, MARGIN, MARGIN + 16, 20, { classes: 'prose text', more: 'font-weight="600"' }),
    text('A row is where tasks run, a column where they would move.', MARGIN, MARGIN + 40, 13, {
      classes: 'prose faint',
    }),
    `<g transform="translate(${px(left)} ${px(top)})">`,
    text('from ↓  to →', -8, -10, 12, { classes: 'prose faint', more: 'text-anchor="end"' }),
    drawLabels(labels, grid),
    ...VERDICTS.flatMap((verdict) => {
      const { squares, signs } = paths[verdict];
      return [
        ...(squares === '' ? [] : [`<path class="${verdict}" d="${squares}"/>`]),
        ...(signs === ''
          ? []
          : [`<path class="sign ${verdict}-sign" stroke-width="${stroke}" d="${signs}"/>`]),
      ];
    }),
    titles,
    '</g>',
    drawLegend(grid, legendTop),
    '</svg>',
  ].join('\n')}\n`;
}
