import { describe, expect, it } from 'vitest';
import { groupCpus } from '../../src/model/group-cpus.js';
import { type LeafRow, leafTable } from '../../src/model/leaves.js';

const row = (leaf: number, values: Partial<LeafRow> = {}): LeafRow => ({
  leaf,
  subleaf: 0,
  eax: 0,
  ebx: 0,
  ecx: 0,
  edx: 0,
  ...values,
});
const cpu = (number: number, ...rows: LeafRow[]) => ({
  logical: [number],
  leaves: leafTable([row(0, { eax: 0xb }), ...rows]),
});
const groups = (...cpus: ReturnType<typeof cpu>[]) => groupCpus(cpus).map((one) => one.logical);

describe('logical CPUs', () => {
  it.each([
    ['the initial APIC id', row(1, { ebx: 0x00100800 }), row(1, { ebx: 0x01100800 })],
    ['the x2APIC id', row(0xb, { edx: 4 }), row(0xb, { edx: 5 })],
    [
      'the row in the hardware feedback table',
      row(6, { edx: 0x00010003 }),
      row(6, { edx: 0x00020003 }),
    ],
    [
      'a leaf above the maximum, which repeats another',
      row(0x14, { edx: 4 }),
      row(0x14, { edx: 5 }),
    ],
  ])('that differ in %s are alike', (_, a, b) => {
    expect(groups(cpu(0, a), cpu(1, b))).toEqual([[0, 1]]);
  });
  it.each([
    ['a feature', row(7, { ebx: 0x20 }), row(7)],
    ['the cache line behind the APIC id', row(1, { ebx: 0x0800 }), row(1, { ebx: 0x1000 })],
    ['what is known', row(7), row(7, { known: { eax: 0, ebx: 0, ecx: 0, edx: 0 } })],
  ])('that differ in %s are not', (_, a, b) => {
    expect(groups(cpu(0, a), cpu(1, b))).toEqual([[0], [1]]);
  });
  it('keep their numbers, ascending, in groups by first appearance', () => {
    const [p, e] = [row(7, { ebx: 1 }), row(7, { ebx: 2 })];
    expect(groups(cpu(3, e), cpu(0, p), cpu(2, e), cpu(1, p))).toEqual([
      [2, 3],
      [0, 1],
    ]);
  });
});
