/** Subleaves of leaf 0xD that tasks under a mask have seen. */
import { describe, expect, it } from 'vitest';
import { seenThrough } from '../../src/judge/seen-through.js';
import type { RecordedMask } from '../../src/model/dump-record.js';
import type { StateComponent } from '../../src/model/xsave.js';
import { HASWELL, seen } from '../hosts.js';

const YMM = 2;
const PKRU = 9;
/** Supervisor state: tasks have no subleaf of it (IA32_XSS; Intel SDM vol. 1, 13.2). */
const PASID = 10;

function shownUnder(subleaves: readonly StateComponent[] | undefined) {
  const mask: RecordedMask = {
    name: 'mask',
    features: HASWELL.features,
    avx10Version: undefined,
    xcr0: 7n,
    floors: {
      areaBytes: 832,
      offeredBytes: 832,
      compactedBytes: 832,
      minSigStackBytes: undefined,
      subleaves,
    },
  };
  return new Map(seenThrough(seen(HASWELL), mask).xsave.shown.map((one) => [one.bit, one]));
}

describe('subleaves under a mask', () => {
  it('of an older mask are known of its own components, and may have been shown of the others', () => {
    const shown = shownUnder(undefined);
    expect(shown.get(YMM)).toMatchObject({ size: 256, isKnown: true });
    expect(shown.get(PKRU)).toMatchObject({ size: 8, isKnown: false });
    expect(shown.has(PASID)).toBe(false);
  });
  it('are those that the mask lists, of the size that it gives', () => {
    const pkru = { bit: PKRU, name: 'pkru', size: 16, offset: 832, aligned: true } as const;
    const ymm = { bit: YMM, name: 'ymm_hi128', size: 256, offset: 576, aligned: false } as const;
    const shown = shownUnder([ymm, pkru]);
    expect([...shown.keys()]).toEqual([YMM, PKRU]);
    expect(shown.get(PKRU)).toEqual({
      bit: PKRU,
      size: 16,
      offset: 832,
      aligned: true,
      isKnown: true,
    });
  });
  it('of a component of its own that the mask does not list are not known', () => {
    const shown = shownUnder([]);
    expect([...shown.keys()]).toEqual([YMM]);
    expect(shown.get(YMM)).toMatchObject({ size: 256, isKnown: false });
  });
});
