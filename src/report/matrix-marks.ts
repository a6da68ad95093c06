/** What tables and pictures of a matrix have in common: how groups are called, how verdicts are marked. */
import type { Verdict } from '../judge/verdict.js';
import type { MatrixGroup, MatrixView } from '../matrix/view.js';
import { printable } from '../model/printable.js';

/** One sign each, that needs no colour. */
export const MARKS: Readonly<Record<Verdict, string>> = {
  compatible: '✓',
  'at-risk': '!',
  unknown: '?',
  incompatible: '×',
};
/** From a host to itself, where there is no other of its kind. */
export const SAME_MARK = '·';

/** Place in VERDICTS; undefined from a single host to itself. */
export function rankBetween(view: MatrixView, from: number, to: number): number | undefined {
  if (from === to && view.groups[from]?.hosts.length === 1) return undefined;
  return view.rank(from, to);
}

/** "web-1", "web-1 +11" for twelve hosts. */
export function groupName({ names }: MatrixView, { hosts }: MatrixGroup): string {
  const name = printable(names[hosts[0] as number] as string);
  return hosts.length === 1 ? name : `${name} +${hosts.length - 1}`;
}

function plural(count: number, thing: string): string {
  return `${count.toLocaleString('en')} ${thing}${count === 1 ? '' : 's'}`;
}

/** "27 hosts of 5 kinds". */
export function sizeText({ names, groups }: MatrixView): string {
  return `${plural(names.length, 'host')} of ${plural(groups.length, 'kind')}`;
}

/** "145 of 702 moves". */
export function countText({ counts, moves }: MatrixView, verdict: Verdict): string {
  return `${counts[verdict].toLocaleString('en')} of ${plural(moves, 'move')}`;
}
