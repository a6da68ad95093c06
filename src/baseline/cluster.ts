/**
 * A cluster: kinds of hosts, how many of each, and the names of some. Adding and merging give the same
 * whatever the order, so a fleet can be folded in parts.
 */
import type { Capabilities } from '../model/capabilities.js';
import { type HostKind, kindKey, kindOf } from './host-kind.js';

/** Names kept of one kind; a fleet of a million must not keep a million. */
export const NAMES_KEPT = 20;
/** More kinds than any fleet has; beyond that the input is no fleet. */
export const MOST_KINDS = 20_000;

export interface ClusterGroup {
  readonly kind: HostKind;
  readonly count: number;
  /** The first NAMES_KEPT in alphabetical order. */
  readonly names: readonly string[];
  /** C library versions met on these hosts, sorted; what exports for glibc go by. */
  readonly glibcVersions: readonly string[];
}

/** By kindKey. */
export type Cluster = ReadonlyMap<string, ClusterGroup>;

function keepNames(names: readonly string[]): readonly string[] {
  return [...names].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)).slice(0, NAMES_KEPT);
}

/** Collects hosts one after the other; holds one group a kind. */
export class ClusterFold {
  readonly #groups = new Map<
    string,
    { kind: HostKind; count: number; names: string[]; glibc: Set<string> }
  >();

  /** False where there would be more than MOST_KINDS kinds; the host isn't added then. */
  add(kind: HostKind, key: string, name: string, glibcVersion?: string): boolean {
    const group = this.#groups.get(key);
    if (group === undefined) {
      if (this.#groups.size >= MOST_KINDS) return false;
      const glibc = new Set(glibcVersion === undefined ? [] : [glibcVersion]);
      this.#groups.set(key, { kind, count: 1, names: [name], glibc });
      return true;
    }
    group.count += 1;
    group.names.push(name);
    if (glibcVersion !== undefined) group.glibc.add(glibcVersion);
    // Sorted only now and then: the names of a large group arrive one by one.
    if (group.names.length > 4 * NAMES_KEPT) group.names = [...keepNames(group.names)];
    return true;
  }

  /** The cluster so far, kinds ordered by their first host's name. */
  finish(): Cluster {
    const groups = [...this.#groups].map(
      ([key, { kind, count, names, glibc }]) =>
        [key, { kind, count, names: keepNames(names), glibcVersions: [...glibc].sort() }] as const,
    );
    return new Map(groups.sort(byFirstName));
  }
}

function byFirstName(
  a: readonly [string, ClusterGroup],
  b: readonly [string, ClusterGroup],
): number {
  const [first, second] = [a[1].names[0] ?? '', b[1].names[0] ?? ''];
  if (first !== second) return first < second ? -1 : 1;
  return a[0] < b[0] ? -1 : 1;
}

export function clusterOf(hosts: readonly Capabilities[]): Cluster {
  const fold = new ClusterFold();
  for (const seen of hosts) {
    const kind = kindOf(seen);
    fold.add(kind, kindKey(kind), seen.name, seen.system.glibc?.version);
  }
  return fold.finish();
}

export function mergeClusters(clusters: readonly Cluster[]): Cluster {
  const merged = new Map<string, ClusterGroup>();
  for (const cluster of clusters)
    for (const [key, group] of cluster) {
      const before = merged.get(key);
      merged.set(
        key,
        before === undefined
          ? group
          : {
              kind: group.kind,
              count: before.count + group.count,
              names: keepNames([...before.names, ...group.names]),
              glibcVersions: [...new Set([...before.glibcVersions, ...group.glibcVersions])].sort(),
            },
      );
    }
  return new Map([...merged].sort(byFirstName));
}

export function countHosts(cluster: Cluster): number {
  return [...cluster.values()].reduce((sum, group) => sum + group.count, 0);
}
