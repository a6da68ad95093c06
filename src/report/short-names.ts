/** Hosts are called by their files: the folders before a name are worth nothing where it is clear alone. */
import type { Baseline } from '../baseline/baseline.js';
import type { Cluster } from '../baseline/cluster.js';
import type { Dropped, DropReason } from '../baseline/drop-reasons.js';

export type Shortening = (name: string) => string;

function fileName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1) || path;
}

/** Files of one name in two folders keep their paths, as do names that it isn't made of. */
export function shorteningOf(names: Iterable<string>): Shortening {
  const paths = new Map<string, Set<string>>();
  for (const name of names) {
    const file = fileName(name);
    paths.set(file, (paths.get(file) ?? new Set()).add(name));
  }
  return (name) => {
    const file = fileName(name);
    const known = paths.get(file);
    return known?.size === 1 && known.has(name) ? file : name;
  };
}

function shortenReason(reason: DropReason, short: Shortening): DropReason {
  if (reason.kind === 'layout')
    return {
      ...reason,
      places: reason.places.map((place) => ({ ...place, hosts: place.hosts.map(short) })),
    };
  return 'hosts' in reason ? { ...reason, hosts: reason.hosts.map(short) } : reason;
}

export function shortenDropped(dropped: readonly Dropped[], short: Shortening): Dropped[] {
  return dropped.map(({ feature, because }) => ({
    feature,
    because: because.map((reason) => shortenReason(reason, short)),
  }));
}

export function shorteningOfCluster(cluster: Cluster): Shortening {
  return shorteningOf([...cluster.values()].flatMap(({ names }) => names));
}

function shortenCluster(cluster: Cluster, short: Shortening): Cluster {
  return new Map(
    [...cluster].map(([key, group]) => [key, { ...group, names: group.names.map(short) }]),
  );
}

/** The same baseline, its hosts called shortly, for people. */
export function nameShortly(baseline: Baseline, short?: Shortening): Baseline {
  const shorten = short ?? shorteningOfCluster(baseline.cluster);
  return {
    ...baseline,
    cluster: shortenCluster(baseline.cluster, shorten),
    dropped: shortenDropped(baseline.dropped, shorten),
  };
}
