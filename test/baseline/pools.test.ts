import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { baselineOf } from '../../src/baseline/baseline.js';
import { type Cluster, clusterOf, countHosts } from '../../src/baseline/cluster.js';
import { exactPartitions } from '../../src/baseline/pool-exact.js';
import { searchPartitions } from '../../src/baseline/pool-search.js';
import { Worth } from '../../src/baseline/pool-worth.js';
import { type Pools, poolsOf } from '../../src/baseline/pools.js';
import { featureRow } from '../../src/catalogue/index.js';
import { openInput } from '../../src/formats/format.js';
import { instlatx64 } from '../../src/formats/instlatx64.js';
import { describeHost } from '../../src/model/capabilities.js';
import { HASWELL, seen, V2 } from '../hosts.js';
import { plan } from '../plans.js';
import { AMD_512, INTEL_512, models, planned } from './clusters.js';

/** What pools are made for, by its definition: instructions that the baseline keeps, once a host. */
function objective(clusters: readonly Cluster[]): number {
  return clusters.reduce((sum, cluster) => {
    const kept = baselineOf(cluster).features.filter((name) => featureRow(name).class === 'isa');
    return sum + kept.length * countHosts(cluster);
  }, 0);
}

/** Every way to put these into at most so many groups. */
function* partitions<T>(items: readonly T[], most: number): Generator<T[][]> {
  const [first, ...rest] = items;
  if (first === undefined) {
    yield [];
    return;
  }
  for (const groups of partitions(rest, most)) {
    for (const at of groups.keys())
      yield groups.map((group, place) => (place === at ? [first, ...group] : group));
    if (groups.length < most) yield [...groups, [first]];
  }
}

function bestByTrial(cluster: Cluster, most: number): number {
  let best = 0;
  for (const groups of partitions([...cluster], most))
    best = Math.max(best, objective(groups.map((group) => new Map(group))));
  return best;
}

const clusters = (minLength: number, maxLength: number) =>
  fc
    .array(fc.tuple(plan, fc.integer({ min: 1, max: 4 })), { minLength, maxLength })
    .map((hosts) =>
      clusterOf(
        hosts.flatMap(([one, count], kind) =>
          Array.from({ length: count }, (_, n) => seen({ ...one, name: `host-${kind}-${n}` })),
        ),
      ),
    );

function objectiveOf({ pools }: Pools): number {
  return objective(pools.map(({ cluster }) => cluster));
}

describe('pools of few kinds', () => {
  it('keep as much as the best of all ways to group them', () =>
    fc.assert(
      fc.property(clusters(1, 5), fc.integer({ min: 1, max: 4 }), (cluster, count) => {
        const pools = poolsOf(cluster, { count });
        expect(objectiveOf(pools)).toBe(bestByTrial(cluster, count));
        expect(pools.steps[pools.pools.length - 1]?.objective).toBe(objectiveOf(pools));
      }),
      { numRuns: 40 },
    ));
});

describe('pools', () => {
  it('hold every host once, those of one kind together, and no more than are asked for', () =>
    fc.assert(
      fc.property(clusters(1, 8), fc.integer({ min: 1, max: 9 }), (cluster, count) => {
        const { pools } = poolsOf(cluster, { count });
        expect(pools.length).toBeLessThanOrEqual(count);
        const keys = pools.flatMap((pool) => [...pool.cluster.keys()]);
        expect(keys.sort()).toEqual([...cluster.keys()].sort());
        for (const pool of pools)
          for (const [key, group] of pool.cluster) expect(group).toBe(cluster.get(key));
        for (const pool of pools) expect(pool.baseline).toEqual(baselineOf(pool.cluster));
      }),
      { numRuns: 60 },
    ));
  it('do not depend on the order of the hosts', () =>
    fc.assert(
      fc.property(clusters(2, 7), fc.integer({ min: 2, max: 4 }), (cluster, count) => {
        const turned = new Map([...cluster].reverse());
        const named = ({ pools }: Pools) =>
          pools.map((pool) => [...pool.cluster.values()].flatMap(({ names }) => names).sort());
        expect(named(poolsOf(turned, { count }))).toEqual(named(poolsOf(cluster, { count })));
      }),
      { numRuns: 40 },
    ));
  it('keep more with each further pool, or as much; the gains add up', () =>
    fc.assert(
      fc.property(clusters(2, 8), (cluster) => {
        const { steps, possible } = poolsOf(cluster, { count: 8 });
        expect(steps[0]?.objective).toBe(objective([cluster]));
        for (const [at, { gain, objective: kept, pools }] of steps.entries()) {
          expect(pools).toBe(at + 1);
          expect(gain).toBe(kept - (steps[at - 1]?.objective ?? kept));
          expect(gain).toBeGreaterThanOrEqual(0);
          expect(kept).toBeLessThanOrEqual(possible);
        }
      }),
      { numRuns: 40 },
    ));
  it('keep to what is masked', () => {
    const cluster = planned(HASWELL, { ...HASWELL, name: 'b', features: V2 });
    const { pools } = poolsOf(cluster, { count: 2, without: ['avx'] });
    for (const { baseline } of pools) expect(baseline.features).not.toContain('avx2');
  });
  it('part hosts that lay state out differently: together they lose AVX-512', () => {
    const hosts = [INTEL_512, { ...INTEL_512, name: 'b' }, AMD_512, { ...AMD_512, name: 'c' }];
    const { pools } = poolsOf(planned(...hosts), { count: 2 });
    expect(pools.map(({ baseline }) => baseline.level)).toEqual(['x86-64-v4', 'x86-64-v4']);
    expect(pools.map(({ baseline }) => baseline.vendors.join())).toEqual([
      'AuthenticAMD',
      'GenuineIntel',
    ]);
  });
  it('are refused where there is nothing to group', () => {
    expect(() => poolsOf(new Map(), { count: 1 })).toThrow('a host');
    expect(() => poolsOf(planned(HASWELL), { count: 0 })).toThrow("can't be 0");
  });
});

describe('as many pools as are worth it', () => {
  it('is one where hosts are alike', () =>
    expect(
      poolsOf(planned(HASWELL, { ...HASWELL, name: 'b' }), { count: 'auto' }).pools,
    ).toHaveLength(1));
  it('is one for each of two generations', () => {
    const cluster = planned(
      ...[1, 2, 3].map((n) => ({
        ...HASWELL,
        name: `new-${n}`,
      })),
      ...[1, 2, 3].map((n) => ({
        ...HASWELL,
        name: `old-${n}`,
        features: V2,
        mask: 0n,
        areaBytes: 0,
        places: {},
      })),
    );
    const { pools } = poolsOf(cluster, { count: 'auto' });
    expect(pools.map(({ baseline }) => baseline.level).sort()).toEqual(['x86-64-v2', 'x86-64-v3']);
  });
});

/** Of what grouping could gain at most, how much the search for many kinds gains where both can be had. */
function shareOfGain(cluster: Cluster, most: number): number[] {
  const worth = new Worth(cluster, {});
  const best = exactPartitions(worth, most).map((pools) => worth.objective(pools));
  const found = searchPartitions(worth, most).map((pools) => worth.objective(pools));
  const none = best[0] ?? 0;
  return best.slice(1).map((value, at) => {
    const other = found[Math.min(at + 1, found.length - 1)] as number;
    return value === none ? 1 : (other - none) / (value - none);
  });
}

describe('the search for many kinds, beside the best', () => {
  it('reckons as a baseline does', () =>
    fc.assert(
      fc.property(clusters(1, 6), fc.integer({ min: 1, max: 4 }), (cluster, count) => {
        const worth = new Worth(cluster, {});
        for (const pools of searchPartitions(worth, count)) {
          const keys = pools.map((pool) =>
            pool.cells.flatMap((cell) => worth.cells[cell]?.keys ?? []),
          );
          const parts = keys.map((of) => new Map([...cluster].filter(([key]) => of.includes(key))));
          expect(worth.objective(pools)).toBe(objective(parts));
        }
      }),
      { numRuns: 40 },
    ));
  it('gains at least nine tenths of what could be gained, of CPU models', () => {
    const all = [
      'haswell',
      'broadwell',
      'skylake-sp',
      'cascadelake',
      'icelake-sp',
      'sapphirerapids',
    ];
    const shares = shareOfGain(
      models(
        ...all,
        'epyc-rome',
        'epyc-milan',
        'epyc-genoa',
        'nehalem',
        'sandybridge',
        'opteron-g4',
      ),
      6,
    );
    expect(Math.min(...shares)).toBeGreaterThanOrEqual(0.9);
  });
  it('gains at least nine tenths of it, of clusters made up at random', () => {
    const shares: number[] = [];
    fc.assert(
      fc.property(clusters(6, 10), (cluster) => {
        shares.push(...shareOfGain(cluster, 5));
      }),
      { numRuns: 60, seed: 1 },
    );
    const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
    expect(Math.min(...shares)).toBeGreaterThanOrEqual(0.9);
    expect(mean).toBeGreaterThanOrEqual(0.99);
  });
});

const shared =
  process.env.CPUGATE_SHARED ?? fileURLToPath(new URL('../../../shared', import.meta.url));
const corpus = join(shared, 'corpus', 'instlatx64');

describe.skipIf(!existsSync(corpus))('over published dumps of real CPUs', () => {
  it('the search gains at least nine tenths of what could be gained', () => {
    const hosts = readdirSync(corpus)
      .filter((file) => file.endsWith('.txt'))
      .map((file) =>
        describeHost(instlatx64.read(openInput(file, readFileSync(join(corpus, file))))),
      );
    const shares: number[] = [];
    for (let start = 0; start < 12; start++)
      shares.push(...shareOfGain(clusterOf(hosts.filter((_, at) => at % 12 === start)), 6));
    expect(Math.min(...shares)).toBeGreaterThanOrEqual(0.9);
  });
});
