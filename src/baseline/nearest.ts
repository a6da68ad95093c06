/** The named CPU model that a baseline is most like, and in what the two differ. */
import { type FeatureName, featureRow, ROWS } from '../catalogue/index.js';
import { MODEL_FEATURES } from '../generated/model-features.js';
import { PROFILE_INDEX } from '../generated/profile-index.js';
import type { Baseline } from './baseline.js';
import { VISIBLE } from './host-kind.js';

export interface NamedFeatures {
  readonly name: string;
  readonly title: string;
  readonly features: readonly FeatureName[];
}

export interface Nearest {
  readonly name: string;
  readonly title: string;
  /** What the baseline has beyond the model. */
  readonly plus: readonly FeatureName[];
  /** What the model has beyond the baseline. */
  readonly minus: readonly FeatureName[];
}

/** Hints come last: nothing appears or disappears with them. */
function distance({ plus, minus }: Nearest): readonly [number, number] {
  const all = [...plus, ...minus];
  const hints = all.filter((name) => featureRow(name).class === 'hint').length;
  return [all.length - hints, hints];
}

function compare(a: Nearest, b: Nearest): number {
  const [aFirst, aHints] = distance(a);
  const [bFirst, bHints] = distance(b);
  // Of two that are as far, the one with less to take away; then the name decides.
  return (
    aFirst - bFirst ||
    aHints - bHints ||
    a.minus.length - b.minus.length ||
    (a.name < b.name ? -1 : 1)
  );
}

/** Undefined where there is no model to choose from. */
export function findNearest(
  features: readonly FeatureName[],
  models: readonly NamedFeatures[],
): Nearest | undefined {
  const wanted = new Set(features);
  return models
    .map(({ name, title, features: listed }): Nearest => {
      const has = new Set(listed);
      return {
        name,
        title,
        plus: VISIBLE.filter((one) => wanted.has(one) && !has.has(one)),
        minus: VISIBLE.filter((one) => has.has(one) && !wanted.has(one)),
      };
    })
    .sort(compare)[0];
}

/** Among the models that come with the program, by the table that the build made of them. */
export function nearestModel({ features }: Baseline): Nearest | undefined {
  const models = Object.entries(MODEL_FEATURES).map(([name, places]) => ({
    name,
    title: PROFILE_INDEX[name]?.title ?? '',
    features: places.map((place) => (ROWS[place] as (typeof ROWS)[number]).name),
  }));
  return findNearest(features, models);
}
