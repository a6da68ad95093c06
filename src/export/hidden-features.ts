/** What a setting has to switch off: features that a host may have and that the baseline hides. */
import type { Baseline } from '../baseline/baseline.js';
import { presenceOf, VISIBLE } from '../baseline/host-kind.js';
import { EVERY_64_BIT_CPU, type FeatureName, featureIndex } from '../catalogue/index.js';
import { ABSENT } from '../model/xsave.js';

/** Whether a host has the feature, or doesn't tell. */
export function mayBeSomewhere(baseline: Baseline, name: FeatureName): boolean {
  const index = featureIndex(name);
  for (const { kind } of baseline.cluster.values())
    if (presenceOf(kind)[index] !== ABSENT) return true;
  return false;
}

function missing(baseline: Baseline): readonly FeatureName[] {
  const kept = new Set(baseline.features);
  return VISIBLE.filter((name) => !kept.has(name) && mayBeSomewhere(baseline, name));
}

/** In the catalogue's order; never what every 64-bit CPU has. */
export function hiddenFeatures(baseline: Baseline): readonly FeatureName[] {
  return missing(baseline).filter((name) => !EVERY_64_BIT_CPU.includes(name));
}

/** What the baseline lacks, for a host's record lacks it, and is never hidden. */
export function neverHidden(baseline: Baseline): readonly FeatureName[] {
  return missing(baseline).filter((name) => EVERY_64_BIT_CPU.includes(name));
}
