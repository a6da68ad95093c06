import { describe, expect, it } from 'vitest';
import { describeHost } from '../../src/model/capabilities.js';
import { leafTable } from '../../src/model/leaves.js';
import { ALL_KNOWN_64 } from '../../src/model/registers.js';
import { PRESENT } from '../../src/model/xsave.js';
import { stateMissing } from '../../src/rules/state-missing.js';
import { HASWELL, hostOf, INTEL_AVX512, seen, V4 } from '../hosts.js';
import { ask } from '../rules/ask.js';

const SKYLAKE = {
  ...HASWELL,
  features: [...V4, 'pku' as const, 'ospke' as const],
  mask: 0x2e7n,
  places: { ...INTEL_AVX512, 9: [8, 2688] as const },
  areaBytes: 2696,
};

describe('what a dump stands for', () => {
  it('supervisor state that stands in the user mask by mistake is not enabled', () => {
    const dump = seen({
      ...HASWELL,
      kind: 'cpu',
      features: [...HASWELL.features, 'shstk'],
      mask: 0x807n,
    });
    expect(dump.xsave.enabled).toEqual({ value: 7n, known: ALL_KNOWN_64 });
  });
  it('Linux sets OSPKE wherever there is PKU', () => {
    const { features, ...rest } = SKYLAKE;
    const dump = seen({
      ...rest,
      kind: 'cpu',
      features: features.filter((one) => one !== 'ospke'),
    });
    expect(dump.effective('ospke')).toBe(PRESENT);
  });
  it('without CLFLUSH the line size means nothing', () => {
    const features = HASWELL.features.filter((one) => one !== 'clflush');
    expect(seen({ ...HASWELL, features }).cacheLineBytes).toBeUndefined();
  });
  it.each([
    [1, false],
    [2, true],
  ])('leaf 0xD subleaf ECX %i: bit 1, not bit 0, says aligned', (ecx, aligned) => {
    const host = hostOf(HASWELL);
    const cpus = host.cpus.map((cpu) => ({
      ...cpu,
      leaves: leafTable(
        cpu.leaves.rows.map((row) =>
          row.leaf === 0xd && row.subleaf === 2 ? { ...row, ecx } : row,
        ),
      ),
    }));
    const { components } = describeHost({ ...host, cpus }).xsave;
    expect(components.find(({ bit }) => bit === 2)?.aligned).toBe(aligned);
  });
});

describe('a host with unlike CPUs', () => {
  it('lacks a component that one CPU lacks, whether the other has it or not', () => {
    const host = hostOf(HASWELL, [HASWELL]);
    const [first, second] = host.cpus as [(typeof host.cpus)[0], (typeof host.cpus)[0]];
    const cpus = [first, { ...second, xcr0: { value: 7n, known: 7n } }];
    const to = describeHost({ ...host, cpus });
    expect(ask(stateMissing, seen(SKYLAKE), to).map((one) => one.component)).toContain('pkru');
  });
  it.each([
    ['first', HASWELL, SKYLAKE],
    ['last', SKYLAKE, HASWELL],
  ])('has the larger area, the smaller standing %s', (_, one, other) => {
    expect(seen(one, [other]).xsave.areaBytes).toBe(2696);
  });
  it('tells no size that differs', () => {
    const mixed = seen(SKYLAKE, [{ ...SKYLAKE, places: { ...SKYLAKE.places, 9: [64, 2688] } }]);
    expect(mixed.xsave.components.find(({ bit }) => bit === 9)?.size).toBeUndefined();
  });
  it.each([
    [1, 2],
    [2, 1],
  ])('has the smaller AVX10 version of %i and %i', (one, other) => {
    const avx10 = (version: number) => ({
      ...SKYLAKE,
      features: [...SKYLAKE.features, 'avx10_version' as const],
      avx10: version,
    });
    expect(seen(avx10(one), [avx10(other)]).fieldValue('avx10_version')).toBe(1);
  });
});
