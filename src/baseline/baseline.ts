/**
 * What all hosts of a cluster have in common, with the XSAVE sizes that are safe on all of them, and
 * the reason for each thing given up. Features go down, sizes go up.
 */
import {
  COMPONENTS,
  type ComponentRow,
  componentName,
  type FeatureName,
  LEVELS,
  type LevelName,
  ROWS,
} from '../catalogue/index.js';
import { CLOSURE_ORDER, countingPrerequisites, USER_VISIBLE } from '../model/prerequisites.js';
import { bitsOf, hasBit64 } from '../model/registers.js';
import { LEGACY_AREA_BYTES } from '../model/xsave.js';
import { type Cluster, type ClusterGroup, countHosts } from './cluster.js';

/** Why a feature that some host has isn't in the baseline. */
export type DropReason =
  | { readonly kind: 'lacking'; readonly hosts: readonly string[]; readonly count: number }
  | { readonly kind: 'unknown'; readonly hosts: readonly string[]; readonly count: number }
  | { readonly kind: 'prerequisite'; readonly feature: FeatureName }
  | { readonly kind: 'layout'; readonly component: string }
  | { readonly kind: 'asked' };

export interface Dropped {
  readonly feature: FeatureName;
  readonly because: readonly DropReason[];
}

export interface BaselineComponent {
  readonly bit: number;
  readonly name: string;
  readonly size: number;
  readonly offset: number;
}

export interface Baseline {
  readonly features: readonly FeatureName[];
  readonly level: LevelName | undefined;
  readonly avx10Version: number | undefined;
  readonly xcr0: bigint;
  readonly components: readonly BaselineComponent[];
  /** Largest enabled area of any host: what CPUID must show as the size; undefined: not told. */
  readonly areaBytes: number | undefined;
  readonly compactedBytes: number | undefined;
  readonly minSigStackBytes: number | undefined;
  /** Components that some host enables: their subleaves mustn't be blanked. */
  readonly enabledAnywhere: bigint;
  readonly vendors: readonly string[];
  readonly dropped: readonly Dropped[];
  readonly cluster: Cluster;
}

export interface BaselineOptions {
  /** Features to mask beside what hosts lack. */
  readonly without?: readonly FeatureName[];
  /** Keep components (and their features) that hosts lay out differently. */
  readonly keepLayoutConflicts?: boolean;
}

function namesOf(groups: readonly ClusterGroup[]): readonly string[] {
  return groups.flatMap((group) => group.names).slice(0, 5);
}

function countOf(groups: readonly ClusterGroup[]): number {
  return groups.reduce((sum, group) => sum + group.count, 0);
}

type Place = { readonly size: number; readonly offset: number };

/**
 * The one place at which all hosts have a component; undefined where one lacks it, doesn't tell, or
 * has it elsewhere.
 */
function commonPlace(groups: readonly ClusterGroup[], bit: number): Place | 'conflict' | undefined {
  const places = groups.map((group) => group.kind.components.find((one) => one.bit === bit));
  const first = places[0];
  if (first === undefined || places.some((place) => place === undefined)) return undefined;
  const { size, offset, aligned } = first;
  if (places.some((place) => place?.size == null || place.offset == null)) return 'conflict';
  const same = places.every(
    (place) => place?.size === size && place?.offset === offset && place?.aligned === aligned,
  );
  return same && size !== null && offset !== null ? { size, offset } : 'conflict';
}

function largest(values: readonly (number | null)[]): number | undefined {
  return values.some((value) => value === null)
    ? undefined
    : Math.max(...(values as readonly number[]));
}

/** Pure, and the same whatever the order in which the hosts came. Throws for an empty cluster. */
export function baselineOf(cluster: Cluster, options: BaselineOptions = {}): Baseline {
  const groups = [...cluster.values()];
  if (groups.length === 0) throw new Error('a baseline needs a host');
  const sets = groups.map((group) => ({
    group,
    has: new Set(group.kind.features),
    unknown: new Set(group.kind.unknown),
  }));
  const asked = new Set(options.without ?? []);

  const places = new Map<number, Place>();
  const conflicts = new Set<number>();
  for (const row of COMPONENTS) {
    const place = commonPlace(groups, row.bit);
    if (place === 'conflict') conflicts.add(row.bit);
    else if (place !== undefined) places.set(row.bit, place);
  }

  const kept = new Set<FeatureName>();
  const dropped: Dropped[] = [];
  for (const name of CLOSURE_ORDER) {
    const row = ROWS.find((one) => one.name === name);
    if (row === undefined || !USER_VISIBLE.has(row.class)) continue;
    const because: DropReason[] = [];
    const lacking = sets.filter(({ has, unknown }) => !has.has(name) && !unknown.has(name));
    const untold = sets.filter(({ unknown }) => unknown.has(name));
    if (lacking.length === sets.length) continue; // nobody has it: nothing is given up
    const reason = (kind: 'lacking' | 'unknown', of: typeof sets) => {
      const members = of.map(({ group }) => group);
      if (of.length > 0) because.push({ kind, hosts: namesOf(members), count: countOf(members) });
    };
    reason('lacking', lacking);
    reason('unknown', untold);
    if (asked.has(name)) because.push({ kind: 'asked' });
    for (const needed of countingPrerequisites(name))
      if (!kept.has(needed)) because.push({ kind: 'prerequisite', feature: needed });
    if (!options.keepLayoutConflicts)
      for (const bit of row.components ?? [])
        if (conflicts.has(bit)) because.push({ kind: 'layout', component: componentName(bit) });
    if (because.length === 0) kept.add(name);
    else dropped.push({ feature: name, because });
  }

  const features = ROWS.map((row) => row.name).filter((name) => kept.has(name));
  const components = COMPONENTS.filter((row) => belongs(row, kept, places)).map(
    (row): BaselineComponent => ({
      bit: row.bit,
      name: row.name,
      ...(places.get(row.bit) as Place),
    }),
  );
  const hasXsave = kept.has('xsave') && kept.has('osxsave');
  const masks = groups.map((group) => (group.kind.xcr0 === null ? null : BigInt(group.kind.xcr0)));
  return {
    features,
    level: levelOf(kept),
    avx10Version: kept.has('avx10_version')
      ? Math.min(...groups.map((group) => group.kind.avx10Version ?? 1))
      : undefined,
    xcr0: hasXsave ? components.reduce((mask, one) => mask | (1n << BigInt(one.bit)), 3n) : 0n,
    components: hasXsave ? components : [],
    areaBytes: largest(groups.map((group) => group.kind.areaBytes)),
    compactedBytes: largest(groups.map((group) => group.kind.compactedBytes)),
    minSigStackBytes: largest(groups.map((group) => group.kind.minSigStackBytes)),
    enabledAnywhere: masks.reduce<bigint>((union, mask) => union | (mask ?? 0n), 0n),
    vendors: [...new Set(groups.map((group) => group.kind.vendor ?? 'unknown'))].sort(),
    dropped: ROWS.flatMap((row) => dropped.filter((one) => one.feature === row.name)),
    cluster,
  };
}

/** A component is on in the baseline where all hosts have it alike and a kept feature uses it. */
function belongs(
  row: ComponentRow,
  kept: ReadonlySet<FeatureName>,
  places: ReadonlyMap<number, Place>,
): boolean {
  if (row.kind !== 'user' || !places.has(row.bit)) return false;
  return row.bit < 2 || row.enabledBy.some((name) => kept.has(name));
}

function levelOf(kept: ReadonlySet<FeatureName>): LevelName | undefined {
  let level: LevelName | undefined;
  for (const next of LEVELS) {
    if (!next.features.every((name) => kept.has(name))) return level;
    level = next.name;
  }
  return level;
}

/** Bytes that the baseline's own components end at: the area if only they were enabled. */
export function ownAreaBytes(baseline: Baseline): number {
  return baseline.components.reduce(
    (end, one) => Math.max(end, one.offset + one.size),
    LEGACY_AREA_BYTES,
  );
}

/** Components that hosts enable and the baseline doesn't. */
export function hiddenComponents(baseline: Baseline): readonly string[] {
  return bitsOf(baseline.enabledAnywhere)
    .filter((bit) => !hasBit64(baseline.xcr0, bit))
    .map(componentName);
}

/** What a host alone would add: features that only hosts of its kind keep the others from. */
export function costOf(
  cluster: Cluster,
  key: string,
  options: BaselineOptions = {},
): readonly FeatureName[] {
  const others = new Map([...cluster].filter(([other]) => other !== key));
  if (others.size === 0) return [];
  const with_ = new Set(baselineOf(cluster, options).features);
  return baselineOf(others, options).features.filter((name) => !with_.has(name));
}

export { countHosts };
