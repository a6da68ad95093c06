/**
 * Under the mask of any hosts glibc reserves enough room for what XSAVEC lays out on each of them, and
 * what a file keeps of the mask says no more than its tasks are shown.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { baselineOf } from '../../src/baseline/baseline.js';
import { clusterOf, mergeClusters } from '../../src/baseline/cluster.js';
import { applyMask } from '../../src/mask/apply.js';
import { compileMask } from '../../src/mask/compile.js';
import { describeHost } from '../../src/model/capabilities.js';
import { bufferOf, GLIBC_COMPONENTS, GLIBC_SAVES } from '../../src/model/glibc-saves.js';
import type { Host } from '../../src/model/host.js';
import { holdsPacked, packedBytes } from '../../src/model/packed-area.js';
import { ALL_KNOWN_64, hasBit64 } from '../../src/model/registers.js';
import type { XsaveState } from '../../src/model/xsave.js';
import { fileText, readText } from '../baseline/clusters.js';
import { type HostPlan, hostOf, type Place, V4 } from '../hosts.js';

/** Components that come together, where Intel's CPUs have them; MPX and APX share a place. */
const GROUPS: readonly Readonly<Record<number, Place>>[] = [
  { 3: [64, 960], 4: [64, 1024] },
  { 5: [64, 1088], 6: [512, 1152], 7: [1024, 1664] },
  { 9: [8, 2688] },
  { 17: [64, 2752], 18: [8192, 2816] },
  { 19: [128, 960] },
];

/** Zeros for each subleaf, as CPUs answer for what they don't have. */
const NOTHING: Readonly<Record<number, Place>> = Object.fromEntries(
  [...Array(20).keys()].slice(2).map((bit) => [bit, [0, 0] as const]),
);

const plan = fc
  .record({
    shown: fc.subarray([0, 1, 2, 3, 4]),
    off: fc.subarray([0, 1, 2, 3, 4]),
    hidden: fc.subarray(['mpx', 'avx512f', 'amx_tile', 'pku', 'avx512bw'] as const),
  })
  .map(({ shown, off, hidden }): HostPlan => {
    const groups = shown.filter((group) => group !== 4 || !shown.includes(0));
    const places = Object.assign(
      {},
      NOTHING,
      { 2: [256, 576] },
      ...groups.map((group) => GROUPS[group]),
    );
    const enabled = Object.assign(
      { 2: [256, 576] },
      ...groups.filter((one) => !off.includes(one)).map((group) => GROUPS[group]),
    );
    const mask = Object.keys(enabled).reduce((sum, bit) => sum | (1n << BigInt(bit)), 3n);
    const ends = Object.values(enabled as Record<number, Place>).map(([size, at]) => size + at);
    const features = [...V4, 'mpx', 'amx_tile', 'pku', 'ospke', 'apx'] as const;
    return {
      features: features.filter((name) => !hidden.some((one) => one === name)),
      places,
      mask,
      areaBytes: Math.max(...ends),
    };
  });
const plans = fc.array(plan, { minLength: 1, maxLength: 4 });

function describeAll(hosts: readonly Host[]) {
  return hosts.map((host) => describeHost(host));
}

function underMask(host: Host, mask: ReturnType<typeof compileMask>['mask']): XsaveState {
  const cpus = host.cpus.map((cpu) => ({
    ...cpu,
    leaves: applyMask(mask, cpu.leaves),
    xcr0: { value: mask.xcr0, known: ALL_KNOWN_64 },
  }));
  return describeHost({ ...host, cpus }).xsave;
}

/** What XSAVEC lays out there for a set of components. */
function written({ enabled, components }: XsaveState, asked: bigint): number {
  return packedBytes(
    components
      .filter(({ bit }) => hasBit64(enabled.value & asked, bit))
      .map(({ bit, size, aligned }) => ({ bit, size: size ?? 0, aligned: aligned ?? true })),
  );
}

describe('under the mask of a cluster', { timeout: 60_000 }, () => {
  it('every glibc reserves at least what any of the hosts lays out', () => {
    fc.assert(
      fc.property(plans, (all) => {
        const hosts = all.map((one) => hostOf(one));
        const { mask } = compileMask(baselineOf(clusterOf(describeAll(hosts))));
        for (const from of hosts) {
          const { shown, enabled } = underMask(from, mask);
          for (const to of hosts)
            for (const save of GLIBC_SAVES) {
              const target = describeHost(to).xsave;
              const buffer = bufferOf(save, shown);
              expect(buffer.least).toBeGreaterThanOrEqual(written(target, save.components));
              expect(holdsPacked(buffer, enabled, target).fit).toBe('fits');
            }
        }
      }),
      { numRuns: 150 },
    );
  });

  it('no host is shown less room than without it', () => {
    fc.assert(
      fc.property(plans, (all) => {
        const hosts = all.map((one) => hostOf(one));
        const { mask } = compileMask(baselineOf(clusterOf(describeAll(hosts))));
        for (const host of hosts)
          for (const save of GLIBC_SAVES)
            expect(bufferOf(save, underMask(host, mask).shown).least).toBeGreaterThanOrEqual(
              bufferOf(save, describeHost(host).xsave.shown).least,
            );
      }),
      { numRuns: 60 },
    );
  });

  it('the file keeps what tasks are shown, whatever hosts come and go', () => {
    fc.assert(
      fc.property(plans, plans, (first, more) => {
        const [one, other] = [first, more].map((part) =>
          clusterOf(describeAll(part.map((each) => hostOf(each)))),
        );
        const made = baselineOf(one!);
        const { baseline, options } = readText(fileText(made));
        expect(baseline.floors).toEqual(made.floors);
        expect(baseline.subleaves).toEqual(made.subleaves);
        expect(compileMask(baseline)).toEqual(compileMask(made));
        const later = baselineOf(mergeClusters([other!]), options);
        for (const { bit, size } of made.floors.subleaves ?? []) {
          if (!hasBit64(GLIBC_COMPONENTS, bit)) continue;
          const kept = later.subleaves.find((place) => place.bit === bit);
          expect(kept?.size ?? 0).toBeGreaterThanOrEqual(size ?? 0);
        }
      }),
      { numRuns: 60 },
    );
  });
});
