/** Why a feature that some host has isn't in a baseline: all reasons, not the first. */
import { componentName, type FeatureName, featureIndex, featureRow } from '../catalogue/index.js';
import { countingPrerequisites } from '../model/prerequisites.js';
import { ABSENT, type StateComponent, UNKNOWN } from '../model/xsave.js';
import { type ClusterGroup, firstNames } from './cluster.js';
import { presenceOf } from './host-kind.js';
import { type ClosureOptions, isPlaceless, type Tally } from './tally.js';

/** Names of hosts given with a reason; `count` has them all. */
const NAMES_GIVEN = 20;

interface HostsOf {
  readonly hosts: readonly string[];
  readonly count: number;
}

/** As it stands in files. */
export interface LayoutPlace extends HostsOf {
  readonly size: number;
  readonly offset: number;
  readonly aligned: boolean | null;
}

/**
 * - lacking, unknown: hosts that don't have it, or whose source doesn't tell.
 * - prerequisite: a feature that it needs, which has reasons of its own.
 * - layout: a state component that it needs lies elsewhere on some hosts.
 * - layout-unknown: hosts don't tell where such a component lies.
 * - asked: the user wanted it hidden.
 */
export type DropReason =
  | ({ readonly kind: 'lacking' } & HostsOf)
  | ({ readonly kind: 'unknown' } & HostsOf)
  | { readonly kind: 'prerequisite'; readonly feature: FeatureName }
  | {
      readonly kind: 'layout';
      readonly component: string;
      readonly places: readonly LayoutPlace[];
    }
  | ({ readonly kind: 'layout-unknown'; readonly component: string } & HostsOf)
  | { readonly kind: 'asked' };

export interface Dropped {
  readonly feature: FeatureName;
  readonly because: readonly DropReason[];
}

function hostsOf(groups: readonly ClusterGroup[]): HostsOf {
  const count = groups.reduce((sum, group) => sum + group.count, 0);
  return { hosts: firstNames(groups, NAMES_GIVEN), count };
}

function layoutReason(
  bit: number,
  groups: readonly ClusterGroup[],
  tally: Tally,
): DropReason | undefined {
  const layout = tally.layout(bit);
  if (layout === 'alike') return undefined;
  const component = componentName(bit);
  const found = groups.flatMap((group) => {
    if (group.kind.onlyFeatures) return [];
    const place = group.kind.components.find((one) => one.bit === bit);
    return place === undefined ? [] : [{ group, place }];
  });
  if (layout === 'untold') {
    const silent = found.filter(({ place }) => isPlaceless(place)).map(({ group }) => group);
    return { kind: 'layout-unknown', component, ...hostsOf(silent) };
  }
  const byPlace = new Map<string, { place: StateComponent; groups: ClusterGroup[] }>();
  for (const { group, place } of found) {
    if (isPlaceless(place)) continue;
    const text = `${place.size}@${place.offset} ${place.aligned}`;
    const at = byPlace.get(text) ?? { place, groups: [] };
    at.groups.push(group);
    byPlace.set(text, at);
  }
  const places = [...byPlace.values()].map(({ place, groups: members }) => ({
    size: place.size ?? 0,
    offset: place.offset ?? 0,
    aligned: place.aligned ?? null,
    ...hostsOf(members),
  }));
  return { kind: 'layout', component, places };
}

export function dropReasons(
  feature: FeatureName,
  groups: readonly ClusterGroup[],
  tally: Tally,
  kept: Uint8Array,
  { without = [], keepLayoutConflicts = false }: ClosureOptions,
): DropReason[] {
  const index = featureIndex(feature);
  const reasons: DropReason[] = [];
  if (tally.isLackedBySome(feature)) {
    const lacking = groups.filter(({ kind }) => presenceOf(kind)[index] === ABSENT);
    reasons.push({ kind: 'lacking', ...hostsOf(lacking) });
  }
  if (tally.isUntoldBySome(feature)) {
    const silent = groups.filter(({ kind }) => presenceOf(kind)[index] === UNKNOWN);
    reasons.push({ kind: 'unknown', ...hostsOf(silent) });
  }
  if (without.includes(feature)) reasons.push({ kind: 'asked' });
  for (const needed of countingPrerequisites(feature))
    if (kept[featureIndex(needed)] === 0) reasons.push({ kind: 'prerequisite', feature: needed });
  if (!keepLayoutConflicts)
    for (const bit of featureRow(feature).components ?? []) {
      const reason = layoutReason(bit, groups, tally);
      if (reason !== undefined) reasons.push(reason);
    }
  return reasons;
}
