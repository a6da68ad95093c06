/** Who can go where, for people: a table where it fits, else a line a kind of hosts. */
import { VERDICTS, type Verdict } from '../../judge/verdict.js';
import type { MatrixView } from '../../matrix/view.js';
import { formatCpuList } from '../../model/cpu-list.js';
import { displayColumns, padColumns, shortenMiddle } from '../display-width.js';
import { countText, groupName, MARKS, rankBetween, SAME_MARK, sizeText } from '../matrix-marks.js';
import type { TextStyle } from './check.js';
import { wrap } from './wrap.js';

const WIDEST_NAME = 32;
const NARROWEST_NAME = 12;
/** Lines of the list that is shown where no table fits. */
const KINDS_LISTED = 200;

type Paint = (text: string) => string;

function paints({ colors }: TextStyle): Readonly<Record<Verdict, Paint>> {
  return {
    compatible: colors.green,
    'at-risk': colors.yellow,
    unknown: colors.magenta,
    incompatible: colors.dim,
  };
}

function legend(view: MatrixView, style: TextStyle): string[] {
  const paint = paints(style);
  const width = Math.max(...VERDICTS.map((verdict) => verdict.length));
  const counts = VERDICTS.map((verdict) => countText(view, verdict));
  const widest = Math.max(...counts.map((count) => count.length));
  return VERDICTS.map(
    (verdict, place) =>
      `  ${paint[verdict](MARKS[verdict])} ${verdict.padEnd(width)}  ${counts[place]?.padStart(widest)}`,
  );
}

interface Shape {
  /** Characters of a name, and of a column with the blanks before it. */
  readonly name: number;
  readonly column: number;
}

/** Wide columns with a number above, or columns of one character with the digits one above the other. */
function shapeOf(names: readonly string[], width: number): Shape | undefined {
  const count = names.length;
  const digits = String(count).length;
  const wanted = Math.min(WIDEST_NAME, Math.max(...names.map(displayColumns)));
  for (const column of [digits + 1, 1]) {
    const left = width - (2 + digits + 1 + 1) - count * column;
    if (left >= Math.min(wanted, NARROWEST_NAME)) return { name: Math.min(wanted, left), column };
  }
  return undefined;
}

function headLines(count: number, { name, column }: Shape): string[] {
  const digits = String(count).length;
  const indent = ' '.repeat(2 + digits + 1 + name + 1);
  const numbers = Array.from({ length: count }, (_, place) => String(place + 1));
  if (column > 1) return [indent + numbers.map((one) => one.padStart(column)).join('')];
  return Array.from(
    { length: digits },
    (_, line) => indent + numbers.map((one) => one.padStart(digits)[line]).join(''),
  );
}

function tableLines(
  view: MatrixView,
  names: readonly string[],
  shape: Shape,
  style: TextStyle,
): string[] {
  const { colors } = style;
  const paint = paints(style);
  const count = view.groups.length;
  const digits = String(count).length;
  const mark = (from: number, to: number) => {
    const rank = rankBetween(view, from, to);
    if (rank === undefined) return colors.dim(SAME_MARK);
    const verdict = VERDICTS[rank] as Verdict;
    return paint[verdict](MARKS[verdict]);
  };
  const gap = ' '.repeat(shape.column - 1);
  return [
    ...headLines(count, shape).map((line) => colors.dim(line)),
    ...names.map((name, from) => {
      const cells = names.map((_, to) => gap + mark(from, to)).join('');
      const number = colors.dim(String(from + 1).padStart(digits));
      return `  ${number} ${padColumns(shortenMiddle(name, shape.name), shape.name)} ${cells}`;
    }),
  ];
}

/** "✓ 1-5,8  ! 9", without what can't be reached. */
function targetsText(view: MatrixView, from: number): string {
  const parts = VERDICTS.filter((verdict) => verdict !== 'incompatible').flatMap((verdict) => {
    const targets = view.groups
      .map((_, to) => to)
      .filter((to) => {
        const rank = rankBetween(view, from, to);
        return rank !== undefined && VERDICTS[rank] === verdict;
      });
    if (targets.length === 0) return [];
    return [`${MARKS[verdict]} ${formatCpuList(targets.map((to) => to + 1)).replace(/,/g, ', ')}`];
  });
  return parts.length === 0 ? 'nowhere' : parts.join('; ');
}

function listLines(view: MatrixView, names: readonly string[], { colors, width }: TextStyle) {
  const digits = String(names.length).length;
  const indent = ' '.repeat(2 + digits + 1);
  const lines = names
    .slice(0, KINDS_LISTED)
    .flatMap((name, from) => [
      `  ${colors.dim(String(from + 1).padStart(digits))} ${colors.bold(shortenMiddle(name, width - indent.length))}`,
      wrap(targetsText(view, from), width, `${indent}  `),
    ]);
  const hidden = names.length - KINDS_LISTED;
  return hidden > 0 ? [...lines, `  … and ${hidden} more kinds`] : lines;
}

/** `matrix` without --json. */
export function matrixText(view: MatrixView, style: TextStyle): string {
  const { colors, width } = style;
  const names = view.groups.map((group) => groupName(view, group));
  const shape = shapeOf(names, width);
  const lines =
    shape === undefined
      ? [
          wrap(
            'Below each kind of hosts stand the numbers of the kinds that its tasks can move to, by verdict. ' +
              '--svg FILE draws the whole matrix, --json writes it for programs.',
            width,
          ),
          '',
          ...listLines(view, names, style),
        ]
      : [
          'A row is where tasks run, a column where they would move.',
          '',
          ...tableLines(view, names, shape, style),
        ];
  return `${[
    colors.bold(`Moves between ${sizeText(view)}`),
    ...legend(view, style),
    '',
    ...lines,
  ].join('\n')}\n`;
}
