/**
 * Hosts grouped into pools with a baseline each, so that together they keep more than under one.
 * How and how well: docs/pools.md.
 */

import { byName } from '../model/natural-order.js';
import { type Baseline, type BaselineOptions, baselineOf } from './baseline.js';
import { type Cluster, countHosts, firstNames } from './cluster.js';
import { exactPartitions, MOST_EXACT } from './pool-exact.js';
import { type Partition, searchPartitions } from './pool-search.js';
import { type Pool, Worth } from './pool-worth.js';

export interface PoolOptions extends BaselineOptions {
  /** How many pools; "auto": as many as gain enough. */
  readonly count: number | 'auto';
}

export interface HostPool {
  readonly cluster: Cluster;
  readonly baseline: Baseline;
}

/** What so many pools keep. */
export interface PoolStep {
  readonly pools: number;
  /** Instruction-set features that the pools' baselines keep, counted once a host. */
  readonly objective: number;
  /** More than with one pool less; 0 for one pool. */
  readonly gain: number;
}

export interface Pools {
  /** Those with most hosts first. At most `count`: no more are made than keep anything more. */
  readonly pools: readonly HostPool[];
  /** From one pool on; with "auto" some steps beyond those taken. */
  readonly steps: readonly PoolStep[];
  /** The objective where every kind of hosts had a pool of its own. */
  readonly possible: number;
}

/** Pools that "auto" looks at, and that it makes at most. */
export const MOST_AUTO_POOLS = 10;
/** A further pool is worth it for this share of all that pools could gain … */
export const LEAST_SHARE_OF_POSSIBLE = 0.1;
/** … if it is also this share of what the hosts keep without it. */
export const LEAST_SHARE_OF_KEPT = 0.01;

/** The last step that gains enough: smaller ones before it are taken for its sake. */
function choose(steps: readonly PoolStep[], possible: number): number {
  const least = LEAST_SHARE_OF_POSSIBLE * (possible - (steps[0]?.objective ?? 0));
  const last = steps.findLast(
    ({ gain, objective }) =>
      gain > 0 && gain >= least && gain >= LEAST_SHARE_OF_KEPT * (objective - gain),
  );
  return last?.pools ?? 1;
}

function stepsOf(worth: Worth, partitions: readonly Partition[]): PoolStep[] {
  const objectives = partitions.map((pools) => worth.objective(pools));
  return objectives.map((objective, place) => ({
    pools: place + 1,
    objective,
    gain: objective - (objectives[place - 1] ?? objective),
  }));
}

function clusterOfPool(cluster: Cluster, worth: Worth, pool: Pool): Cluster {
  const keys = new Set(pool.cells.flatMap((cell) => worth.cells[cell]?.keys ?? []));
  return new Map([...cluster].filter(([key]) => keys.has(key)));
}

function firstName(cluster: Cluster): string {
  return firstNames(cluster.values(), 1)[0] ?? '';
}

function bySize(a: Cluster, b: Cluster): number {
  return countHosts(b) - countHosts(a) || byName(firstName(a), firstName(b));
}

/**
 * Pure, and the same whatever the order in which the hosts came. Hosts of one kind stay together.
 * Throws for an empty cluster and for less than one pool.
 */
export function poolsOf(cluster: Cluster, options: PoolOptions): Pools {
  const { count, ...baselineOptions } = options;
  if (cluster.size === 0) throw new Error('pools need a host');
  if (count !== 'auto' && !(Number.isInteger(count) && count >= 1))
    throw new Error(`there can't be ${count} pools`);
  const worth = new Worth(cluster, baselineOptions);
  const find = worth.cells.length <= MOST_EXACT ? exactPartitions : searchPartitions;
  const partitions = find(worth, count === 'auto' ? MOST_AUTO_POOLS : count);
  const steps = stepsOf(worth, partitions);
  const possible = worth.objective(worth.cells.map((_, cell) => worth.poolOf([cell])));
  const chosen = count === 'auto' ? choose(steps, possible) : partitions.length;
  const clusters = (partitions[chosen - 1] as Partition)
    .map((pool) => clusterOfPool(cluster, worth, pool))
    .sort(bySize);
  return {
    pools: clusters.map((one) => ({ cluster: one, baseline: baselineOf(one, baselineOptions) })),
    steps,
    possible,
  };
}
