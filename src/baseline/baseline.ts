/**
 * What all hosts of a cluster have in common, with the XSAVE sizes that are safe on all of them, and
 * the reason for each thing given up. Features go down, sizes go up.
 */
import {
  COMPONENTS,
  componentMask,
  componentName,
  componentRow,
  type FeatureName,
  featureIndex,
  isLegacyState,
  LEVELS,
  type LevelName,
} from '../catalogue/index.js';
import { bitsOf, hasBit64 } from '../model/registers.js';
import { PRESENT, type StateComponent, standardAreaBytes } from '../model/xsave.js';
import { knownValues } from './agreements.js';
import { type Cluster, type ClusterGroup, countHosts, hardwareGroups } from './cluster.js';
import { type Dropped, dropReasons } from './drop-reasons.js';
import { type HostKind, presenceOf, VISIBLE } from './host-kind.js';
import { type ClosureOptions, isComponentUsed, isPlaceless, Tally } from './tally.js';

export type { Dropped, DropReason, LayoutPlace } from './drop-reasons.js';

/** Sizes in bytes; undefined where a host doesn't tell. */
export interface XsaveSizes {
  /** The standard format's with all that is enabled (leaf 0xD.0 EBX). */
  readonly areaBytes: number | undefined;
  /** The standard format's with all that the CPU offers (leaf 0xD.0 ECX). */
  readonly offeredBytes: number | undefined;
  /** The compacted format's (leaf 0xD.1 EBX). */
  readonly compactedBytes: number | undefined;
  /** AT_MINSIGSTKSZ. */
  readonly minSigStackBytes: number | undefined;
}

/** What tasks started under a baseline have seen, whatever hosts came since. */
export interface Floors extends XsaveSizes {
  /** Subleaves of state components, by bit; undefined: a file doesn't say. */
  readonly subleaves: readonly StateComponent[] | undefined;
}

export interface Baseline extends XsaveSizes {
  readonly floors: Floors;
  readonly features: readonly FeatureName[];
  readonly level: LevelName | undefined;
  /** The lowest of all hosts. */
  readonly avx10Version: number | undefined;
  readonly xcr0: bigint;
  /** Of a component that hosts have in different places, and that is kept, no place is known. */
  readonly components: readonly StateComponent[];
  /** Components that some host enables: their subleaves mustn't be blanked. */
  readonly enabledAnywhere: bigint;
  /**
   * Subleaves that tasks are shown, by bit: those of every component that some host enables, or shows
   * and glibc leaves room for. Places that aren't the same on all hosts are the largest.
   */
  readonly subleaves: readonly StateComponent[];
  readonly vendors: readonly string[];
  /** Where all hosts tell the same. */
  readonly cacheLineBytes: number | undefined;
  /** The fewest of any host. */
  readonly linearAddressBits: number | undefined;
  /** What its hosts are known to have of what no mask hides: tasks under it move between all of these. */
  readonly accepts: {
    readonly vendors: readonly string[];
    readonly cacheLineBytes: readonly number[];
    readonly linearAddressBits: readonly number[];
  };
  readonly dropped: readonly Dropped[];
  /** Features that no host is known to have and that some don't tell. */
  readonly untold: readonly FeatureName[];
  readonly cluster: Cluster;
  readonly options: BaselineOptions;
}

export interface BaselineOptions extends ClosureOptions {
  /** What tasks may have seen already: never shown smaller. */
  readonly floors?: Partial<Floors>;
}

function largest(values: readonly (number | undefined)[]): number | undefined {
  let most = 0;
  for (const value of values) {
    if (value === undefined) return undefined;
    most = Math.max(most, value);
  }
  return most;
}

function smallest(values: readonly (number | undefined)[]): number | undefined {
  const told = values.filter((value) => value !== undefined);
  return told.length === values.length
    ? told.reduce((least, value) => Math.min(least, value))
    : undefined;
}

function sizesOf(kinds: readonly HostKind[], floors: Partial<XsaveSizes> = {}): XsaveSizes {
  const size = (key: keyof XsaveSizes) =>
    largest([...kinds.map((kind) => kind[key]), floors[key] ?? 0]);
  return {
    areaBytes: size('areaBytes'),
    offeredBytes: size('offeredBytes'),
    compactedBytes: size('compactedBytes'),
    minSigStackBytes: size('minSigStackBytes'),
  };
}

/** x87 and SSE state have one place everywhere (Intel SDM vol. 1, 13.4.1). */
const LEGACY: readonly StateComponent[] = COMPONENTS.filter(({ bit }) => isLegacyState(bit)).map(
  ({ bit, name, size, ...row }) => ({
    bit,
    name,
    size,
    offset: 'offsetIntel' in row ? row.offsetIntel : undefined,
    aligned: false,
  }),
);

function placeOf(bit: number, kinds: readonly HostKind[], tally: Tally): StateComponent {
  const name = componentName(bit);
  const places = kinds.flatMap((kind) => kind.components.find((one) => one.bit === bit) ?? []);
  const place = places.find((one) => !isPlaceless(one));
  if (tally.layout(bit) !== 'alike' || place === undefined)
    return { bit, name, size: undefined, offset: undefined, aligned: undefined };
  const aligned = places.find((one) => one.aligned !== undefined)?.aligned;
  return { bit, name, size: place.size, offset: place.offset, aligned };
}

/** A component is on in the baseline where all hosts enable it and a kept feature uses it. */
function componentsOf(
  kinds: readonly HostKind[],
  tally: Tally,
  kept: Uint8Array,
  { keepLayoutConflicts = false }: BaselineOptions,
): StateComponent[] {
  const has = (name: FeatureName) => kept[featureIndex(name)] === 1;
  if (!has('xsave') || !has('osxsave')) return [];
  const others = COMPONENTS.filter(
    ({ bit }) =>
      !isLegacyState(bit) &&
      tally.isEnabledOnAll(bit) &&
      (keepLayoutConflicts || tally.layout(bit) === 'alike') &&
      isComponentUsed(bit, kept),
  );
  const legacy = LEGACY.filter(({ bit }) =>
    kinds.every(({ xcr0 }) => xcr0 === undefined || hasBit64(BigInt(xcr0), bit)),
  );
  return [...legacy, ...others.map(({ bit }) => placeOf(bit, kinds, tally))];
}

/** By the components that are known to be on, since some sources don't tell all of XCR0. */
function unionOfEnabled(kinds: readonly HostKind[]): bigint {
  return kinds.reduce((union, kind) => {
    return union | maskOfComponents(kind.components) | BigInt(kind.xcr0 ?? 0);
  }, 0n);
}

function largestPlace(
  bit: number,
  places: readonly StateComponent[],
  key: 'size' | 'offset',
): number {
  const row = componentRow(bit);
  const said = !places.some(isPlaceless);
  const usual = key === 'size' ? row?.size : Math.max(row?.offsetIntel ?? 0, row?.offsetAmd ?? 0);
  return Math.max(said ? 0 : (usual ?? 0), ...places.map((one) => one[key] ?? 0));
}

/** glibc adds up subleaves without asking which components are offered: none may be smaller anywhere. */
function subleavesOf(
  kinds: readonly HostKind[],
  components: readonly StateComponent[],
  floors: Partial<Floors> = {},
): StateComponent[] {
  const byBit = new Map<number, StateComponent[]>();
  const all = kinds.flatMap((kind) => [...kind.components, ...kind.shown]);
  for (const one of [...all, ...(floors.subleaves ?? [])])
    if (!isLegacyState(one.bit) && componentRow(one.bit)?.kind !== 'supervisor') {
      const places = byBit.get(one.bit);
      if (places === undefined) byBit.set(one.bit, [one]);
      else places.push(one);
    }
  return [...byBit]
    .sort(([a], [b]) => a - b)
    .map(([bit, places]): StateComponent => {
      const own = components.find((one) => one.bit === bit && !isPlaceless(one));
      if (own !== undefined) return own;
      return {
        bit,
        name: componentName(bit),
        size: largestPlace(bit, places, 'size'),
        offset: largestPlace(bit, places, 'offset'),
        aligned: places.some((one) => one.aligned ?? componentRow(bit)?.aligned ?? true),
      };
    });
}

/** The highest level whose features, and those of the levels below, are all there. */
export function levelOf(features: readonly FeatureName[]): LevelName | undefined {
  const kept = new Set(features);
  let level: LevelName | undefined;
  for (const next of LEVELS) {
    if (!next.features.every((name) => kept.has(name))) return level;
    level = next.name;
  }
  return level;
}

export function maskOfComponents(components: readonly { readonly bit: number }[]): bigint {
  return componentMask(components.map(({ bit }) => bit));
}

export function tallyOf(cluster: Cluster): Tally {
  const tally = new Tally();
  for (const group of cluster.values()) tally.add(group);
  return tally;
}

function avx10VersionOf(kinds: readonly HostKind[]): number {
  // Version 1 is the lowest there is (Intel AVX10 architecture specification, 1.2).
  return Math.min(...kinds.map((kind) => kind.avx10Version ?? 1));
}

/** Pure, and the same whatever the order in which the hosts came. Throws for an empty cluster. */
export function baselineOf(cluster: Cluster, options: BaselineOptions = {}): Baseline {
  if (cluster.size === 0) throw new Error('a baseline needs a host');
  const groups = [...cluster.values()];
  const kinds = groups.map((group) => group.kind);
  const hardware = hardwareGroups(cluster).map((group) => group.kind);
  const tally = tallyOf(cluster);
  const kept = tally.kept(options);
  const features = VISIBLE.filter((name) => kept[featureIndex(name)] === 1);
  const components = componentsOf(hardware, tally, kept, options);
  const sizes = sizesOf(hardware, options.floors);
  const subleaves = subleavesOf(hardware, components, options.floors);
  const lines = new Set(hardware.map((kind) => kind.cacheLineBytes));
  return {
    features,
    level: levelOf(features),
    avx10Version: features.includes('avx10_version') ? avx10VersionOf(kinds) : undefined,
    xcr0: maskOfComponents(components),
    components,
    ...sizes,
    floors: { ...sizes, subleaves },
    enabledAnywhere: unionOfEnabled(hardware),
    subleaves,
    vendors: [...new Set(hardware.map((kind) => kind.vendor ?? 'unknown'))].sort(),
    cacheLineBytes: lines.size === 1 ? hardware[0]?.cacheLineBytes : undefined,
    linearAddressBits: smallest(hardware.map((kind) => kind.linearAddressBits)),
    accepts: {
      vendors: knownValues(cluster, ({ vendor }) => vendor),
      cacheLineBytes: knownValues(cluster, (kind) => kind.cacheLineBytes),
      linearAddressBits: knownValues(cluster, (kind) => kind.linearAddressBits),
    },
    dropped: VISIBLE.filter((name) => kept[featureIndex(name)] === 0 && tally.isOnSome(name)).map(
      (feature) => ({ feature, because: dropReasons(feature, groups, tally, kept, options) }),
    ),
    untold: VISIBLE.filter((name) => !tally.isOnSome(name) && tally.isUntoldBySome(name)),
    cluster,
    options,
  };
}

/** Bytes that the baseline's own components end at: the area if only they were enabled. */
export function ownAreaBytes(baseline: Baseline): number | undefined {
  return standardAreaBytes(baseline.components);
}

/** Components that hosts enable and the baseline doesn't. */
export function hiddenComponents(baseline: Baseline): readonly string[] {
  return bitsOf(baseline.enabledAnywhere)
    .filter((bit) => !hasBit64(baseline.xcr0, bit) && componentRow(bit)?.kind !== 'supervisor')
    .map(componentName);
}

/** What a kind of hosts has and the baseline lacks. */
export function extraOf(kind: HostKind, baseline: Pick<Baseline, 'features'>): FeatureName[] {
  return gainedIn(kind, baseline);
}

/** Features of one baseline that another lacks. */
export function gainedIn(
  baseline: Pick<Baseline, 'features'>,
  other: Pick<Baseline, 'features'>,
): FeatureName[] {
  const had = new Set(other.features);
  return baseline.features.filter((name) => !had.has(name));
}

export interface HostCost {
  readonly key: string;
  readonly group: ClusterGroup;
  /** Features that the others would have without this kind of hosts. */
  readonly gained: readonly FeatureName[];
}

/** What each kind of hosts costs the others; none where there is but one kind. */
export function costsOf(cluster: Cluster, options: ClosureOptions = {}): HostCost[] {
  if (cluster.size < 2) return [];
  const tally = tallyOf(cluster);
  const kept = tally.kept(options);
  return [...cluster].map(([key, group]) => {
    const without = tally.remove(group).kept(options);
    tally.add(group);
    const gained = VISIBLE.filter((name) => {
      const index = featureIndex(name);
      return without[index] === 1 && kept[index] === 0;
    });
    return { key, group, gained };
  });
}

/** What the others would have without hosts of this kind. */
export function costOf(
  cluster: Cluster,
  key: string,
  options: ClosureOptions = {},
): readonly FeatureName[] {
  return costsOf(cluster, options).find((cost) => cost.key === key)?.gained ?? [];
}

/** Whether hosts of this kind are known to have a feature. */
export function hasFeature(kind: HostKind, name: FeatureName): boolean {
  return presenceOf(kind)[featureIndex(name)] === PRESENT;
}

export { countHosts };
