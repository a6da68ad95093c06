/** Why a feature isn't in a baseline, down to hosts and prerequisites; and what was required of it. */
import { type FeatureName, LEVELS, type LevelName } from '../catalogue/index.js';
import { type AgreementName, isAgreement } from './agreement-names.js';
import { disagreement, type ValueHosts } from './agreements.js';
import { type Baseline, countHosts, hasFeature, tallyOf } from './baseline.js';
import { type Dropped, type DropReason, dropReasons } from './drop-reasons.js';

export interface Why {
  readonly feature: FeatureName;
  /** In the baseline: there is nothing to explain then. */
  readonly kept: boolean;
  /** Hosts that have it, of how many. */
  readonly having: number;
  readonly hosts: number;
  readonly because: readonly DropReason[];
  /** The prerequisites among the reasons, explained; one that was explained before isn't again. */
  readonly prerequisites: readonly Why[];
}

/** All reasons; also for a feature that no host has. Not empty unless the feature is kept. */
export function whyNot(baseline: Baseline, feature: FeatureName): readonly DropReason[] {
  if (baseline.features.includes(feature)) return [];
  const { cluster, options } = baseline;
  const tally = tallyOf(cluster);
  return dropReasons(feature, [...cluster.values()], tally, tally.kept(options), options);
}

export function explainDrop(
  baseline: Baseline,
  feature: FeatureName,
  explained: Set<FeatureName> = new Set(),
): Why {
  explained.add(feature);
  const because = whyNot(baseline, feature);
  const deeper = because.flatMap((reason) =>
    reason.kind === 'prerequisite' ? [reason.feature] : [],
  );
  const having = [...baseline.cluster.values()].filter(({ kind }) => hasFeature(kind, feature));
  return {
    feature,
    kept: baseline.features.includes(feature),
    having: having.reduce((sum, { count }) => sum + count, 0),
    hosts: countHosts(baseline.cluster),
    because,
    prerequisites: deeper.flatMap((needed) =>
      explained.has(needed) ? [] : [explainDrop(baseline, needed, explained)],
    ),
  };
}

export interface Requirement {
  /** A level, a feature, or what all hosts shall have alike. */
  readonly name: string;
  readonly met: boolean;
  readonly missing: readonly Dropped[];
  /** What hosts have instead of one and the same. */
  readonly values?: readonly ValueHosts[];
}

/** The features of a level and of those below it. */
export function featuresOfLevel(level: LevelName): FeatureName[] {
  const last = LEVELS.findIndex((one) => one.name === level);
  return LEVELS.slice(0, last + 1).flatMap((one): readonly FeatureName[] => one.features);
}

export function checkRequirement(
  baseline: Baseline,
  name: LevelName | FeatureName | AgreementName,
): Requirement {
  if (isAgreement(name)) {
    const values = disagreement(baseline.cluster, name);
    return { name, met: values.length === 0, missing: [], values };
  }
  const level = LEVELS.find((one) => one.name === name);
  const wanted = level === undefined ? [name as FeatureName] : featuresOfLevel(level.name);
  const kept = new Set(baseline.features);
  const missing = wanted
    .filter((feature) => !kept.has(feature))
    .map((feature) => ({ feature, because: whyNot(baseline, feature) }));
  return { name, met: missing.length === 0, missing };
}
