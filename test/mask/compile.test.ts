/** Expectations are the manuals' bit positions, written out: the catalogue made the mask. */
import { describe, expect, it } from 'vitest';
import { baselineOf } from '../../src/baseline/baseline.js';
import { clusterOf } from '../../src/baseline/cluster.js';
import { VISIBLE } from '../../src/baseline/host-kind.js';
import { PER_CPU_FIELDS } from '../../src/catalogue/per-cpu-fields.js';
import { answerOf, applyMask } from '../../src/mask/apply.js';
import { compileMask } from '../../src/mask/compile.js';
import { findMaskRow, type Mask } from '../../src/mask/mask.js';
import { describeHost } from '../../src/model/capabilities.js';
import { findLeaf, leafTable } from '../../src/model/leaves.js';
import type { Register, Registers } from '../../src/model/registers.js';
import {
  AMD_512,
  baselineOfPlans,
  INTEL_512,
  models,
  PLACELESS_512,
} from '../baseline/clusters.js';
import { HASWELL, type HostPlan, V2, V3 } from '../hosts.js';
import { hostOf as readModel } from '../profiles/load.js';

const ONES: Registers = { eax: 0xffffffff, ebx: 0xffffffff, ecx: 0xffffffff, edx: 0xffffffff };

function maskOf(...plans: readonly HostPlan[]): Mask {
  return compileMask(baselineOfPlans(plans)).mask;
}

/** What of a register that is all ones reaches tasks. */
function shown(mask: Mask, leaf: number, subleaf: number, register: Register): number {
  return answerOf(mask, leaf, subleaf, ONES)[register];
}

const NO_XSAVE: HostPlan = { name: 'nehalem-1', features: V2 };
const haswell = maskOf(HASWELL);
const AMX: HostPlan = {
  ...INTEL_512,
  name: 'spr-1',
  features: [...INTEL_512.features, 'xgetbv1', 'xsaves', 'xfd', 'amx_tile', 'amx_int8'],
  mask: 0x602e7n,
  places: { ...INTEL_512.places, 17: [64, 2752], 18: [8192, 2816] },
  areaBytes: 11008,
};

describe('feature leaves', () => {
  it('show the features of the baseline and the constants of every x86-64 CPU', () => {
    // fpu vme de pse tsc msr pae mce cx8 apic mtrr pge mca cmov pat pse36 clflush mmx fxsr sse sse2 ht
    expect(shown(haswell, 1, 0, 'edx')).toBe(0x178bf3ff);
    // pni pclmulqdq ssse3 fma cx16 sse4_1 sse4_2 movbe popcnt aes xsave osxsave avx f16c rdrand hypervisor
    expect(shown(haswell, 1, 0, 'ecx')).toBe(0xfed83203);
  });

  it.each<[string, number, number, Register, number]>([
    ['monitor (3), vmx (5), x2apic (21), tsc_deadline (24)', 1, 0, 'ecx', 0x01200028],
    ['bit 16 of leaf 1 ECX, which nobody named', 1, 0, 'ecx', 1 << 16],
    ['bit 10 of leaf 1 EDX, which nobody named', 1, 0, 'edx', 1 << 10],
    ['sgx (2), avx512f (16), smap (20), intel_pt (25)', 7, 0, 'ebx', 0x02110004],
    ['all of leaf 7 ECX', 7, 0, 'ecx', 0xffffffff],
    ['all of leaf 7 EDX but the hybrid mark', 7, 0, 'edx', 0xffff7fff],
    ['all of leaf 7.1 EAX', 7, 1, 'eax', 0xffffffff],
    ['all of leaf 7.2 EDX', 7, 2, 'edx', 0xffffffff],
    ['a subleaf to come', 7, 3, 'eax', 0xffffffff],
    ['XSAVEC (1), XGETBV1 (2), XSAVES (3), XFD (4)', 0xd, 1, 'eax', 0x1e],
    ['supervisor state', 0xd, 1, 'ecx', 0xffffffff],
    ['the serial number', 3, 0, 'edx', 0xffffffff],
    ['power management', 6, 0, 'eax', 0xffffffff],
    ['SVM', 0x8000000a, 0, 'edx', 0xffffffff],
    ['memory encryption', 0x8000001f, 0, 'eax', 0xffffffff],
    ['a leaf to come', 0x3f, 0, 'eax', 0xffffffff],
    ['an extended leaf to come', 0x80000040, 0, 'eax', 0xffffffff],
    ['what AMD says of its own flaws', 0x80000021, 0, 'eax', 0xf9200120],
  ])('hide %s', (_, leaf, subleaf, register, bits) => {
    expect((shown(haswell, leaf, subleaf, register) & bits) >>> 0).toBe(0);
  });

  it('show avx2 (5) and hide avx512f (16) where one host lacks it', () => {
    const ebx = shown(maskOf(HASWELL, INTEL_512), 7, 0, 'ebx');
    expect(ebx & (1 << 5)).not.toBe(0);
    expect(ebx & (1 << 16)).toBe(0);
  });

  it('repeat in AMD 0x80000001 EDX what leaf 1 EDX shows', () => {
    const edx = shown(haswell, 0x80000001, 0, 'edx');
    expect((edx & 0x0183f3ff) >>> 0).toBe((shown(haswell, 1, 0, 'edx') & 0x0183f3ff) >>> 0);
    const noCmov = maskOf({ ...NO_XSAVE, features: V2.filter((name) => name !== 'cmov') });
    expect(shown(noCmov, 0x80000001, 0, 'edx') & (1 << 15)).toBe(0);
  });

  it('show the lowest AVX10 version, whatever the CPU has', () => {
    const avx10: HostPlan = { ...AMX, features: VISIBLE };
    const mask = maskOf({ ...avx10, avx10: 2 }, { ...avx10, avx10: 1 });
    expect(answerOf(mask, 0x24, 0, { eax: 1, ebx: 2, ecx: 0, edx: 0 }).ebx).toBe(1);
    const both = maskOf({ ...avx10, avx10: 3 }, { ...avx10, avx10: 2 });
    expect(answerOf(both, 0x24, 0, { eax: 1, ebx: 3, ecx: 0, edx: 0 }).ebx).toBe(2);
    expect(shown(haswell, 0x24, 0, 'ebx')).toBe(0);
  });
});

/** ACE specification 1.15, 3.2: 7.1 ECX[11], version in 0x1D.2 EAX[7:0], tiles, AVX10, XCR0[20,18:17]. */
describe('AI Compute Extensions', () => {
  const ACE: HostPlan = {
    ...AMX,
    name: 'ace-1',
    features: VISIBLE,
    mask: 0x1602e7n,
    places: { ...AMX.places, 20: [128, 11008] },
    areaBytes: 11136,
  };
  const live: Registers = { eax: 2, ebx: 0x12345678, ecx: 1, edx: 1 };

  it('are shown in version 1, whatever later one the CPU has', () => {
    const mask = maskOf(ACE);
    expect(shown(mask, 7, 1, 'ecx') & (1 << 11)).not.toBe(0);
    expect(answerOf(mask, 0x1d, 2, live)).toEqual({ eax: 1, ebx: 0, ecx: 0, edx: 0 });
    expect(answerOf(mask, 0x1d, 1, live)).toEqual(live);
  });

  it('are hidden where one host lacks them, or does not enable their state', () => {
    const noState: HostPlan = { ...ACE, name: 'ace-2', mask: 0x602e7n };
    for (const mask of [maskOf(ACE, AMX), maskOf(noState)]) {
      expect(shown(mask, 7, 1, 'ecx') & (1 << 11)).toBe(0);
      expect(shown(mask, 0x1d, 2, 'eax')).toBe(0);
      expect(shown(mask, 0xd, 0, 'eax') & (1 << 20)).toBe(0);
    }
  });
});

describe('leaves that stay live', () => {
  it.each([
    0, 2, 4, 5, 0xb, 0x15, 0x16, 0x1a, 0x1f, 0x40000000, 0x40000010, 0x80000000, 0x80000002,
    0x80000004, 0x80000006, 0x8000001d, 0x8000001e,
  ])('%i', (leaf) => {
    const row = findMaskRow(haswell, leaf, 3);
    expect(row?.keep).toEqual(ONES);
    expect(row?.set).toEqual({ eax: 0, ebx: 0, ecx: 0, edx: 0 });
  });

  it("are asked where the task runs if CPUs differ, and if they hold a CPU's own fields", () => {
    const leaves = haswell.rows.filter((row) => row.perCpu).map(({ leaf }) => leaf);
    const shownFields = PER_CPU_FIELDS.filter(({ leaf }) => leaf !== 6);
    for (const { leaf } of shownFields) expect(leaves).toContain(leaf);
    for (const leaf of [4, 0x1a]) expect(leaves).toContain(leaf);
    for (const leaf of [0, 7, 0xd, 0x80000001]) expect(leaves).not.toContain(leaf);
  });

  it('have neither tiles nor enclaves without the features', () => {
    for (const leaf of [0x12, 0x1d, 0x1e, 0x24, 0x29])
      expect(findMaskRow(haswell, leaf, 0), `leaf ${leaf}`).toBeUndefined();
    const amx = maskOf(AMX);
    expect(shown(amx, 0x1d, 1, 'eax')).toBe(0xffffffff);
    expect(shown(amx, 0x1e, 0, 'ebx')).toBe(0xffffffff);
  });
});

describe('leaf 0xD', () => {
  const both = maskOf(HASWELL, INTEL_512);

  it('offers the components of the baseline, and the largest sizes', () => {
    const answer = answerOf(both, 0xd, 0, ONES);
    expect(answer).toEqual({ eax: 7, ebx: 2696, ecx: 2696, edx: 0 });
  });

  it('keeps the size of hidden components that some host enables, on hosts without too', () => {
    const nothing = { eax: 0, ebx: 0, ecx: 0, edx: 0 };
    expect(answerOf(both, 0xd, 6, nothing)).toMatchObject({ eax: 512, ebx: 1152 });
    expect(answerOf(both, 0xd, 9, ONES)).toMatchObject({ eax: 8, ebx: 2688 });
    expect(answerOf(both, 0xd, 3, ONES)).toEqual(nothing);
    expect(answerOf(both, 0xd, 17, ONES)).toEqual(nothing);
  });

  it('keeps the size of components that CPUID shows and no host enables: glibc leaves room for them', () => {
    const places = { ...INTEL_512.places, 3: [64, 960], 4: [64, 1024] } as const;
    const mask = maskOf(INTEL_512, { ...INTEL_512, name: 'mpx-off', places });
    const nothing = { eax: 0, ebx: 0, ecx: 0, edx: 0 };
    expect(answerOf(mask, 0xd, 3, nothing)).toEqual({ eax: 64, ebx: 960, ecx: 0, edx: 0 });
    // No glibc saves the bounds' configuration.
    expect(answerOf(mask, 0xd, 4, nothing)).toEqual(nothing);
    expect(answerOf(mask, 0xd, 0, ONES).eax & 8).toBe(0);
  });

  it('takes the larger of two places', () => {
    expect(answerOf(maskOf(AMD_512, INTEL_512), 0xd, 7, ONES)).toMatchObject({
      eax: 1024,
      ebx: 1664,
    });
  });

  it('aligns tiles as they are where one host has them', () => {
    const aligned: HostPlan = { ...AMX };
    expect(answerOf(maskOf(HASWELL, aligned), 0xd, 18, ONES).eax).toBe(8192);
  });

  it('is empty where a host has no XSAVE, with OSXSAVE hidden', () => {
    const mask = maskOf(HASWELL, NO_XSAVE);
    expect(mask.rows.filter(({ leaf }) => leaf === 0xd)).toEqual([]);
    expect(shown(mask, 1, 0, 'ecx') & (3 << 26)).toBe(0);
  });

  it('never shows an area of 0 bytes with OSXSAVE', () => {
    for (const mask of [haswell, both, maskOf(AMD_512, INTEL_512)])
      expect(answerOf(mask, 0xd, 0, { eax: 0, ebx: 0, ecx: 0, edx: 0 }).ebx).toBeGreaterThanOrEqual(
        576,
      );
  });

  it('is refused where a host does not tell its area', () => {
    expect(() => compileMask(baselineOfPlans([PLACELESS_512]))).toThrow(
      expect.objectContaining({
        name: 'InputError',
        code: 'size-unknown',
        remedy: expect.stringContaining('cpugate probe'),
      }),
    );
  });

  it.each([
    ['x86-64-v1', true],
    ['x86-64-v2', true],
    ['x86-64-v3', true],
    ['x86-64-v4', false],
  ])('of the level %s can be made: %s', (level, isMade) => {
    const compile = () => compileMask(baselineOf(clusterOf([describeHost(readModel(level))])));
    if (isMade) expect(compile().mask.rows.length).toBeGreaterThan(0);
    else expect(compile).toThrow(expect.objectContaining({ code: 'size-unknown' }));
  });

  it('shows a compacted area that none exceeds where hosts do not tell it, and says so', () => {
    const xsavec: HostPlan = { ...HASWELL, features: [...V3, 'xsavec'] };
    const { mask, remarks } = compileMask(baselineOfPlans([xsavec]));
    expect(answerOf(mask, 0xd, 1, ONES).ebx).toBeGreaterThanOrEqual(832);
    expect(remarks.join()).toMatch(/compacted XSAVE area/);
  });
});

describe('beside CPUID', () => {
  it('AT_HWCAP is leaf 1 EDX', () => {
    expect(haswell.hwcap).toEqual({ keep: BigInt(shown(haswell, 1, 0, 'edx')), set: 0n });
  });

  it('AT_HWCAP2 shows FSGSBASE with the feature, ring-3 MWAIT never', () => {
    expect(haswell.hwcap2).toEqual({ keep: 2n, set: 0n });
    expect(maskOf(NO_XSAVE).hwcap2).toEqual({ keep: 0n, set: 0n });
  });

  it('AT_MINSIGSTKSZ is at least the largest frame', () => {
    const frames = [1776, 3632].map(
      (minSigStackBytes): HostPlan => ({ ...HASWELL, system: { minSigStackBytes } }),
    );
    expect(maskOf(...frames).minSigStackBytes).toBe(3632);
    // Not told: the area and what goes with it.
    expect(haswell.minSigStackBytes).toBeGreaterThanOrEqual(832 + 950);
  });

  it('tiles may be asked for only where the baseline has them', () => {
    expect(maskOf(AMX).xcompPermitted).toBe(0x602e7n);
    expect(maskOf(AMX, INTEL_512).xcompPermitted).toBe(0x2e7n);
  });
});

describe('a mask of shipped models', () => {
  it.each([
    ['haswell', 'skylake-sp'],
    ['epyc-rome', 'haswell'],
    ['x86-64-v2'],
    ['sapphirerapids', 'epyc-genoa'],
    ['nehalem', 'epyc-milan'],
  ])('%s %s can be made', (...names) => {
    const { mask } = compileMask(baselineOf(models(...names.filter(Boolean))));
    expect(mask.rows.length).toBeGreaterThan(40);
  });
});

describe('a leaf beyond the highest', () => {
  const ROW = { subleaf: 0, eax: 0xffffffff, ebx: 0xffffffff, ecx: 0xffffffff, edx: 0xffffffff };
  const beyond = (vendorEbx: number) =>
    applyMask(
      haswell,
      leafTable([
        { leaf: 0, subleaf: 0, eax: 7, ebx: vendorEbx, ecx: 0, edx: 0 },
        { leaf: 7, ...ROW },
        { leaf: 0xb, ...ROW },
        // No range of its own: the CPU repeats another leaf there.
        { leaf: 0xc0000000, ...ROW, eax: 0x10 },
      ]),
    );

  it("shows on Intel what the highest basic leaf shows, whatever the leaf's own row is", () => {
    const table = beyond(0x756e6547);
    const { ebx, ecx, edx } = findLeaf(table, 7, 0)!;
    for (const leaf of [0xb, 0xc0000000])
      expect(findLeaf(table, leaf, 0)).toMatchObject({ ebx, ecx, edx });
  });

  it('is zeros on AMD', () => {
    for (const leaf of [0xb, 0xc0000000])
      expect(findLeaf(beyond(0x68747541), leaf, 0)).toMatchObject({
        eax: 0,
        ebx: 0,
        ecx: 0,
        edx: 0,
      });
  });
});
