/** Hosts made up at random, as unlike as real ones, for laws. */
import fc from 'fast-check';
import { VISIBLE } from '../src/baseline/host-kind.js';
import { AMD_AVX512, type HostPlan, INTEL_AVX512 } from './hosts.js';

const LAYOUTS: readonly Partial<HostPlan>[] = [
  { mask: 0x0n, places: {}, areaBytes: 0 },
  { mask: 0x7n, places: { 2: [256, 576] }, areaBytes: 832 },
  { mask: 0x207n, places: { 2: [256, 576], 9: [8, 2688] }, areaBytes: 2696 },
  { mask: 0x207n, places: { 2: [256, 576], 9: [8, 2432] }, areaBytes: 2440 },
  { mask: 0x2e7n, places: { ...INTEL_AVX512, 9: [8, 2688] }, areaBytes: 2696 },
  { mask: 0x2e7n, places: { ...AMD_AVX512, 9: [8, 2432] }, areaBytes: 2440 },
  { mask: 0xe7n, places: { 2: [256, 576] } },
  {
    mask: 0x602e7n,
    places: { ...INTEL_AVX512, 9: [8, 2688], 17: [64, 2752], 18: [8192, 2816] },
    areaBytes: 11008,
  },
];

/** Real hosts have most of what others have: each lacks a few. */
export const plan = fc
  .record({
    gone: fc.subarray([...VISIBLE], { maxLength: 40 }),
    untold: fc.subarray([...VISIBLE], { maxLength: 8 }),
    layout: fc.constantFrom(...LAYOUTS),
    kind: fc.constantFrom('system' as const, 'cpu' as const),
    vendor: fc.constantFrom('GenuineIntel', 'AuthenticAMD'),
    lineBytes: fc.constantFrom(64, 128),
    avx10: fc.constantFrom(1, 2),
    frame: fc.constantFrom(1776, 3632),
    name: fc.integer({ min: 0, max: 99 }).map((n) => `host-${n}`),
  })
  .map(
    ({ gone, layout, frame, ...rest }): HostPlan => ({
      ...rest,
      ...layout,
      features: VISIBLE.filter(
        (name) =>
          !gone.includes(name) &&
          !rest.untold.includes(name) &&
          // With OSXSAVE, bit 0 of XCR0 is always set.
          (name !== 'osxsave' || layout.mask !== 0n),
      ),
      system: { minSigStackBytes: frame },
    }),
  );
export const plans = fc.array(plan, { minLength: 1, maxLength: 6 });
