/** What became of the files of a baseline, for people. */
import { printable } from '../../model/printable.js';
import type { TextStyle } from './check.js';
import { plural } from './drop-reasons.js';
import { wrap } from './wrap.js';

export interface WrittenBaseline {
  readonly path: string;
  readonly hosts: number;
  readonly level: string | undefined;
}

export interface Outcome {
  readonly written: readonly WrittenBaseline[];
  /** Pools of an earlier run that are no more. */
  readonly removed?: readonly string[];
  /** Files that are called like pools and aren't known to be any. */
  readonly left?: readonly string[];
}

export function levelName(level: string | undefined): string {
  return level ?? 'below x86-64-v1';
}

/** The last lines; none where nothing was to be written. */
export function writtenText(
  { written, removed = [], left = [] }: Outcome,
  { colors, width }: TextStyle,
): string {
  const lines = [
    ...written.map(
      ({ path, hosts, level }) =>
        `${colors.bold(`Wrote ${path === '-' ? 'to standard output' : printable(path)}`)}: ${plural(hosts, 'host')}, ${levelName(level)}`,
    ),
    ...removed.map((path) => `Removed ${printable(path)}: a pool of an earlier run`),
    ...left.map((path) =>
      wrap(
        `Left ${printable(path)} as it is: it is called like a pool of an earlier run, but holds no baseline`,
        width,
      ),
    ),
  ];
  return lines.length === 0 ? '' : `\n${lines.join('\n')}\n`;
}

/** The last line where a change was looked at and not made; `way` is what would make it. */
export function unwrittenText(way: string | undefined, { width }: TextStyle): string {
  const more = way === undefined ? '' : ` ${way}`;
  return `\n${wrap(`Nothing was written.${more}`, width)}\n`;
}
