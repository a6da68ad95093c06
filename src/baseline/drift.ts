/**
 * What has become of a cluster since its baseline was made: whether tasks under the baseline can still go
 * to each host as it is now, and what changed there. Hosts are found again by their names, of which a
 * baseline keeps some of each kind.
 */
import type { FeatureName } from '../catalogue/index.js';
import type { Report } from '../judge/judge.js';
import { VERDICTS, type Verdict } from '../judge/verdict.js';
import type { Capabilities } from '../model/capabilities.js';
import { byName } from '../model/natural-order.js';
import type { Baseline } from './baseline.js';
import { type Cluster, keptName } from './cluster.js';
import { type HostKind, kindKey, kindOf } from './host-kind.js';
import { judgeUnder } from './under-mask.js';

/** Numbers of a kind that can change, as people call them. */
export const CHANGING = {
  vendor: 'vendor',
  areaBytes: 'XSAVE area',
  compactedBytes: 'compacted XSAVE area',
  minSigStackBytes: 'signal frame',
  cacheLineBytes: 'cache line',
  linearAddressBits: 'linear address bits',
} as const satisfies Partial<Record<keyof HostKind, string>>;
export type Changing = keyof typeof CHANGING;

export interface KindChange {
  readonly lost: readonly FeatureName[];
  readonly gained: readonly FeatureName[];
  /** Known before. */
  readonly forgotten: readonly FeatureName[];
  readonly lostState: readonly string[];
  readonly gainedState: readonly string[];
  readonly numbers: readonly {
    readonly what: Changing;
    readonly before: number | string | undefined;
    readonly after: number | string | undefined;
  }[];
}

/**
 * - same: the kind that the host was.
 * - changed: the baseline has a host of its name, of another kind.
 * - known-kind: the baseline keeps no such name, but has hosts of its kind.
 * - new: neither; or hosts of several kinds had its name.
 */
export type Recognised = 'same' | 'changed' | 'known-kind' | 'new';

/** Hosts with the same past and the same answer. */
export interface DriftGroup {
  /** In natural order. */
  readonly hosts: readonly string[];
  readonly recognised: Recognised;
  /** Where it is 'changed'. */
  readonly change?: KindChange;
  readonly verdict: Verdict;
  /** Of the first of them, without what is harmless. */
  readonly findings: Report['findings'];
}

export interface Drift {
  /** The worst first. */
  readonly groups: readonly DriftGroup[];
  /** Hosts of the baseline, by the names that it keeps, that none of the records is of. */
  readonly missing: readonly string[];
  /** Of all hosts now. */
  readonly verdict: Verdict;
  readonly hosts: number;
}

function without<T>(all: readonly T[], those: readonly T[]): T[] {
  const set = new Set(those);
  return all.filter((one) => !set.has(one));
}

export function changeOf(before: HostKind, after: HostKind): KindChange {
  const state = (kind: HostKind) => kind.components.map(({ name }) => name);
  const numbers = (Object.keys(CHANGING) as Changing[])
    .map((what) => ({ what, before: before[what], after: after[what] }))
    .filter((one) => one.before !== one.after);
  return {
    lost: without(before.features, [...after.features, ...after.unknown]),
    gained: without(after.features, before.features),
    forgotten: without(after.unknown, before.unknown).filter((one) =>
      before.features.includes(one),
    ),
    lostState: without(state(before), state(after)),
    gainedState: without(state(after), state(before)),
    numbers,
  };
}

/** Each name's kinds. */
function kindsByName(cluster: Cluster): ReadonlyMap<string, ReadonlySet<string>> {
  const byName = new Map<string, Set<string>>();
  for (const [key, { names }] of cluster)
    for (const name of names) byName.set(name, (byName.get(name) ?? new Set()).add(key));
  return byName;
}

interface GrowingGroup extends Omit<DriftGroup, 'hosts'> {
  readonly hosts: string[];
}

/** Takes the hosts as they are now, one after the other. */
export class DriftFold {
  readonly #name: string;
  readonly #baseline: Baseline;
  readonly #before: ReadonlyMap<string, ReadonlySet<string>>;
  readonly #seen = new Set<string>();
  readonly #groups = new Map<string, GrowingGroup>();
  #hosts = 0;

  /** `name`: what reports call the baseline. */
  constructor(name: string, baseline: Baseline) {
    this.#name = name;
    this.#baseline = baseline;
    this.#before = kindsByName(baseline.cluster);
  }

  add(host: Capabilities): void {
    this.#hosts++;
    const name = keptName(host.name);
    this.#seen.add(name);
    const kind = kindOf(host);
    const past = this.#pastOf(name, kind);
    const { verdict, findings: all } = judgeUnder(this.#name, this.#baseline, host);
    const findings = all.filter(({ severity }) => severity !== 'info');
    // Sentences name the host; what they tell of it is the same for its like.
    const told = findings.map(({ effect: _, advice: __, ...facts }) => facts);
    const key = JSON.stringify([past, verdict, told], plain);
    const group = this.#groups.get(key);
    if (group === undefined) this.#groups.set(key, { hosts: [name], ...past, verdict, findings });
    else group.hosts.push(name);
  }

  finish(): Drift {
    const groups = [...this.#groups.values()].map((group) => ({
      ...group,
      hosts: group.hosts.sort(byName),
    }));
    const rank = ({ verdict }: DriftGroup) => VERDICTS.indexOf(verdict);
    groups.sort((a, b) => rank(b) - rank(a) || byName(a.hosts[0] ?? '', b.hosts[0] ?? ''));
    return {
      groups,
      missing: [...this.#before.keys()].filter((name) => !this.#seen.has(name)).sort(byName),
      verdict: groups[0]?.verdict ?? 'compatible',
      hosts: this.#hosts,
    };
  }

  #pastOf(name: string, kind: HostKind): Pick<DriftGroup, 'recognised' | 'change'> {
    const key = kindKey(kind);
    const { cluster } = this.#baseline;
    const before = this.#before.get(name);
    if (before?.has(key)) return { recognised: 'same' };
    const [only, another] = before ?? [];
    const was = only === undefined || another !== undefined ? undefined : cluster.get(only)?.kind;
    if (was !== undefined) return { recognised: 'changed', change: changeOf(was, kind) };
    return { recognised: cluster.has(key) ? 'known-kind' : 'new' };
  }
}

/** JSON has no large numbers; facts of findings do. */
function plain(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}n` : value;
}
