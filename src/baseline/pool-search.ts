/**
 * Which hosts share a baseline so that all together keep most. Three ways that correct one another:
 * kinds are joined from the bottom, pools are split from the top, and what came of it is improved by
 * moving a kind to another pool and by dealing two pools out anew. None is sure to find the best.
 */
import { holdsBit } from '../model/bit-rows.js';
import { BIT_OF, type Pool, type Share, type Worth } from './pool-worth.js';

export type Partition = readonly Pool[];

/** Up to here a number of pools is improved; beyond, the better of joining and splitting stays. */
const MOST_IMPROVED = 12;
/** More cells are too many to look at all pairs. */
const MOST_JOINED = 200;
/** Looks at a cell that improving one partition may take. */
const MOST_VISITS = 300_000;

function worthOf(pools: Partition): number {
  return pools.reduce((sum, pool) => sum + pool.worth, 0);
}

function better(a: Partition, b: Partition | undefined): Partition {
  return b !== undefined && worthOf(b) > worthOf(a) ? b : a;
}

function ascending(cells: readonly number[]): number[] {
  return [...cells].sort((a, b) => a - b);
}

/** What both lose by sharing a baseline. */
function lossOf(worth: Worth, a: Pool, b: Pool): number {
  return a.worth + b.worth - worth.together(a.share, b.share);
}

function join(worth: Worth, a: Pool, b: Pool): Pool {
  return worth.poolOf(ascending([...a.cells, ...b.cells]));
}

const NOBODY = -1;
/** The nearest one has been joined with another; the loss noted is that of before. */
const GONE = -2;

/** Pools by place, and for each the one after it with which it loses least. */
class Neighbours {
  readonly pools: (Pool | undefined)[];
  readonly #worth: Worth;
  readonly #nearest: Int32Array;
  readonly #losses: Float64Array;

  constructor(worth: Worth, pools: Partition) {
    this.#worth = worth;
    this.pools = [...pools];
    this.#nearest = new Int32Array(this.pools.length);
    this.#losses = new Float64Array(this.pools.length);
    for (let place = 0; place < this.pools.length; place++) this.#look(place);
  }

  /** Joins the two that lose least. */
  joinNearest(): void {
    let first = this.#leastLoss();
    while (this.#nearest[first] === GONE) {
      this.#look(first);
      first = this.#leastLoss();
    }
    const second = this.#nearest[first] as number;
    this.pools[first] = join(this.#worth, this.pools[first] as Pool, this.pools[second] as Pool);
    this.pools[second] = undefined;
    this.#losses[second] = Number.POSITIVE_INFINITY;
    this.#look(first);
    for (let place = 0; place < second; place++)
      if (place !== first && this.pools[place] !== undefined) this.#update(place, first, second);
  }

  #leastLoss(): number {
    let least = 0;
    for (let place = 1; place < this.#losses.length; place++)
      if ((this.#losses[place] as number) < (this.#losses[least] as number)) least = place;
    return least;
  }

  #look(place: number): void {
    this.#nearest[place] = NOBODY;
    this.#losses[place] = Number.POSITIVE_INFINITY;
    for (let other = place + 1; other < this.pools.length; other++)
      if (this.pools[other] !== undefined) this.#offer(place, other);
  }

  #offer(place: number, other: number): void {
    const loss = lossOf(this.#worth, this.pools[place] as Pool, this.pools[other] as Pool);
    if (loss >= (this.#losses[place] as number)) return;
    this.#losses[place] = loss;
    this.#nearest[place] = other;
  }

  /** To look at all again at once would take most of the time; mostly others are joined before. */
  #update(place: number, joined: number, gone: number): void {
    const nearest = this.#nearest[place];
    if (nearest === joined || nearest === gone) this.#nearest[place] = GONE;
    if (place < joined) this.#offer(place, joined);
  }
}

/**
 * Joins two pools again and again (as Ward's method does with variances), and gives the partitions
 * that have at most so many pools.
 */
function joinFromBottom(worth: Worth, start: Partition, most: number): Map<number, Partition> {
  const neighbours = new Neighbours(worth, start);
  const found = new Map<number, Partition>();
  for (let count = start.length; count >= 1; count--) {
    if (count <= most)
      found.set(
        count,
        neighbours.pools.filter((pool) => pool !== undefined),
      );
    if (count > 1) neighbours.joinNearest();
  }
  return found;
}

/** Ways to tell the cells of a pool apart: by a feature, by where a state component lies. */
function divisionsOf(worth: Worth, cells: readonly number[]): (readonly [number[], number[]])[] {
  const divisions = new Map<string, readonly [number[], number[]]>();
  const divide = (belongs: (share: Share) => boolean) => {
    const sides: [number[], number[]] = [[], []];
    for (const cell of cells) sides[belongs(worth.share(cell)) ? 0 : 1].push(cell);
    if (sides[0].length > 0 && sides[1].length > 0) divisions.set(sides[0].join(), sides);
  };
  for (const bit of BIT_OF.values()) divide(({ has }) => holdsBit(has, 0, bit));
  const width = worth.share(0).places.length;
  for (let at = 0; at < width; at++)
    for (const place of new Set(cells.map((cell) => worth.share(cell).places[at])))
      divide(({ places }) => places[at] === place);
  return [...divisions.values()];
}

/** The best of the divisions, with its two pools improved. Undefined for a single cell. */
function split(worth: Worth, pool: Pool): Partition | undefined {
  let best: Partition | undefined;
  for (const sides of divisionsOf(worth, pool.cells)) {
    const pools = sides.map((cells) => worth.poolOf(cells));
    if (best === undefined || worthOf(pools) > worthOf(best)) best = pools;
  }
  return best && moveCells(worth, best);
}

/** Each pool is split once only, whatever partitions it is part of. */
class Splits {
  readonly #known = new Map<Pool, Partition>();
  readonly #worth: Worth;

  constructor(worth: Worth) {
    this.#worth = worth;
  }

  /** One pool more, by splitting the one that gains most by it. */
  oneMore(pools: Partition): Partition | undefined {
    let best: Pool | undefined;
    let most = Number.NEGATIVE_INFINITY;
    for (const pool of pools) {
      const gain = worthOf(this.#halves(pool)) - pool.worth;
      if (pool.cells.length > 1 && gain > most) [best, most] = [pool, gain];
    }
    if (best === undefined) return undefined;
    return [...pools.filter((pool) => pool !== best), ...this.#halves(best)];
  }

  #halves(pool: Pool): Partition {
    const halves = this.#known.get(pool) ?? split(this.#worth, pool) ?? [];
    this.#known.set(pool, halves);
    return halves;
  }
}

interface Move {
  readonly gain: number;
  readonly from: Pool;
  readonly to: Pool;
  readonly cell: number;
}

type Rests = WeakMap<Pool, Float64Array>;

function bestMove(worth: Worth, pools: Partition, known: Rests): Move | undefined {
  let best: Move | undefined;
  for (const from of pools) {
    // The last cell of a pool stays: the number of pools is given.
    if (from.cells.length < 2) continue;
    const rests = known.get(from) ?? worth.withoutEach(from.cells);
    known.set(from, rests);
    worth.visits += rests.length * pools.length;
    for (const [place, rest] of rests.entries()) {
      const number = from.cells[place] as number;
      const cell = worth.share(number);
      for (const to of pools) {
        if (to === from) continue;
        const gain = rest - from.worth + worth.together(to.share, cell) - to.worth;
        if (gain > (best?.gain ?? 0)) best = { gain, from, to, cell: number };
      }
    }
  }
  return best;
}

/** Moves one cell after the other to the pool where it does most good, while it does any. */
function moveCells(worth: Worth, start: Partition): Partition {
  const rests: Rests = new WeakMap();
  let pools = start;
  for (;;) {
    const move = worth.visits < worth.limit ? bestMove(worth, pools, rests) : undefined;
    if (move === undefined) return pools;
    const { from, to, cell } = move;
    const smaller = worth.poolOf(from.cells.filter((other) => other !== cell));
    const larger = worth.poolOf(ascending([...to.cells, cell]));
    pools = pools.map((pool) => (pool === from ? smaller : pool === to ? larger : pool));
  }
}

/** The first two pools found whose hosts are better dealt out another way; and pairs for which there is none. */
function dealTwo(
  worth: Worth,
  pools: Partition,
  tried: Map<Pool, Set<Pool>>,
): Partition | undefined {
  for (const [place, a] of pools.entries()) {
    const others = tried.get(a) ?? new Set();
    tried.set(a, others);
    for (const b of pools.slice(place + 1)) {
      if (others.has(b) || worth.visits >= worth.limit) continue;
      others.add(b);
      const halves = split(worth, join(worth, a, b));
      if (halves === undefined || worthOf(halves) <= a.worth + b.worth) continue;
      return [...pools.filter((pool) => pool !== a && pool !== b), ...halves];
    }
  }
  return undefined;
}

/** Joins two pools and splits what they make another way, while that is better. */
function dealAnew(worth: Worth, start: Partition): Partition {
  const tried = new Map<Pool, Set<Pool>>();
  let pools = start;
  for (;;) {
    const dealt = dealTwo(worth, pools, tried);
    if (dealt === undefined) return pools;
    pools = dealt;
  }
}

function improve(worth: Worth, pools: Partition): Partition {
  if (pools.length > MOST_IMPROVED) return pools;
  worth.limit = worth.visits + MOST_VISITS;
  return dealAnew(worth, moveCells(worth, pools));
}

/** One pool less, by joining the two that lose least. */
function oneLess(worth: Worth, pools: Partition): Partition {
  let best: readonly [Pool, Pool] | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const [place, a] of pools.entries())
    for (const b of pools.slice(place + 1)) {
      const loss = lossOf(worth, a, b);
      if (loss < least) [best, least] = [[a, b], loss];
    }
  if (best === undefined) return pools;
  const [a, b] = best;
  return [...pools.filter((pool) => pool !== a && pool !== b), join(worth, a, b)];
}

/** Few enough to be joined two by two: where there are more cells, by splitting first. */
function startOf(worth: Worth, splits: Splits): Partition {
  const { cells } = worth;
  if (cells.length <= MOST_JOINED) return cells.map((_, cell) => worth.poolOf([cell]));
  let pools: Partition = [worth.poolOf(cells.map((_, cell) => cell))];
  while (pools.length < MOST_JOINED) pools = splits.oneMore(pools) as Partition;
  return pools;
}

/**
 * The best partitions found into 1, 2 … `most` pools; fewer where there are fewer cells. More are
 * looked at: what is good for one pool more shows the way.
 */
export function searchPartitions(worth: Worth, most: number): Partition[] {
  const limit = Math.min(Math.max(most, MOST_IMPROVED), worth.cells.length);
  const splits = new Splits(worth);
  const joined = joinFromBottom(worth, startOf(worth, splits), limit);
  const found: Partition[] = [joined.get(1) as Partition];
  for (let count = 2; count <= limit; count++) {
    const more = splits.oneMore(found.at(-1) as Partition) as Partition;
    found.push(improve(worth, better(more, joined.get(count))));
  }
  for (let count = Math.min(limit, MOST_IMPROVED) - 1; count >= 2; count--) {
    const less = improve(worth, oneLess(worth, found[count] as Partition));
    found[count - 1] = better(found[count - 1] as Partition, less);
  }
  return found.slice(0, most);
}
