/** The comparison that other tests lean on finds what it should. */
import { expect, test } from 'vitest';
import { compareRows, type RawRow, readCpuidRaw } from './cpuid-raw.js';

const ROWS: readonly RawRow[] = [
  [0, 0, 4, 1, 2, 3],
  [4, 0, 0x121, 1, 2, 3],
  [4, 1, 0, 0, 0, 0],
  [0x80000000, 0, 0x80000000, 0, 0, 0],
];

const EMPTY: RawRow = [0x8000001d, 0, 0, 0, 0, 0];

test('text of cpuid -r', () => {
  const line = (row: RawRow) => {
    const [leaf, subleaf, eax, ebx, ecx, edx] = row.map((n) => `0x${n.toString(16)}`);
    return `   ${leaf} ${subleaf}: eax=${eax} ebx=${ebx} ecx=${ecx} edx=${edx}`;
  };
  const text = `CPU 0:\n${ROWS.map(line).join('\n')}\nCPU 1:\n${line([7, 0, 1, 2, 3, 4])}\n`;
  expect([...readCpuidRaw(text)]).toEqual([
    [0, ROWS],
    [1, [[7, 0, 1, 2, 3, 4]]],
  ]);
});

test('equal rows', () => {
  expect(compareRows(ROWS, ROWS)).toEqual([]);
});

test.each<[string, readonly RawRow[], readonly RawRow[]]>([
  ['one bit', ROWS, ROWS.with(1, [4, 0, 0x121, 1, 3, 3])],
  ['a leaf that the probe lacks', ROWS.slice(1), ROWS],
  ['a subleaf that the probe lacks', ROWS, [...ROWS, [4, 2, 1, 0, 0, 0]]],
  ['a leaf that only the probe has', ROWS, ROWS.slice(1)],
  ['a list that only the probe has', [...ROWS, [0x8000001d, 0, 0x121, 0, 0, 0]], ROWS],
  ['a leaf of zeros that lists nothing', [...ROWS, [0x80000008, 0, 0, 0, 0, 0]], ROWS],
  [
    'a list that is empty in the probe only',
    [...ROWS, EMPTY],
    [...ROWS, [0x8000001d, 0, 1, 0, 0, 0]],
  ],
  ['a second hypervisor', ROWS, [...ROWS, [0x40000100, 0, 0x40000101, 0, 0, 0]]],
])('found: %s', (_, ours, theirs) => {
  expect(compareRows(ours, theirs)).toHaveLength(1);
});

test.each<[string, readonly RawRow[], readonly RawRow[]]>([
  ['the end of a list', ROWS, ROWS.toSpliced(2, 1)],
  ['the end of a list, there', ROWS.toSpliced(2, 1), ROWS],
  ['an empty list, which the tool leaves out', [...ROWS, EMPTY], ROWS],
  ['a range that is none', ROWS, [...ROWS, [0x80860000, 0, 7, 1, 1, 1]]],
])('passed over: %s', (_, ours, theirs) => {
  expect(compareRows(ours, theirs)).toEqual([]);
});
