/**
 * The best way to group few cells, found by looking at every set of them: what k pools keep at most of
 * a set is what one pool keeps of the part with the set's first cell, and k - 1 pools of the rest.
 */
import { and, bitMask, hasBit } from '../model/registers.js';
import { type Pool, type Share, shareOf, type Worth } from './pool-worth.js';

/** 3^12 pairs of a set and a part of it, for each number of pools. */
export const MOST_EXACT = 12;

function cellsOfSet(set: number, count: number): number[] {
  return Array.from({ length: count }, (_, cell) => cell).filter((cell) => hasBit(set, cell));
}

/** What a single pool of each set is worth. */
function worthOfSets(worth: Worth): Float64Array {
  const count = worth.cells.length;
  const shares: Share[] = [];
  const values = new Float64Array(2 ** count);
  for (let set = 1; set < values.length; set++) {
    const last = Math.floor(Math.log2(set));
    const cell = worth.share(last);
    const others = shares[set - bitMask(last)];
    const share = others === undefined ? cell : shareOf(others, cell);
    shares[set] = share;
    values[set] = worth.alone(share);
  }
  return values;
}

/** By set: most that one pool more than in `before` keeps, and which part of the set is the pool's. */
function oneMore(single: Float64Array, before: Float64Array) {
  const most = new Float64Array(single.length).fill(-1);
  const parts = new Uint32Array(single.length);
  for (let set = 1; set < single.length; set++) {
    const first = and(set, -set);
    for (let part = set - first; part > 0; part = and(part - 1, set - first)) {
      // `part` goes to the other pools: the first cell's pool is what it leaves.
      const value = (single[set - part] as number) + (before[part] as number);
      if ((before[part] as number) < 0 || value <= (most[set] as number)) continue;
      most[set] = value;
      parts[set] = set - part;
    }
  }
  return { most, parts };
}

/** The best partitions into 1, 2 … `limit` pools. For at most MOST_EXACT cells. */
export function exactPartitions(worth: Worth, limit: number): (readonly Pool[])[] {
  const count = worth.cells.length;
  const single = worthOfSets(worth);
  const steps = [{ most: single, parts: Uint32Array.from(single, (_, set) => set) }];
  while (steps.length < Math.min(limit, count))
    steps.push(oneMore(single, (steps.at(-1) as { most: Float64Array }).most));
  return steps.map((_, last) => {
    const pools: Pool[] = [];
    let set = single.length - 1;
    for (let step = last; step >= 0; step--) {
      const part = steps[step]?.parts[set] as number;
      pools.push(worth.poolOf(cellsOfSet(part, count)));
      set -= part;
    }
    return pools;
  });
}
