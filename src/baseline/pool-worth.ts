/**
 * What a pool of hosts keeps, as a number and quickly: features are bits, places of state components
 * small numbers. It must say what baselineOf says (tests compare the two).
 *
 * Kinds of hosts that a pool can't tell apart (same features, same places) are one cell.
 */
import {
  COMPONENTS,
  type FeatureName,
  featureIndex,
  featureRow,
  neededState,
} from '../catalogue/index.js';
import { countShared, intersect, putBit, wordsFor } from '../model/bit-rows.js';
import { countingPrerequisites } from '../model/prerequisites.js';
import { bitMask, hasBit, or, without } from '../model/registers.js';
import type { StateComponent } from '../model/xsave.js';
import type { Cluster, ClusterGroup } from './cluster.js';
import { type HostKind, VISIBLE, VISIBLE_ORDER } from './host-kind.js';
import { type ClosureOptions, isPlaceless, Tally } from './tally.js';

/** Instructions stand first, in words of their own: they are what pools are made for. */
const ISA = VISIBLE.filter((name) => featureRow(name).class === 'isa');
const OTHERS = VISIBLE.filter((name) => featureRow(name).class !== 'isa');
const ISA_WORDS = wordsFor(ISA.length);
export const WORDS = ISA_WORDS + wordsFor(OTHERS.length);
export const BIT_OF: ReadonlyMap<FeatureName, number> = new Map([
  ...ISA.map((name, place) => [name, place] as const),
  ...OTHERS.map((name, place) => [name, ISA_WORDS * 32 + place] as const),
]);

/** A component in a pool: nowhere enabled, not told by its one host, in different places, or 3 × place + alignment. */
const NOWHERE = 0;
const UNTOLD = 1;
const CONFLICT = 2;
const FIRST_PLACE = 3;
const ALIGNMENTS = [undefined, false, true] as const;

function joinPlaces(a: number, b: number): number {
  if (a === NOWHERE) return b;
  if (b === NOWHERE) return a;
  if (a < FIRST_PLACE || b < FIRST_PLACE) return CONFLICT;
  if (a === b) return a;
  const [alignA, alignB] = [a % 3, b % 3];
  if (a - alignA !== b - alignB || (alignA > 0 && alignB > 0)) return CONFLICT;
  return Math.max(a, b);
}

/** Features that go with a component: those that need it, and those that need them. */
function dependentsOf(bit: number): ReadonlySet<FeatureName> {
  const found = new Set<FeatureName>();
  for (const name of VISIBLE_ORDER)
    if (
      neededState(featureRow(name)).includes(bit) ||
      countingPrerequisites(name).some((needed) => found.has(needed))
    )
      found.add(name);
  return found;
}

/** Components whose place can cost features. */
const PLACED = COMPONENTS.map((row): number => row.bit).filter((bit) => dependentsOf(bit).size > 0);

interface PlaceNumbers {
  readonly bits: readonly number[];
  numberOf(group: ClusterGroup, bit: number): number;
}

function placeText({ size, offset }: StateComponent): string {
  return `${size}@${offset}`;
}

function numberPlaces(kinds: readonly HostKind[]): PlaceNumbers {
  const texts = kinds.flatMap((kind) => kind.components.map(placeText));
  const numbers = new Map([...new Set(texts)].sort().map((text, place) => [text, place]));
  const numberOf = ({ kind, count }: ClusterGroup, bit: number) => {
    const found = kind.components.find((one) => one.bit === bit);
    if (found === undefined || kind.onlyFeatures) return NOWHERE;
    if (isPlaceless(found)) return count > 1 ? CONFLICT : UNTOLD;
    const place = numbers.get(placeText(found)) as number;
    return FIRST_PLACE * (place + 1) + ALIGNMENTS.indexOf(found.aligned);
  };
  return { bits: PLACED, numberOf };
}

/** What some hosts have in common. Only one function makes them: the inner loops ask for one shape. */
export interface Share {
  readonly hosts: number;
  readonly has: Uint32Array;
  readonly places: Int32Array;
}

export interface Cell {
  readonly keys: readonly string[];
  readonly share: Share;
}

/** Hosts that share a baseline. */
export interface Pool {
  /** By number, ascending. */
  readonly cells: readonly number[];
  readonly share: Share;
  /** Of all hosts together. */
  readonly worth: number;
}

function makeShare(hosts: number, has: Uint32Array, places: Int32Array): Share {
  return { hosts, has, places };
}

function joinInto(target: Share, other: Share): void {
  intersect(target.has, 0, other.has, 0, WORDS);
  const { places } = target;
  for (let at = 0; at < places.length; at++)
    places[at] = joinPlaces(places[at] as number, other.places[at] as number);
}

function copyInto(target: Share, source: Share): void {
  target.has.set(source.has);
  target.places.set(source.places);
}

/** What both have in common. */
export function shareOf(a: Share, b: Share): Share {
  const share = makeShare(a.hosts + b.hosts, a.has.slice(), a.places.slice());
  joinInto(share, b);
  return share;
}

function bitsOfKind(kind: HostKind, options: ClosureOptions): Uint32Array {
  const kept = new Tally().add({ kind, count: 1 }).kept(options);
  const has = new Uint32Array(WORDS);
  for (const [name, bit] of BIT_OF) if (kept[featureIndex(name)] === 1) putBit(has, 0, bit);
  return has;
}

/** In an order that doesn't depend on the cluster's. */
function cellsOf(cluster: Cluster, options: ClosureOptions): Cell[] {
  const places = numberPlaces([...cluster.values()].map(({ kind }) => kind));
  const cells = new Map<string, Cell>();
  for (const key of [...cluster.keys()].sort()) {
    const group = cluster.get(key) as ClusterGroup;
    const has = bitsOfKind(group.kind, options);
    const at = options.keepLayoutConflicts
      ? new Int32Array(0)
      : Int32Array.from(places.bits, (bit) => places.numberOf(group, bit));
    // Two that don't tell where a component lies may differ there.
    const text = `${has.join()} ${at.join()} ${at.includes(UNTOLD) ? key : ''}`;
    const { keys = [], share } = cells.get(text) ?? {};
    const hosts = (share?.hosts ?? 0) + group.count;
    cells.set(text, { keys: [...keys, key], share: makeShare(hosts, has, at) });
  }
  return [...cells.values()];
}

/** Places of PLACED that are alike in the whole cluster can't cost anything. */
function watched(cells: readonly Cell[]): number[] {
  return PLACED.map((_, place) => place).filter((place) => {
    const all = new Set(cells.map(({ share }) => share.places[place] ?? NOWHERE));
    all.delete(NOWHERE);
    return all.size > 1 || all.has(UNTOLD) || all.has(CONFLICT);
  });
}

function watchOnly({ hosts, has, places }: Share, at: readonly number[]): Share {
  return makeShare(
    hosts,
    has,
    Int32Array.from(at, (place) => places[place] as number),
  );
}

/** Of every pool of a cluster. */
export class Worth {
  readonly cells: readonly Cell[];
  /** How many times a cell has been looked at: what a search has cost, whatever the machine. */
  visits = 0;
  /** Where to stop looking for better. */
  limit = Number.POSITIVE_INFINITY;
  readonly #scratch: Share[] = [];
  /** PLACED by place. */
  readonly #watched: readonly number[];
  readonly #drops: readonly Uint32Array[];
  /** Words of what stays, by which of the watched components are in conflict. */
  readonly #stays: (Uint32Array | undefined)[];
  /** Of an instruction; another feature counts 1: it decides only between pools of equal instructions. */
  readonly #isaWeight: number;

  constructor(cluster: Cluster, options: ClosureOptions) {
    const cells = cellsOf(cluster, options);
    this.#watched = watched(cells);
    this.cells = cells.map(({ keys, share }) => ({
      keys,
      share: watchOnly(share, this.#watched),
    }));
    this.#stays = new Array(2 ** this.#watched.length).fill(undefined);
    this.#drops = this.#watched.map((place) => {
      const words = new Uint32Array(WORDS);
      for (const name of dependentsOf(PLACED[place] as number))
        putBit(words, 0, BIT_OF.get(name) as number);
      return words;
    });
    const hosts = cells.reduce((sum, { share }) => sum + share.hosts, 0);
    const most = Math.floor(Number.MAX_SAFE_INTEGER / (ISA.length + 1) / hosts);
    this.#isaWeight = Math.max(1, Math.min((OTHERS.length + 1) * hosts, most));
  }

  share(cell: number): Share {
    return (this.cells[cell] as Cell).share;
  }

  poolOf(cells: readonly number[]): Pool {
    const { has, places } = this.share(cells[0] as number);
    const hosts = cells.reduce((sum, cell) => sum + this.share(cell).hosts, 0);
    const share = makeShare(hosts, has.slice(), places.slice());
    for (let at = 1; at < cells.length; at++) joinInto(share, this.share(cells[at] as number));
    this.visits += cells.length;
    return { cells, share, worth: this.alone(share) };
  }

  /**
   * What a pool would be worth without each of its cells: what comes before the cell, shared with what
   * comes after. In arrays that are used again: this is done thousands of times.
   */
  withoutEach(cells: readonly number[]): Float64Array {
    const after = this.#scratch;
    const count = cells.length;
    while (after.length < count + 1) after.push(shareOf(this.share(0), this.share(0)));
    const total = cells.reduce((sum, cell) => sum + this.share(cell).hosts, 0);
    for (let place = count - 1; place >= 0; place--) {
      const share = after[place] as Share;
      copyInto(share, this.share(cells[place] as number));
      if (place < count - 1) joinInto(share, after[place + 1] as Share);
    }
    const before = after[count] as Share;
    const worths = new Float64Array(count);
    for (let place = 0; place < count; place++) {
      const own = this.share(cells[place] as number);
      const [a, b] = [
        place > 0 ? before : undefined,
        place < count - 1 ? after[place + 1] : undefined,
      ];
      const [first, second] = [a ?? b ?? own, b ?? a ?? own];
      worths[place] = this.together(first, second, total - own.hosts);
      if (place === 0) copyInto(before, own);
      else joinInto(before, own);
    }
    this.visits += count;
    return worths;
  }

  /** Of a pool that has this in common. */
  alone(share: Share): number {
    return this.together(share, share, share.hosts);
  }

  /** Of a pool of both, with so many hosts. */
  together(a: Share, b: Share, hosts = a.hosts + b.hosts): number {
    let conflicts = 0;
    for (let at = 0; at < a.places.length; at++) {
      const own = a.places[at] as number;
      const joined = a === b ? own : joinPlaces(own, b.places[at] as number);
      if (joined === CONFLICT) conflicts = or(conflicts, bitMask(at));
    }
    const stays = this.#stays[conflicts] ?? this.#makeStays(conflicts);
    const isa = countShared(a.has, 0, b.has, 0, stays, 0, ISA_WORDS);
    const rest = countShared(a.has, 0, b.has, 0, stays, ISA_WORDS, WORDS);
    return hosts * (isa * this.#isaWeight + rest);
  }

  /** The objective: instructions kept, over all hosts. */
  objective(pools: readonly Pool[]): number {
    return pools.reduce((sum, { worth, share: { hosts } }) => {
      return sum + hosts * Math.floor(worth / hosts / this.#isaWeight);
    }, 0);
  }

  #makeStays(conflicts: number): Uint32Array {
    const stays = new Uint32Array(WORDS).fill(0xffffffff);
    for (const [at, drop] of this.#drops.entries())
      if (hasBit(conflicts, at))
        for (let word = 0; word < WORDS; word++)
          stays[word] = without(stays[word] as number, drop[word] as number);
    this.#stays[conflicts] = stays;
    return stays;
  }
}
