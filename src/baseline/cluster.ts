/**
 * A cluster: kinds of hosts, how many of each, and the names of some. Adding and merging give the same
 * whatever the order, so a fleet can be folded in parts.
 */
import type { Capabilities } from '../model/capabilities.js';
import { InputError } from '../model/errors.js';
import { byName } from '../model/natural-order.js';
import { printable } from '../model/printable.js';
import { type HostKind, kindKey, kindOf } from './host-kind.js';
import { joinKernelBits, type KernelBits, kernelBitsOf, NO_KERNEL_BITS } from './kernel-bits.js';

/** Names kept of one kind; a fleet of a million must not keep a million. */
export const NAMES_KEPT = 20;
/** Characters kept of a name. */
export const NAME_LENGTH = 200;
/** A surrogate whose second half was cut off. */
const HALF_SIGN = /[\ud800-\udbff]$/;
/** C library versions kept of one kind. */
const VERSIONS_KEPT = 50;
const VERSION_LENGTH = 100;
/** More kinds than any fleet has, and a file of them can still be read. */
export const MOST_KINDS = 10_000;

export interface ClusterGroup {
  readonly kind: HostKind;
  readonly count: number;
  /** The first NAMES_KEPT in natural order. */
  readonly names: readonly string[];
  /** C library versions met on these hosts, sorted; what exports for glibc go by. */
  readonly glibcVersions: readonly string[];
  /** What these hosts show to kernels alone; what exports for virtual machines go by. */
  readonly kernel: KernelBits;
}

/** By kindKey. */
export type Cluster = ReadonlyMap<string, ClusterGroup>;

/**
 * Those whose vendor, sizes and layouts count: a level takes the other hosts'. Of levels alone, all: what
 * they leave open is unknown then.
 */
export function hardwareGroups(cluster: Cluster): readonly ClusterGroup[] {
  const groups = [...cluster.values()];
  const hardware = groups.filter(({ kind }) => !kind.onlyFeatures);
  return hardware.length === 0 ? groups : hardware;
}

/** The first texts in natural order, each once. Sorted only now and then: they come one by one. */
class FirstTexts {
  #texts = new Set<string>();
  /** Texts above this one are among those not kept. */
  #last: string | undefined;

  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  add(text: string): void {
    if (this.#last !== undefined && byName(text, this.#last) >= 0) return;
    this.#texts.add(text);
    if (this.#texts.size < 4 * this.#most) return;
    this.#texts = new Set(this.list());
    this.#last = [...this.#texts].at(-1);
  }

  list(): readonly string[] {
    return [...this.#texts].sort(byName).slice(0, this.#most);
  }
}

/** As it is shown, and as it is asked for: what comes from files may not steer a terminal. */
function shown(text: string, length: number): string {
  const name = printable(text);
  return name.length > length ? `${name.slice(0, length - 1).replace(HALF_SIGN, '')}…` : name;
}

/** What is kept of a host beside its kind; nothing is known where it isn't given. */
export interface BesideKind {
  readonly glibcVersion?: string | undefined;
  readonly kernel?: KernelBits;
}

export function besideKind(seen: Capabilities): BesideKind {
  return { glibcVersion: seen.system.glibc?.version, kernel: kernelBitsOf(seen) };
}

/** A host's name as a cluster keeps it. */
export function keptName(name: string): string {
  return shown(name, NAME_LENGTH);
}

interface GrowingGroup {
  readonly kind: HostKind;
  count: number;
  readonly names: FirstTexts;
  readonly glibc: FirstTexts;
  kernel: KernelBits;
}

export const TOO_MANY_KINDS = 'too-many-kinds';

export function tooManyKinds(): InputError {
  return new InputError(TOO_MANY_KINDS, `there are more than ${MOST_KINDS} kinds of hosts`, {
    remedy: 'Make a baseline for each part of the fleet; hosts so unlike have little in common.',
  });
}

/** Collects hosts one after the other; holds one group a kind. */
export class ClusterFold {
  readonly #groups = new Map<string, GrowingGroup>();
  #hosts = 0;

  get hosts(): number {
    return this.#hosts;
  }

  /** False where there would be more than MOST_KINDS kinds; the host isn't added then. */
  add(
    kind: HostKind,
    key: string,
    name: string,
    { glibcVersion, kernel = NO_KERNEL_BITS }: BesideKind = {},
  ): boolean {
    const group = this.#groupOf(kind, key, kernel);
    if (group === undefined) return false;
    group.count += 1;
    this.#hosts += 1;
    group.names.add(keptName(name));
    if (glibcVersion !== undefined) group.glibc.add(shown(glibcVersion, VERSION_LENGTH));
    return true;
  }

  /** A whole group, out of another cluster. False as for add. */
  addGroup(added: ClusterGroup, key: string): boolean {
    const group = this.#groupOf(added.kind, key, added.kernel);
    if (group === undefined) return false;
    group.count += added.count;
    this.#hosts += added.count;
    for (const name of added.names) group.names.add(keptName(name));
    for (const version of added.glibcVersions) group.glibc.add(shown(version, VERSION_LENGTH));
    return true;
  }

  /** The cluster so far, kinds ordered by their first host's name. */
  finish(): Cluster {
    const groups = [...this.#groups].map(
      ([key, { kind, count, names, glibc, kernel }]) =>
        [key, { kind, count, names: names.list(), glibcVersions: glibc.list(), kernel }] as const,
    );
    return new Map(groups.sort(byFirstName));
  }

  #groupOf(kind: HostKind, key: string, kernel: KernelBits): GrowingGroup | undefined {
    let group = this.#groups.get(key);
    if (group === undefined && this.#groups.size < MOST_KINDS) {
      group = {
        kind,
        count: 0,
        names: new FirstTexts(NAMES_KEPT),
        glibc: new FirstTexts(VERSIONS_KEPT),
        kernel,
      };
      this.#groups.set(key, group);
    }
    if (group !== undefined) group.kernel = joinKernelBits(group.kernel, kernel);
    return group;
  }
}

function byFirstName(
  a: readonly [string, ClusterGroup],
  b: readonly [string, ClusterGroup],
): number {
  return byName(a[1].names[0] ?? '', b[1].names[0] ?? '') || byName(a[0], b[0]);
}

export function clusterOf(hosts: readonly Capabilities[]): Cluster {
  const fold = new ClusterFold();
  for (const seen of hosts) {
    const kind = kindOf(seen);
    fold.add(kind, kindKey(kind), seen.name, besideKind(seen));
  }
  return fold.finish();
}

export function mergeClusters(clusters: readonly Cluster[]): Cluster {
  const fold = new ClusterFold();
  for (const cluster of clusters)
    for (const [key, group] of cluster) if (!fold.addGroup(group, key)) throw tooManyKinds();
  return fold.finish();
}

/** The first names of all that the groups have, in natural order. */
export function firstNames(groups: Iterable<ClusterGroup>, most: number): string[] {
  let first: string[] = [];
  let last: string | undefined;
  for (const { names } of groups)
    for (const name of names) {
      if (last !== undefined && byName(name, last) >= 0) continue;
      first.push(name);
      if (first.length < 4 * most) continue;
      first = first.sort(byName).slice(0, most);
      last = first.at(-1);
    }
  return first.sort(byName).slice(0, most);
}

export function countHosts(cluster: Cluster): number {
  return [...cluster.values()].reduce((sum, group) => sum + group.count, 0);
}
