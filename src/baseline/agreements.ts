/**
 * What no mask hides: hosts of one baseline may differ in their vendor, their cache lines and the width of
 * their addresses. Who makes a baseline of such hosts accepts it, and --require refuses it.
 */
import type { AgreementName } from './agreement-names.js';
import { type Cluster, type ClusterGroup, firstNames, hardwareGroups } from './cluster.js';
import type { HostKind } from './host-kind.js';

type Value = string | number;

interface AgreementRow {
  readonly name: AgreementName;
  /** The limit of a baseline whose hosts differ. */
  readonly code: string;
  readonly of: (kind: HostKind) => Value | undefined;
}

export const AGREEMENTS = [
  { name: 'one-vendor', code: 'vendor-differs', of: ({ vendor }) => vendor },
  {
    name: 'one-cache-line',
    code: 'cache-line-differs',
    of: ({ cacheLineBytes }) => cacheLineBytes,
  },
  {
    name: 'one-address-width',
    code: 'address-width-differs',
    of: ({ linearAddressBits }) => linearAddressBits,
  },
] as const satisfies readonly AgreementRow[];

export type DifferenceCode = (typeof AGREEMENTS)[number]['code'];

/** Hosts with one value, as JSON has it; null: it is unknown. */
export interface ValueHosts {
  readonly value: Value | null;
  readonly hosts: readonly string[];
  readonly count: number;
}

/** Names of hosts given with a value; `count` has them all. */
const NAMES_GIVEN = 20;

function byValue(a: Value | undefined, b: Value | undefined): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? 1 : -1;
  return `${a}` < `${b}` ? -1 : 1;
}

function groupsByValue(
  cluster: Cluster,
  of: AgreementRow['of'],
): [Value | undefined, readonly ClusterGroup[]][] {
  const found = new Map<Value | undefined, ClusterGroup[]>();
  for (const group of hardwareGroups(cluster)) {
    const value = of(group.kind);
    const groups = found.get(value);
    if (groups === undefined) found.set(value, [group]);
    else groups.push(group);
  }
  return [...found].sort(([a], [b]) => byValue(a, b));
}

/** All that hosts are known to have, ascending. */
export function knownValues<T extends Value>(
  cluster: Cluster,
  of: (kind: HostKind) => T | undefined,
): T[] {
  return groupsByValue(cluster, of).flatMap(([value]) => (value === undefined ? [] : [value as T]));
}

/** Which hosts have which value, where they aren't all known to have the same; else none. */
export function disagreement(cluster: Cluster, wanted: AgreementName): readonly ValueHosts[] {
  const { of } = AGREEMENTS.find(({ name }) => name === wanted) as AgreementRow;
  const values = groupsByValue(cluster, of).map(([value, groups]) => ({
    value: value ?? null,
    hosts: firstNames(groups, NAMES_GIVEN),
    count: groups.reduce((sum, { count }) => sum + count, 0),
  }));
  const [first] = values;
  const isSure = first === undefined || first.value !== null || first.count === 1;
  const isOfLevels = [...cluster.values()].every(({ kind }) => kind.onlyFeatures);
  return isOfLevels || (values.length < 2 && isSure) ? [] : values;
}
