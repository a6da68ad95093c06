/** Output of Debian's `cpuid -r`: another program that asks every leaf, written by other people. */
import { execFileSync } from 'node:child_process';
import { SUBLEAVES } from '../../src/catalogue/subleaves.js';

export type RawRow = readonly [
  leaf: number,
  subleaf: number,
  eax: number,
  ebx: number,
  ecx: number,
  edx: number,
];

/** Rows by number of the CPU. */
export function readCpuidRaw(text: string): Map<number, RawRow[]> {
  const cpus = new Map<number, RawRow[]>();
  let rows: RawRow[] = [];
  for (const line of text.split('\n')) {
    const cpu = /^CPU (\d+):/.exec(line)?.[1];
    if (cpu !== undefined) {
      rows = [];
      cpus.set(Number(cpu), rows);
    }
    const numbers = /^ {3}0x/.test(line) ? line.match(/0x[0-9a-f]+/g) : null;
    if (numbers?.length === 6) rows.push(numbers.map(Number) as unknown as RawRow);
  }
  return cpus;
}

/**
 * It prints the first leaf of ranges that only some CPUs have (Xeon Phi, Transmeta, a second
 * hypervisor), whatever they answer; where the answer lies outside the range, there is no range.
 */
function isForeignRange([leaf, , eax]: RawRow): boolean {
  const outside = eax < leaf || eax - leaf > 0xffff;
  return [0x20000000, 0x40000100, 0x80860000].includes(leaf) && outside;
}

/** The row that ends a list of subleaves; one of the two may leave it out. */
function isEnd([, subleaf, eax, ebx, , edx]: RawRow): boolean {
  return subleaf > 0 && eax === 0 && ebx === 0 && edx === 0;
}

/** Leaves that list their subleaves up to the first that says nothing: the first may be that one. */
const LISTS = SUBLEAVES.filter(({ rule }) => rule.startsWith('until-')).map(({ leaf }) => leaf);

/** A list with nothing in it: the tool leaves it out, the probe has its end. */
function isEmptyList([leaf, subleaf, ...registers]: RawRow): boolean {
  return subleaf === 0 && LISTS.includes(leaf) && registers.every((register) => register === 0);
}

function textOf(row: RawRow): string {
  return row.map((number) => number.toString(16)).join(' ');
}

/**
 * Rows that differ, and rows that only one of the two has. Subleaves that only the probe lists are
 * passed over: those of leaves that are younger than the installed cpuid; and so are empty lists.
 */
export function compareRows(ours: readonly RawRow[], theirs: readonly RawRow[]): string[] {
  const keyOf = ([leaf, subleaf]: RawRow) => `${leaf} ${subleaf}`;
  const ourRows = new Map(ours.map((row) => [keyOf(row), textOf(row)]));
  const theirRows = new Map(theirs.map((row) => [keyOf(row), textOf(row)]));
  const differing = theirs
    .filter((row) => !isForeignRange(row) && ourRows.get(keyOf(row)) !== textOf(row))
    .filter((row) => ourRows.has(keyOf(row)) || !isEnd(row))
    .map((row) => `cpuid: ${textOf(row)}, probe: ${ourRows.get(keyOf(row))}`);
  const added = ours
    .filter((row) => row[1] === 0 && !theirRows.has(keyOf(row)) && !isEmptyList(row))
    .map((row) => `probe only: ${textOf(row)}`);
  return [...differing, ...added];
}

export const cpuidIsHere: boolean = (() => {
  try {
    execFileSync('cpuid', ['-v'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();
