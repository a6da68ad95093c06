import { describe, expect, it } from 'vitest';
import { hostOfBaseline } from '../../src/formats/baseline.js';
import { verdictMatrix, verdictOf } from '../../src/matrix/matrix.js';
import { describeHost } from '../../src/model/capabilities.js';
import type { Host } from '../../src/model/host.js';
import { findLeaf, leafTable } from '../../src/model/leaves.js';
import type { Register } from '../../src/model/registers.js';
import { baselineOfPlans } from '../baseline/clusters.js';
import { HASWELL, type HostPlan, hostOf } from '../hosts.js';
import { compareHosts } from '../judge/between.js';

/** All is known of these leaves, as a dump has them. */
const WHOLE: readonly (readonly [leaf: number, subleaf: number])[] = [
  [7, 1],
  [7, 2],
  [7, 3],
  [0x1e, 1],
  [0x24, 1],
  [0x80000021, 0],
];

/** A host with a register's bits set beside its own. */
function withBit(name: string, leaf: number, subleaf: number, reg: Register, bits = 0): Host {
  const host = hostOf({ ...HASWELL, name } as HostPlan);
  const [cpu] = host.cpus as [Host['cpus'][number]];
  const zero = { eax: 0, ebx: 0, ecx: 0, edx: 0 };
  const rows = [...cpu.leaves.rows.filter((row) => !(row.leaf === 7 && row.subleaf > 0))];
  for (const [number, part] of WHOLE)
    if (findLeaf(cpu.leaves, number, part) === undefined || number === 7)
      rows.push({ ...zero, leaf: number, subleaf: part });
  const index = rows.findIndex((row) => row.leaf === leaf && row.subleaf === subleaf);
  const before = rows[index] ?? { ...zero, leaf, subleaf };
  const changed = { ...before, [reg]: (before[reg] | bits) >>> 0 };
  if (index < 0) rows.push(changed);
  else rows[index] = changed;
  const known = rows.map(({ known: _known, ...row }) => ({
    ...row,
    ...(row.leaf === 0 ? { eax: 0x29 } : {}),
    ...(row.leaf === 7 && row.subleaf === 0 ? { eax: 3 } : {}),
    ...(row.leaf === 0x1e || row.leaf === 0x24 ? { eax: row.subleaf === 0 ? 1 : row.eax } : {}),
  }));
  known.push({ ...zero, leaf: 0x80000000, subleaf: 0, eax: 0x80000022 });
  return { ...host, cpus: [{ ...cpu, leaves: leafTable(known) }] };
}

const found = (from: Host, to: Host) =>
  compareHosts(from, to).findings.filter(({ code }) => code === 'unnamed-feature-missing');

describe('a bit that nobody has named', () => {
  it.each<[number, number, Register, number]>([
    [7, 0, 'edx', 12],
    [7, 1, 'edx', 30],
    [7, 1, 'ecx', 20],
    [7, 2, 'eax', 3],
    [7, 2, 'edx', 17],
    // A subleaf that is new.
    [7, 3, 'ebx', 0],
    [0xd, 1, 'eax', 9],
    [0x80000021, 0, 'eax', 26],
  ])(
    'leaf %x.%i %s bit %i: lost, it is unknown; gained, it harms nobody',
    (leaf, sub, reg, bit) => {
      const [rich, poor] = [
        withBit('rich', leaf, sub, reg, (1 << bit) >>> 0),
        withBit('poor', leaf, sub, reg),
      ];
      const register = `Leaf 0x${leaf.toString(16)}.${sub} ${reg.toUpperCase()} bit ${bit} is set on rich and clear`;
      expect(found(rich, poor)).toMatchObject([
        { severity: 'unknown', effect: expect.stringContaining(register), remedy: 'launch-mask' },
      ]);
      expect(found(rich, rich)).toEqual([]);
      expect(found(poor, rich)).toEqual([]);
      const matrix = verdictMatrix([rich, poor].map(describeHost));
      for (const [from, host] of [rich, poor].entries())
        for (const [to, other] of [rich, poor].entries())
          expect(verdictOf(matrix, matrix.kindOf[from] ?? 0, matrix.kindOf[to] ?? 0)).toBe(
            compareHosts(host, other).verdict,
          );
    },
  );
  it('is unknown, not clear, where the target does not tell its leaf', () => {
    const rich = withBit('rich', 7, 1, 'edx', 2 ** 30);
    const silent = hostOf({ ...HASWELL, name: 'silent' });
    expect(found(rich, silent)).toMatchObject([
      { effect: expect.stringContaining('unknown on silent') },
    ]);
  });
  it('is not there on a named model, which has exactly what it lists', () => {
    const model = hostOf({ ...HASWELL, name: 'model', kind: 'model' });
    expect(found(withBit('rich', 7, 1, 'edx', 2 ** 30), model)).toMatchObject([
      { effect: expect.stringContaining('clear on model') },
    ]);
    expect(found(model, model)).toEqual([]);
  });
  it('is seen by no task under a mask', () => {
    const [rich, poor] = [withBit('rich', 7, 1, 'edx', 2 ** 30), withBit('poor', 7, 1, 'edx')];
    const baseline = baselineOfPlans([HASWELL]);
    const { features, xcr0, avx10Version, floors } = baseline;
    const mask = { name: 'mask', features, xcr0: xcr0 ?? 0n, avx10Version, floors };
    const report = compareHosts(rich, poor, { mask });
    expect(report.findings.map(({ code }) => code)).not.toContain('unnamed-feature-missing');
    expect(found(hostOfBaseline('baseline', baseline), poor)).toEqual([]);
  });
  it('counts where one of several CPUs has it, and is lost where one lacks it', () => {
    const [rich, poor] = [withBit('rich', 7, 1, 'edx', 2 ** 30), withBit('poor', 7, 1, 'edx')];
    const second = { ...(rich.cpus[0] as Host['cpus'][number]), logical: [1] };
    const mixed = { ...poor, name: 'mixed', cpus: [...poor.cpus, second] };
    expect(found(mixed, poor)).toHaveLength(1);
    expect(found(rich, mixed)).toHaveLength(1);
  });
  it("is Hygon's where only Hygon has the leaf", () => {
    const hygon = (bits: number) => {
      const host = hostOf({ ...HASWELL, name: `hygon-${bits}`, vendor: 'HygonGenuine' });
      const [cpu] = host.cpus as [Host['cpus'][number]];
      const row = { leaf: 0x8c860000, subleaf: 0, eax: 0x8c860000, ebx: 0, ecx: 0, edx: bits };
      return { ...host, cpus: [{ ...cpu, leaves: leafTable([...cpu.leaves.rows, row]) }] };
    };
    expect(found(hygon(7), hygon(5))).toMatchObject([
      {
        effect: expect.stringContaining('Leaf 0x8c860000.0 EDX bit 1 is set on hygon-7 and clear'),
      },
    ]);
    expect(found(hygon(7), hostOf(HASWELL))).toMatchObject(
      [0, 1, 2].map(() => ({ effect: expect.stringContaining('clear on') })),
    );
  });
});
