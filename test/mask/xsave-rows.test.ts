/**
 * Leaf 0xD under a mask: sizes go up, components down. Numbers are Intel SDM vol. 1, 13.4: 576 bytes of legacy state and
 * header, components aligned to 64 bytes in the compacted format.
 */
import { describe, expect, it } from 'vitest';
import type { Baseline } from '../../src/baseline/baseline.js';
import { RowBuilder } from '../../src/mask/row-builder.js';
import { addXsaveRows, isAreaUnknown, sizesOf } from '../../src/mask/xsave-rows.js';
import type { StateComponent } from '../../src/model/xsave.js';
import { baselineOfPlans } from '../baseline/clusters.js';
import { HASWELL } from '../hosts.js';

const told = {
  ...baselineOfPlans([HASWELL]),
  xcr0: 0x7n,
  enabledAnywhere: 0x2e7n,
  areaBytes: 832,
  offeredBytes: 2696,
  compactedBytes: 3000,
  minSigStackBytes: 3632,
} satisfies Baseline;

/** A word of the baseline that no host tells. */
function untold(baseline: Baseline, ...words: (keyof Baseline)[]): Baseline {
  const entries = Object.entries(baseline).filter(
    ([word]) => !words.includes(word as keyof Baseline),
  );
  return Object.fromEntries(entries) as unknown as Baseline;
}

describe('sizes', () => {
  it("are the cluster's where it tells them", () => {
    expect(sizesOf(told)).toEqual({
      areaBytes: 832,
      offeredBytes: 2696,
      compactedBytes: 3000,
      minSigStackBytes: 3632,
      remarks: [],
    });
  });

  it.each<[string, Partial<Baseline>, object]>([
    [
      'an area is never below that of legacy state',
      { areaBytes: 100 },
      { areaBytes: 576, offeredBytes: 2696 },
    ],
    ['an area of legacy state is one', { areaBytes: 576 }, { areaBytes: 576 }],
    [
      'what is offered is never below what is enabled',
      { offeredBytes: 831 },
      { areaBytes: 832, offeredBytes: 832 },
    ],
  ])('%s', (_, change, expected) => {
    expect(sizesOf({ ...told, ...change })).toMatchObject({ ...expected, remarks: [] });
  });

  it('of a compacted area that is not told leave room to align every component that some host enables', () => {
    // Seven components: 832 is a multiple of 64, 2696 is not.
    const small = sizesOf(untold(told, 'compactedBytes'));
    expect(small.compactedBytes).toBe(832 + 7 * 64);
    expect(small.remarks).toEqual([
      expect.stringContaining(`the mask shows ${832 + 7 * 64} bytes`),
    ]);
    const large = sizesOf(untold({ ...told, areaBytes: 2696 }, 'compactedBytes'));
    expect(large.compactedBytes).toBe(2752 + 7 * 64);
  });

  it('of a signal frame that is not told leave room for the area and what stands beside it', () => {
    const sizes = sizesOf(untold(told, 'minSigStackBytes'));
    expect(sizes.minSigStackBytes).toBe(832 + 1024);
    expect(sizes.remarks).toEqual([expect.stringContaining(`at least ${832 + 1024} bytes`)]);
  });

  it('without XSAVE are those of legacy state, and its frame has none', () => {
    const none = untold(
      { ...told, xcr0: 0n, enabledAnywhere: 0n },
      'areaBytes',
      'offeredBytes',
      'compactedBytes',
      'minSigStackBytes',
    );
    expect(sizesOf(none)).toEqual({
      areaBytes: 576,
      offeredBytes: 576,
      compactedBytes: 576,
      minSigStackBytes: 1024,
      remarks: [expect.stringContaining('AT_MINSIGSTKSZ')],
    });
  });

  it.each([
    [7n, undefined, true],
    [7n, 832, false],
    [0n, undefined, false],
  ])('are unknown with XCR0 %s and an area of %s: %s', (xcr0, areaBytes, isUnknown) => {
    const part = areaBytes === undefined ? { xcr0 } : { xcr0, areaBytes };
    expect(isAreaUnknown(part as Pick<Baseline, 'xcr0' | 'areaBytes'>)).toBe(isUnknown);
    const baseline =
      areaBytes === undefined ? untold({ ...told, xcr0 }, 'areaBytes') : { ...told, ...part };
    if (isUnknown) expect(() => sizesOf(baseline)).toThrow(/no size is known to be safe/);
    else expect(sizesOf(baseline).areaBytes).toBeGreaterThanOrEqual(576);
  });
});

describe('rows of leaf 0xD', () => {
  function rowsOf(baseline: Baseline) {
    const builder = new RowBuilder();
    addXsaveRows(builder, baseline, sizesOf(baseline));
    return builder.finish();
  }
  const at = (baseline: Baseline, subleaf: number) =>
    rowsOf(baseline).find((row) => row.leaf === 0xd && row.firstSubleaf === subleaf);
  const place = (
    bit: number,
    size: number | undefined,
    offset: number | undefined,
    aligned: boolean | 'unknown' = false,
  ): StateComponent => ({
    bit,
    name: `${bit}`,
    size,
    offset,
    aligned: aligned === 'unknown' ? undefined : aligned,
  });

  it('are none without XSAVE', () => {
    expect(rowsOf({ ...told, features: told.features.filter((name) => name !== 'xsave') })).toEqual(
      [],
    );
  });

  it('offer the components of the baseline, and legacy state always', () => {
    const wide = { ...told, xcr0: 0x4000000000000004n };
    expect(at(wide, 0)).toMatchObject({
      lastSubleaf: 0,
      keep: { eax: 7, ebx: 0, ecx: 0, edx: 0x40000000 },
      set: { eax: 0, ebx: 832, ecx: 2696, edx: 0 },
    });
    expect(at(told, 1)).toMatchObject({
      lastSubleaf: 1,
      set: { eax: 0, ebx: 3000, ecx: 0, edx: 0 },
    });
  });

  it('show a component of the baseline as it is', () => {
    const all = { eax: 0xffffffff, ebx: 0xffffffff, ecx: 0xffffffff, edx: 0xffffffff };
    expect(at(told, 2)).toMatchObject({
      lastSubleaf: 2,
      keep: all,
      set: { eax: 0, ebx: 0, ecx: 0, edx: 0 },
    });
    // Not of the baseline, nor enabled anywhere.
    expect(at(told, 17)).toBeUndefined();
  });

  it('keep the place of components that hosts show and the baseline lacks, and no other', () => {
    const shown = [place(2, 256, 576), place(6, 512, 1152), place(17, 64, 2752, true)];
    const baseline = { ...told, subleaves: shown };
    expect(at(baseline, 6)).toEqual({
      leaf: 0xd,
      firstSubleaf: 6,
      lastSubleaf: 6,
      perCpu: false,
      keep: { eax: 0, ebx: 0, ecx: 0, edx: 0 },
      set: { eax: 512, ebx: 1152, ecx: 0, edx: 0 },
    });
    expect(at(baseline, 17)?.set).toEqual({ eax: 64, ebx: 2752, ecx: 2, edx: 0 });
    // The baseline's own stays live.
    expect(at(baseline, 2)?.set).toEqual({ eax: 0, ebx: 0, ecx: 0, edx: 0 });
    expect(rowsOf(baseline).map(({ firstSubleaf }) => firstSubleaf)).toEqual([0, 1, 2, 6, 17]);
  });

  it('tell nothing of a place that no host tells', () => {
    const untoldPlace = {
      ...told,
      subleaves: [place(20, 128, undefined, 'unknown'), place(40, undefined, 900)],
    };
    expect(at(untoldPlace, 20)?.set).toEqual({ eax: 128, ebx: 0, ecx: 0, edx: 0 });
    expect(at(untoldPlace, 40)?.set).toEqual({ eax: 0, ebx: 900, ecx: 0, edx: 0 });
  });
});

describe('the rows of a mask', () => {
  it('are in the order of leaves and subleaves, each once, without empty ones', () => {
    const builder = new RowBuilder();
    builder.keep(7, [1, 1], 'eax', 0x10);
    builder.keep(7, [0, 0], 'ebx', 0x80000000);
    builder.keep(7, [0, 0], 'ebx', 1);
    builder.set(0xd, [0, 0], 'ecx', 5);
    builder.set(0xd, [0, 0], 'ecx', 2);
    builder.keep(3, [0, 0], 'eax', 0);
    builder.keep(2, [0, 0xffffffff], 'edx');
    builder.markPerCpu(2, [0, 0xffffffff]);
    const none = { eax: 0, ebx: 0, ecx: 0, edx: 0 };
    expect(builder.finish()).toEqual([
      {
        leaf: 2,
        firstSubleaf: 0,
        lastSubleaf: 0xffffffff,
        perCpu: true,
        keep: { ...none, edx: 0xffffffff },
        set: none,
      },
      {
        leaf: 7,
        firstSubleaf: 0,
        lastSubleaf: 0,
        perCpu: false,
        keep: { ...none, ebx: 0x80000001 },
        set: none,
      },
      {
        leaf: 7,
        firstSubleaf: 1,
        lastSubleaf: 1,
        perCpu: false,
        keep: { ...none, eax: 0x10 },
        set: none,
      },
      {
        leaf: 0xd,
        firstSubleaf: 0,
        lastSubleaf: 0,
        perCpu: false,
        keep: none,
        set: { ...none, ecx: 7 },
      },
    ]);
  });

  it('are asked on the CPU itself where leaves hold its own fields', () => {
    const builder = new RowBuilder();
    for (const leaf of [1, 0xb, 0x1f, 0x8000001e, 0x80000026, 4]) builder.keep(leaf, [0, 0], 'eax');
    const own = builder.finish().filter(({ perCpu }) => perCpu);
    expect(own.map(({ leaf }) => leaf)).toEqual([1, 0xb, 0x1f, 0x8000001e, 0x80000026]);
  });
});
