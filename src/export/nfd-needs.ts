/** What a node must show to run tasks of a baseline, sorted by whether NFD can tell it. */
import type { Baseline } from '../baseline/baseline.js';
import { fingerprint } from '../baseline/fingerprint.js';
import { type FeatureName, featureRow, featuresOfLevel } from '../catalogue/index.js';
import { hasLabelByDefault, LABEL_PREFIX, levelFlag, nfdFlag } from '../catalogue/nfd-labels.js';
import { notExpressed, type Remark } from './remark.js';

export interface NfdNeeds {
  /** Flags that nodes have as labels by default. */
  readonly labelled: readonly string[];
  /** Flags that only rules see by default. */
  readonly unlabelled: readonly string[];
  /** The flag of the level of x86-64; absent for v1, which every node has. */
  readonly level: string | undefined;
  /** Those of the unlabelled ones that the level doesn't prove. */
  readonly unproven: readonly string[];
  /** Features without a flag. */
  readonly flagless: readonly FeatureName[];
}

/** Hints don't keep a task from running, so no node is turned away for one. */
export function nfdNeeds(baseline: Baseline): NfdNeeds {
  const needed = baseline.features.filter((name) => featureRow(name).class !== 'hint');
  const flags = needed.map(nfdFlag).filter((flag) => flag !== undefined);
  const unlabelled = flags.filter((flag) => !hasLabelByDefault(flag));
  const { level } = baseline;
  const proven = new Set(level === undefined ? [] : [...featuresOfLevel(level)].map(nfdFlag));
  return {
    labelled: flags.filter(hasLabelByDefault),
    unlabelled,
    level: level === undefined ? undefined : levelFlag(level),
    unproven: unlabelled.filter((flag) => !proven.has(flag)),
    flagless: needed.filter((name) => nfdFlag(name) === undefined),
  };
}

/** Short, and the same for the same features. */
export function baselineName(baseline: Baseline): string {
  return `cpugate-baseline-${fingerprint(baseline.features.join(' '))}`;
}

/** The label that the rule sets on nodes that have all of the baseline. */
export function baselineLabel(baseline: Baseline): string {
  return `${LABEL_PREFIX}${baselineName(baseline)}`;
}

/** What no label and no rule can say. */
export function nfdLimits({ flagless }: NfdNeeds): readonly Remark[] {
  const limits = [
    'Node Feature Discovery knows nothing of the XSAVE area: its size and layout must be checked with cpugate when a node joins.',
  ];
  if (flagless.length > 0)
    limits.unshift(`Node Feature Discovery has no flag for ${flagless.join(', ')}.`);
  return limits.map(notExpressed);
}
