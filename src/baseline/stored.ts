/**
 * A baseline as it stands in its file: what all hosts have, and of every kind of hosts only what it
 * has beyond that. The file alone is enough to merge, to add and remove hosts, and to say why.
 */
import {
  componentName,
  type FeatureName,
  featureIndex,
  type LevelName,
} from '../catalogue/index.js';
import { hex } from '../model/registers.js';
import type { TileGeometry } from '../model/tile-geometry.js';
import type { StateComponent } from '../model/xsave.js';
import { type Baseline, type Dropped, extraOf, type Floors, type XsaveSizes } from './baseline.js';
import { type ClusterGroup, countHosts, hardwareGroups } from './cluster.js';
import { type HostKind, kindId } from './host-kind.js';
import { type KernelBits, kernelFeatureNames } from './kernel-bits.js';

/** What stands before a baseline in a page about its hosts. Names can't forge it: "<" is escaped there. */
export const PAGE_BASELINE = '<script type="application/json" id="baseline">';

/** A StateComponent in a file: what isn't known is null there. */
export interface StoredComponent {
  readonly bit: number;
  readonly name: string;
  readonly size: number | null;
  readonly offset: number | null;
  readonly aligned: boolean | null;
}

export interface StoredSizes {
  readonly size: number | null;
  readonly offeredSize: number | null;
  readonly compactedSize: number | null;
}

export interface StoredHosts {
  /** Fingerprint of the kind: the same wherever such a host is met. */
  readonly id: string;
  readonly count: number;
  readonly names: readonly string[];
  readonly glibc: readonly string[];
  /** What they show to kernels alone, of what CPU models of virtual machines have; older files don't say. */
  readonly kernel?: { readonly had: readonly string[]; readonly lacked: readonly string[] };
  /** Features beyond the baseline's. */
  readonly extra: readonly string[];
  readonly unknown: readonly string[];
  readonly avx10Version: number | null;
  readonly vendor: string | null;
  readonly cacheLineBytes: number | null;
  readonly linearAddressBits: number | null;
  readonly minSigStackBytes: number | null;
  /** Of a level; absent otherwise. */
  readonly onlyFeatures?: boolean;
  /** AMX's tiles; absent: there are none, or a file doesn't say. */
  readonly tiles?: TileGeometry;
  readonly xsave: StoredSizes & {
    readonly xcr0: string | null;
    readonly components: readonly StoredComponent[];
    /** Others that CPUID shows; older files don't say. */
    readonly shown?: readonly StoredComponent[];
  };
}

export interface StoredFloors extends StoredSizes {
  readonly minSigStackBytes: number | null;
  /** Older files don't say. */
  readonly subleaves?: readonly StoredComponent[];
}

export interface StoredBaseline {
  readonly hostCount: number;
  readonly features: readonly string[];
  readonly avx10Version: number | null;
  readonly level: LevelName | null;
  readonly vendors: readonly { readonly vendor: string | null; readonly hosts: number }[];
  readonly cacheLineBytes: number | null;
  readonly linearAddressBits: number | null;
  /** Absent in files of earlier versions; it follows from the hosts. */
  readonly accepts?: Baseline['accepts'];
  readonly xsave: StoredSizes & {
    readonly xcr0: string;
    readonly components: readonly StoredComponent[];
    readonly enabledAnywhere: string;
  };
  readonly minSigStackBytes: number | null;
  /** Sizes that tasks started under this baseline have seen. */
  readonly floors: StoredFloors;
  readonly without: readonly string[];
  readonly keepLayoutConflicts: boolean;
  readonly dropped: readonly Dropped[];
  readonly untold: readonly string[];
  readonly hosts: readonly StoredHosts[];
}

function storeComponent({ bit, name, size, offset, aligned }: StateComponent): StoredComponent {
  return { bit, name, size: size ?? null, offset: offset ?? null, aligned: aligned ?? null };
}

function restoreComponent({ bit, size, offset, aligned }: StoredComponent): StateComponent {
  return {
    bit,
    name: componentName(bit),
    size: size ?? undefined,
    offset: offset ?? undefined,
    aligned: aligned ?? undefined,
  };
}

function storeSizes(sizes: XsaveSizes): StoredSizes {
  return {
    size: sizes.areaBytes ?? null,
    offeredSize: sizes.offeredBytes ?? null,
    compactedSize: sizes.compactedBytes ?? null,
  };
}

function storeKernelBits(kernel: KernelBits): Pick<StoredHosts, 'kernel'> {
  return kernel.had === 0n && kernel.lacked === 0n ? {} : { kernel: kernelFeatureNames(kernel) };
}

function storeHosts(group: ClusterGroup, baseline: Baseline): StoredHosts {
  const { kind } = group;
  return {
    id: kindId(kind),
    count: group.count,
    names: group.names,
    glibc: group.glibcVersions,
    ...storeKernelBits(group.kernel),
    extra: extraOf(kind, baseline),
    unknown: kind.unknown,
    avx10Version: kind.avx10Version ?? null,
    vendor: kind.vendor ?? null,
    cacheLineBytes: kind.cacheLineBytes ?? null,
    linearAddressBits: kind.linearAddressBits ?? null,
    minSigStackBytes: kind.minSigStackBytes ?? null,
    ...(kind.onlyFeatures ? { onlyFeatures: true } : {}),
    ...(kind.tiles === undefined ? {} : { tiles: kind.tiles }),
    xsave: {
      xcr0: kind.xcr0 ?? null,
      ...storeSizes(kind),
      components: kind.components.map(storeComponent),
      ...(kind.shown.length === 0 ? {} : { shown: kind.shown.map(storeComponent) }),
    },
  };
}

/** How many hosts are of which vendor, most first; levels are of none. */
export function countVendors(baseline: Baseline): StoredBaseline['vendors'] {
  const counts = new Map<string | null, number>();
  for (const { kind, count } of hardwareGroups(baseline.cluster)) {
    const vendor = kind.vendor ?? null;
    counts.set(vendor, (counts.get(vendor) ?? 0) + count);
  }
  return [...counts]
    .map(([vendor, hosts]) => ({ vendor, hosts }))
    .sort((a, b) => b.hosts - a.hosts || ((a.vendor ?? '') < (b.vendor ?? '') ? -1 : 1));
}

export function storeBaseline(baseline: Baseline): StoredBaseline {
  const { options, floors } = baseline;
  return {
    hostCount: countHosts(baseline.cluster),
    features: baseline.features,
    avx10Version: baseline.avx10Version ?? null,
    level: baseline.level ?? null,
    vendors: countVendors(baseline),
    cacheLineBytes: baseline.cacheLineBytes ?? null,
    linearAddressBits: baseline.linearAddressBits ?? null,
    accepts: baseline.accepts,
    xsave: {
      xcr0: hex(baseline.xcr0),
      ...storeSizes(baseline),
      components: baseline.components.map(storeComponent),
      enabledAnywhere: hex(baseline.enabledAnywhere),
    },
    minSigStackBytes: baseline.minSigStackBytes ?? null,
    floors: {
      ...storeSizes(floors),
      minSigStackBytes: floors.minSigStackBytes ?? null,
      ...(floors.subleaves === undefined
        ? {}
        : { subleaves: floors.subleaves.map(storeComponent) }),
    },
    without: options.without ?? [],
    keepLayoutConflicts: options.keepLayoutConflicts ?? false,
    dropped: baseline.dropped,
    untold: baseline.untold,
    hosts: [...baseline.cluster.values()].map((group) => storeHosts(group, baseline)),
  };
}

function restoreComponents(components: readonly StoredComponent[]): StateComponent[] {
  return components.map(restoreComponent).sort((a, b) => a.bit - b.bit);
}

/** What a file promised to tasks. */
export function restoreFloors(floors: StoredFloors): Floors {
  return {
    areaBytes: floors.size ?? undefined,
    offeredBytes: floors.offeredSize ?? undefined,
    compactedBytes: floors.compactedSize ?? undefined,
    minSigStackBytes: floors.minSigStackBytes ?? undefined,
    subleaves: floors.subleaves === undefined ? undefined : restoreComponents(floors.subleaves),
  };
}

function inOrder(names: readonly FeatureName[]): FeatureName[] {
  return [...new Set(names)].sort((a, b) => featureIndex(a) - featureIndex(b));
}

/** Names have been checked. */
export function restoreKind(
  stored: StoredHosts,
  features: readonly FeatureName[],
  unknown: readonly FeatureName[],
): HostKind {
  const { xsave } = stored;
  return {
    features: inOrder(features),
    unknown: inOrder(unknown),
    avx10Version: stored.avx10Version ?? undefined,
    vendor: stored.vendor ?? undefined,
    cacheLineBytes: stored.cacheLineBytes ?? undefined,
    linearAddressBits: stored.linearAddressBits ?? undefined,
    xcr0: xsave.xcr0 ?? undefined,
    areaBytes: xsave.size ?? undefined,
    offeredBytes: xsave.offeredSize ?? undefined,
    compactedBytes: xsave.compactedSize ?? undefined,
    minSigStackBytes: stored.minSigStackBytes ?? undefined,
    tiles: stored.tiles,
    components: restoreComponents(xsave.components),
    shown: restoreComponents(xsave.shown ?? []),
    onlyFeatures: stored.onlyFeatures ?? false,
  };
}
