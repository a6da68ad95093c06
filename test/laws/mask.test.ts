/** Whatever hosts make a cluster: under its mask each of them shows the baseline, no less, no more. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Baseline, baselineOf } from '../../src/baseline/baseline.js';
import { clusterOf } from '../../src/baseline/cluster.js';
import { VISIBLE } from '../../src/baseline/host-kind.js';
import { type FeatureName, featureRow } from '../../src/catalogue/index.js';
import { answerOf, applyMask } from '../../src/mask/apply.js';
import { decodeMask, encodeMask } from '../../src/mask/bytes.js';
import { compileMask } from '../../src/mask/compile.js';
import type { Mask } from '../../src/mask/mask.js';
import { describeHost } from '../../src/model/capabilities.js';
import type { Cpu, Host } from '../../src/model/host.js';
import { findLeaf, type LeafTable, leafTable } from '../../src/model/leaves.js';
import { ALL_KNOWN_64, and, type Registers } from '../../src/model/registers.js';
import { PRESENT } from '../../src/model/xsave.js';
import { AMD_AVX512, type HostPlan, hostOf, INTEL_AVX512 } from '../hosts.js';
import { compareHosts } from '../judge/between.js';
import { names as modelNames, hostOf as modelOf } from '../profiles/load.js';

const LAYOUTS: readonly Partial<HostPlan>[] = [
  { mask: 0x0n, places: {}, areaBytes: 0 },
  { mask: 0x7n, places: { 2: [256, 576] }, areaBytes: 832 },
  { mask: 0x207n, places: { 2: [256, 576], 9: [8, 2688] }, areaBytes: 2696 },
  { mask: 0x207n, places: { 2: [256, 576], 9: [8, 2432] }, areaBytes: 2440 },
  { mask: 0x2e7n, places: { ...INTEL_AVX512, 9: [8, 2688] }, areaBytes: 2696 },
  { mask: 0x2e7n, places: { ...AMD_AVX512, 9: [8, 2432] }, areaBytes: 2440 },
  {
    mask: 0x602e7n,
    places: { ...INTEL_AVX512, 9: [8, 2688], 17: [64, 2752], 18: [8192, 2816] },
    areaBytes: 11008,
  },
];

/** Tasks under a mask run in long mode. */
const MAY_BE_GONE: FeatureName[] = VISIBLE.filter((name) => name !== 'lm');

const plan = fc
  .record({
    gone: fc.subarray(MAY_BE_GONE, { maxLength: 40 }),
    layout: fc.constantFrom(...LAYOUTS),
    vendor: fc.constantFrom('GenuineIntel', 'AuthenticAMD'),
    avx10: fc.constantFrom(1, 2),
    frame: fc.constantFrom(1776, 3632),
  })
  .map(
    ({ gone, layout, frame, ...rest }): HostPlan => ({
      ...rest,
      ...layout,
      features: VISIBLE.filter(
        (name) =>
          !gone.includes(name) &&
          // With XSAVE on, XCR0 isn't 0, and XSAVE off has none of its leaf.
          (!['xsave', 'osxsave'].includes(name) || layout.mask !== 0n),
      ),
      system: { minSigStackBytes: frame },
    }),
  );
const plans = fc.array(plan, { minLength: 1, maxLength: 5 });

function baselineOfHosts(hosts: readonly Host[]): Baseline {
  return baselineOf(clusterOf(hosts.map((host) => describeHost(host))));
}

/** CPUs answer zeros for subleaves that a made-up host lacks; a mask may set them. */
function withAllSubleaves(table: LeafTable): LeafTable {
  const lacking = [...Array(20).keys()].filter(
    (bit) => bit >= 2 && findLeaf(table, 0xd, bit) === undefined,
  );
  const zeros = lacking.map((subleaf) => ({ leaf: 0xd, subleaf, eax: 0, ebx: 0, ecx: 0, edx: 0 }));
  return leafTable([...table.rows, ...zeros]);
}

/** The host as its masked tasks see it: XGETBV can't be masked, so what it shows is theirs to pass over. */
function masked(mask: Mask, host: Host, xcr0: 'of the baseline' | 'as it is'): Host {
  const cpus = host.cpus.map((cpu): Cpu => {
    const leaves = applyMask(mask, withAllSubleaves(cpu.leaves));
    if (xcr0 === 'as it is') return { ...cpu, leaves };
    return { ...cpu, leaves, xcr0: { value: mask.xcr0, known: ALL_KNOWN_64 } };
  });
  const minSigStackBytes = Math.max(mask.minSigStackBytes, host.system?.minSigStackBytes ?? 0);
  return { ...host, cpus, system: { ...host.system, minSigStackBytes } };
}

function visibleOf(host: Host): string[] {
  const seen = describeHost(host);
  return VISIBLE.filter((name) => seen.effective(name) === PRESENT);
}

const isUntold = ({ xcr0, areaBytes }: Baseline) => xcr0 !== 0n && areaBytes === undefined;

function checkHost(baseline: Baseline, host: Host, { mask } = compileMask(baseline)): void {
  expect(visibleOf(masked(mask, host, 'of the baseline'))).toEqual(baseline.features);
  expect(visibleOf(masked(mask, host, 'as it is'))).toEqual(baseline.features);
  const { xsave } = describeHost(masked(mask, host, 'of the baseline'));
  if (baseline.xcr0 === 0n) return;
  expect(xsave.areaBytes).toBe(baseline.areaBytes);
  expect(xsave.enabled.value).toBe(baseline.xcr0);
  expect(xsave.compactedBytes ?? 0).toBeGreaterThanOrEqual(baseline.compactedBytes ?? 0);
}

describe('under the mask of a cluster', { timeout: 120_000 }, () => {
  it('each of its hosts shows exactly the features of the baseline, and its sizes', () => {
    fc.assert(
      fc.property(plans, (all) => {
        const hosts = all.map((one) => hostOf(one));
        const baseline = baselineOfHosts(hosts);
        const compiled = compileMask(baseline);
        for (const host of hosts) checkHost(baseline, host, compiled);
      }),
      { numRuns: 60 },
    );
  });

  it('tasks can move between any two of its hosts', () => {
    fc.assert(
      fc.property(plans, (all) => {
        const hosts = all.map((one) => hostOf(one));
        const { mask } = compileMask(baselineOfHosts(hosts));
        for (const from of hosts)
          for (const to of hosts) {
            const seen = masked(mask, from, 'of the baseline');
            const { findings } = compareHosts(seen, to);
            const bad = findings.filter(
              ({ severity, code }) =>
                severity === 'blocker' ||
                code === 'xsave-area-grows' ||
                code === 'compacted-area-grows' ||
                code === 'signal-frame-grows',
            );
            expect(bad).toEqual([]);
          }
      }),
      { numRuns: 30 },
    );
  });

  it('no bit is shown that the CPU lacks, numbers aside', () => {
    const word = fc.nat(0xffffffff);
    const registers = fc.record({ eax: word, ebx: word, ecx: word, edx: word });
    fc.assert(
      fc.property(
        plans,
        fc.constantFrom(1, 7, 0x14, 0x19, 0x80000001, 0x80000007, 0x80000021),
        registers,
        (all, leaf, live: Registers) => {
          const { mask } = compileMask(baselineOfHosts(all.map((one) => hostOf(one))));
          const answer = answerOf(mask, leaf, 0, live);
          for (const register of ['eax', 'ebx', 'ecx', 'edx'] as const)
            expect(and(answer[register], live[register])).toBe(answer[register]);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('the file holds the mask', () => {
    fc.assert(
      fc.property(plans, (all) => {
        const { mask } = compileMask(baselineOfHosts(all.map((one) => hostOf(one))));
        expect(decodeMask(encodeMask(mask))).toEqual(mask);
      }),
      { numRuns: 20 },
    );
  });

  it('rows are ordered and disjoint', () => {
    fc.assert(
      fc.property(plans, (all) => {
        const { rows } = compileMask(baselineOfHosts(all.map((one) => hostOf(one)))).mask;
        for (const [place, row] of rows.entries()) {
          const before = rows[place - 1];
          if (before?.leaf === row.leaf) expect(before.lastSubleaf).toBeLessThan(row.firstSubleaf);
          else if (before !== undefined) expect(before.leaf).toBeLessThan(row.leaf);
        }
      }),
      { numRuns: 20 },
    );
  });
});

describe('under the mask of every two shipped models', () => {
  const pairs = modelNames.flatMap((a) =>
    modelNames.filter((b) => a <= b).map((b) => [a, b] as const),
  );
  const models = new Map(modelNames.map((name) => [name, modelOf(name)]));

  it('both show exactly what they have in common', { timeout: 120_000 }, () => {
    const refused = new Set<string>();
    for (const [a, b] of pairs) {
      const hosts = [models.get(a)!, models.get(b)!];
      const baseline = baselineOfHosts(hosts);
      if (isUntold(baseline)) {
        expect(() => compileMask(baseline)).toThrow(/XSAVE area/);
        refused.add(a).add(b);
      } else {
        const compiled = compileMask(baseline);
        for (const host of hosts) checkHost(baseline, host, compiled);
      }
    }
    // Levels tell features only; where XSAVE isn't among them, that is enough.
    for (const level of ['x86-64-v3', 'x86-64-v4']) expect(refused).toContain(level);
    for (const level of ['x86-64-v1', 'x86-64-v2']) expect(refused).not.toContain(level);
  });

  it('each feature of a model alone stays visible', () => {
    for (const name of modelNames) {
      const baseline = baselineOfHosts([modelOf(name)]);
      if (isUntold(baseline)) continue;
      const { mask } = compileMask(baseline);
      for (const feature of baseline.features) {
        const { leaf, subleaf, reg, bit } = featureRow(feature);
        if (typeof bit !== 'number') continue;
        const ones = { eax: 0xffffffff, ebx: 0xffffffff, ecx: 0xffffffff, edx: 0xffffffff };
        expect((answerOf(mask, leaf, subleaf, ones)[reg] >>> bit) & 1, `${name}: ${feature}`).toBe(
          1,
        );
      }
    }
  });
});
