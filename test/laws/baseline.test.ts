import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Baseline, baselineOf, costsOf } from '../../src/baseline/baseline.js';
import { leaveCluster } from '../../src/baseline/change.js';
import { type Cluster, clusterOf, mergeClusters } from '../../src/baseline/cluster.js';
import { explainDrop, whyNot } from '../../src/baseline/explain-drop.js';
import { VISIBLE } from '../../src/baseline/host-kind.js';
import { type FeatureName, featureRow } from '../../src/catalogue/index.js';
import { hostOfBaseline } from '../../src/formats/baseline.js';
import { openInput } from '../../src/formats/format.js';
import { instlatx64 } from '../../src/formats/instlatx64.js';
import type { Report } from '../../src/judge/judge.js';
import { type Capabilities, describeHost } from '../../src/model/capabilities.js';
import type { Host } from '../../src/model/host.js';
import { countingPrerequisites } from '../../src/model/prerequisites.js';
import { ABSENT, PRESENT } from '../../src/model/xsave.js';
import { fileText, joinPlans, readText } from '../baseline/clusters.js';
import { type HostPlan, hostOf, seen, V3 } from '../hosts.js';
import { compareHosts } from '../judge/between.js';
import { plan, plans } from '../plans.js';

function clusterOfPlans(of: readonly HostPlan[]): Cluster {
  return clusterOf(of.map((one) => seen(one)));
}

/** All that a baseline decides; the cluster's own order and counts aside. */
function decided({ cluster: _cluster, options: _options, ...rest }: Baseline) {
  return rest;
}

/** Another way to the same: what all have, and out with whatever lacks something, until none does. */
function closedIntersection(hosts: readonly Capabilities[]): Set<FeatureName> {
  const left = new Set(
    VISIBLE.filter((name) => hosts.every((host) => host.effective(name) === PRESENT)),
  );
  for (let before = -1; before !== left.size; ) {
    before = left.size;
    for (const name of left)
      if (!countingPrerequisites(name).every((needed) => left.has(needed))) left.delete(name);
  }
  return left;
}

/** What no baseline changes: its hosts' vendors, lines and widths, and sizes that nobody tells. */
const BEYOND = new Set(['vendor-differs', 'cache-line-differs', 'address-width', 'cpus-differ']);

function faultsOf(report: Report, sizesTold: boolean): string[] {
  return report.findings
    .filter(({ severity }) => severity !== 'info')
    .filter(({ code }) => !BEYOND.has(code))
    .filter(
      ({ code, feature, component }) =>
        code !== 'data-missing' || (component !== undefined ? sizesTold : feature !== undefined),
    )
    .map(({ code, severity, effect }) => `${severity} ${code}: ${effect}`);
}

function tellsSizes(baseline: Baseline, hosts: readonly Host[]): boolean {
  return (
    baseline.areaBytes !== undefined &&
    baseline.components.every(({ size }) => size !== undefined) &&
    hosts.every((host) => describeHost(host).xsave.areaBytes !== undefined)
  );
}

function expectSafe(baseline: Baseline, hosts: readonly Host[]): void {
  const told = tellsSizes(baseline, hosts);
  const shown = hostOfBaseline('baseline', baseline);
  for (const host of hosts) {
    expect(faultsOf(compareHosts(shown, host), told), host.name).toEqual([]);
    for (const other of hosts) {
      const mask = { ...baseline, name: 'baseline' };
      expect(faultsOf(compareHosts(other, host, { mask }), told), host.name).toEqual([]);
    }
  }
}

describe('a baseline', () => {
  it('is the closed intersection, less what is laid out unlike', () => {
    fc.assert(
      fc.property(plans, (of) => {
        const hosts = of.map((one) => seen(one));
        const all = closedIntersection(hosts);
        const kept = baselineOf(clusterOf(hosts), { keepLayoutConflicts: true });
        expect(new Set(kept.features)).toEqual(all);
        const baseline = baselineOf(clusterOf(hosts));
        for (const name of baseline.features) expect(all.has(name), name).toBe(true);
        for (const name of all)
          if (!baseline.features.includes(name))
            expect(
              whyNot(baseline, name).some(({ kind }) => /layout|prerequisite/.test(kind)),
              name,
            ).toBe(true);
      }),
    );
  });
  it('does not depend on the order of the hosts', () => {
    fc.assert(
      fc.property(
        plans.chain((of) =>
          fc.tuple(fc.constant(of), fc.shuffledSubarray(of, { minLength: of.length })),
        ),
        ([of, shuffled]) => {
          const named = (list: readonly HostPlan[]) => baselineOf(clusterOfPlans(list));
          expect(named(shuffled)).toEqual(named(of));
          expect(fileText(named(shuffled))).toBe(fileText(named(of)));
        },
      ),
    );
  });
  it('has itself as baseline, as a host and as a file', () => {
    fc.assert(
      fc.property(plans, (of) => {
        const once = baselineOf(clusterOfPlans(of));
        const again = baselineOf(clusterOf([describeHost(hostOfBaseline('b', once))]));
        expect(again.features).toEqual(once.features);
        expect([again.xcr0, again.level, again.avx10Version]).toEqual([
          once.xcr0,
          once.level,
          once.avx10Version,
        ]);
        expect(again.components).toEqual(once.components);
        if (once.xcr0 !== 0n) expect(again.areaBytes).toBe(once.areaBytes);
        const { cluster, options } = readText(fileText(once));
        expect(decided(baselineOf(cluster, options))).toEqual(decided(once));
      }),
    );
  });
  it('is a part of every host, and its sizes fit every host', () => {
    fc.assert(
      fc.property(plans, (of) => {
        const hosts = of.map((one) => seen(one));
        const baseline = baselineOf(clusterOf(hosts));
        for (const host of hosts) {
          for (const name of baseline.features) expect(host.effective(name), name).toBe(PRESENT);
          if (baseline.areaBytes !== undefined && host.xsave.areaBytes !== undefined)
            expect(baseline.areaBytes).toBeGreaterThanOrEqual(host.xsave.areaBytes);
          expect(host.xsave.enabled.value & baseline.xcr0).toBe(baseline.xcr0);
          expect(host.xsave.enabled.value & ~baseline.enabledAnywhere).toBe(0n);
        }
      }),
    );
  });
  it('gains no feature and no component by another host', () => {
    fc.assert(
      fc.property(plans, plan, (of, more) => {
        const before = baselineOf(clusterOfPlans(of));
        const after = baselineOf(clusterOfPlans([...of, more]));
        for (const name of after.features) expect(before.features).toContain(name);
        expect(after.xcr0 & ~before.xcr0).toBe(0n);
        if (before.areaBytes !== undefined && after.areaBytes !== undefined)
          expect(after.areaBytes).toBeGreaterThanOrEqual(before.areaBytes);
      }),
    );
  });
  it('is safe: tasks started under it may go to every host', () => {
    fc.assert(
      fc.property(plans, (of) => {
        expectSafe(
          baselineOf(clusterOfPlans(of)),
          of.map((one) => hostOf(one)),
        );
      }),
    );
  });
  it('leaves no feature whose prerequisite is gone, whatever is masked', () => {
    fc.assert(
      fc.property(plans, fc.subarray([...VISIBLE], { maxLength: 5 }), (of, without) => {
        const { features } = baselineOf(clusterOfPlans(of), { without });
        for (const name of features)
          for (const needed of countingPrerequisites(name)) expect(features).toContain(needed);
        for (const name of without) expect(features).not.toContain(name);
      }),
    );
  });
  it('is the same folded in chunks, through files or not', () => {
    fc.assert(
      fc.property(plans, plans, (a, b) => {
        const whole = baselineOf(clusterOfPlans([...a, ...b]));
        const merged = mergeClusters([clusterOfPlans(a), clusterOfPlans(b)]);
        expect(baselineOf(merged)).toEqual(whole);
        const files = [a, b].map((one) => readText(fileText(baselineOf(clusterOfPlans(one)))));
        const read = mergeClusters(files.map(({ cluster }) => cluster));
        expect(baselineOf(read)).toEqual(whole);
      }),
    );
  });
  it('gives every reason for what it gives up, and only true ones', () => {
    fc.assert(
      fc.property(plans, (of) => {
        const hosts = of.map((one, n) => seen({ ...one, name: `h${n}` }));
        const baseline = baselineOf(clusterOf(hosts));
        for (const { feature, because } of baseline.dropped) {
          expect(because.length, feature).toBeGreaterThan(0);
          const told = because.flatMap((one) => (one.kind === 'lacking' ? one.hosts : []));
          const lacking = hosts.filter((host) => host.effective(feature) === ABSENT);
          expect([...told].sort()).toEqual(lacking.map(({ name }) => name).sort());
          for (const reason of because)
            if (reason.kind === 'prerequisite')
              expect(baseline.features).not.toContain(reason.feature);
        }
        const given = VISIBLE.filter(
          (name) =>
            !baseline.features.includes(name) &&
            hosts.some((host) => host.effective(name) === PRESENT),
        );
        expect(baseline.dropped.map(({ feature }) => feature)).toEqual(given);
      }),
      { numRuns: 50 },
    );
  });
  it('costs each kind of hosts what the others would have without it', () => {
    fc.assert(
      fc.property(plans, (of) => {
        const cluster = clusterOfPlans(of);
        const before = new Set(baselineOf(cluster).features);
        for (const { key, gained } of costsOf(cluster)) {
          const rest = new Map([...cluster].filter(([other]) => other !== key));
          expect(gained).toEqual(baselineOf(rest).features.filter((name) => !before.has(name)));
        }
      }),
    );
  });
});

describe('a host that joins', () => {
  it('is accepted only where tasks of the old baseline can go to it', () => {
    fc.assert(
      fc.property(plans, plan, (of, more) => {
        const before = baselineOf(clusterOfPlans(of));
        const join = joinPlans(before, more);
        const lost = before.features.filter((name) => !join.after.features.includes(name));
        expect(join.lost.map(({ feature }) => feature)).toEqual(lost);
        if (!join.accepted) return;
        // Only what no task misses: speed, and what the row itself calls harmless or a risk.
        const needed = lost.filter((name) => {
          const row = featureRow(name);
          return row.loss === undefined ? row.class !== 'hint' : row.loss.severity === 'blocker';
        });
        expect(needed).toEqual([]);
        expect(join.after.xcr0).toBe(before.xcr0);
        const { verdict } = compareHosts(hostOfBaseline('b', before), hostOf(more));
        expect(verdict).not.toBe('incompatible');
      }),
    );
  });
  it('and leaves again changes nothing', () => {
    fc.assert(
      fc.property(plans, plan, (of, more) => {
        const before = baselineOf(clusterOfPlans(of));
        const joining = clusterOfPlans([{ ...more, name: 'joiner' }]);
        const { after } = joinPlans(before, { ...more, name: 'joiner' });
        const [key] = [...joining.keys()];
        const left = leaveCluster(after, key as string, 'joiner').after;
        expect(left.features).toEqual(before.features);
        expect(left.floors).toEqual(before.floors);
        expect([...left.cluster.keys()].sort()).toEqual([...before.cluster.keys()].sort());
      }),
    );
  });
});

describe('an explanation', () => {
  it('ends at hosts, layouts or wishes, and explains nothing twice', () => {
    fc.assert(
      fc.property(plans, fc.constantFrom(...VISIBLE), (of, name) => {
        const baseline = baselineOf(clusterOfPlans(of), { without: ['fxsr'] });
        const visited: FeatureName[] = [];
        const visit = (why: ReturnType<typeof explainDrop>): boolean => {
          visited.push(why.feature);
          const own = why.because.some(({ kind }) => kind !== 'prerequisite');
          const deeper = why.prerequisites.map(visit);
          return own || deeper.includes(true) || why.because.length > why.prerequisites.length;
        };
        const why = explainDrop(baseline, name);
        expect(why.kept).toBe(baseline.features.includes(name));
        if (!why.kept) expect(visit(why)).toBe(true);
        expect(new Set(visited).size).toBe(visited.length);
      }),
    );
  });
});

const shared =
  process.env.CPUGATE_SHARED ?? fileURLToPath(new URL('../../../shared', import.meta.url));
const corpus = join(shared, 'corpus', 'instlatx64');

describe.skipIf(!existsSync(corpus))('over published dumps of real CPUs', () => {
  const hosts = existsSync(corpus)
    ? readdirSync(corpus)
        .filter((file) => file.endsWith('.txt'))
        .map((file) => instlatx64.read(openInput(file, readFileSync(join(corpus, file)))))
    : [];
  const described = hosts.map(describeHost);
  const modern = hosts.filter((_, n) =>
    V3.every((name) => described[n]?.effective(name) === PRESENT),
  );
  const ofVendor = (vendor: string) =>
    modern.filter((host) => describeHost(host).vendor === vendor);
  const groups: readonly (readonly [string, readonly Host[]])[] = [
    ['all', hosts],
    ['x86-64-v3', modern],
    ['Intel', ofVendor('GenuineIntel')],
    ['AMD', ofVendor('AuthenticAMD')],
  ];

  it.each(groups)('the baseline of %s is safe on each', (_, of) => {
    expect(of.length).toBeGreaterThan(3);
    const baseline = baselineOf(clusterOf(of.map(describeHost)));
    const told = tellsSizes(baseline, of);
    const shown = hostOfBaseline('baseline', baseline);
    for (const host of of) expect(faultsOf(compareHosts(shown, host), told), host.name).toEqual([]);
  });
  it.each(groups)('the baseline of %s is a part of each, whatever the order', (_, of) => {
    const all = of.map(describeHost);
    const baseline = baselineOf(clusterOf(all));
    expect(new Set(baselineOf(clusterOf(all), { keepLayoutConflicts: true }).features)).toEqual(
      closedIntersection(all),
    );
    expect(baselineOf(clusterOf([...all].reverse()))).toEqual(baseline);
    expect(baselineOf(readText(fileText(baseline)).cluster)).toEqual(baseline);
  });
  it.each(groups)('the baseline of %s is the same folded in chunks', (_, of) => {
    const all = of.map(describeHost);
    const chunks = [0, 1, 2].map((part) => clusterOf(all.filter((_, n) => n % 3 === part)));
    const stored = chunks.map((chunk) => readText(fileText(baselineOf(chunk))).cluster);
    expect(baselineOf(mergeClusters(stored))).toEqual(baselineOf(clusterOf(all)));
  });
  it.each(groups)('the baseline of %s loses or keeps with each host more', (_, of) => {
    const all = of.map(describeHost);
    let before = new Set<FeatureName>(VISIBLE);
    for (let n = 1; n <= all.length; n += 3) {
      const { features } = baselineOf(clusterOf(all.slice(0, n)));
      expect(features.filter((name) => !before.has(name))).toEqual([]);
      before = new Set(features);
    }
  });
  it('the baseline of one is its own effective features', () => {
    for (const host of described)
      expect(baselineOf(clusterOf([host])).features).toEqual(
        VISIBLE.filter((name) => host.effective(name) === PRESENT),
      );
  });
});
