/** Which edges of the catalogue decide, by the table that the build made of it. */
import { type FeatureName, featureIndex, featureRow, ROWS } from '../catalogue/index.js';
import { CLOSURE, EDGES } from '../generated/prerequisites.js';
import { USER_VISIBLE } from './derive-prerequisites.js';

export { USER_VISIBLE } from './derive-prerequisites.js';

export function isUserVisible(name: FeatureName): boolean {
  return USER_VISIBLE.has(featureRow(name).class);
}

/** CLOSURE_ORDER and, for every feature, what it can't do without, as places in ROWS. */
export const CLOSURE_PLACES: readonly number[] = CLOSURE;
export const EDGE_PLACES: readonly (readonly number[])[] = EDGES;

function nameAt(place: number): FeatureName {
  return (ROWS[place] as (typeof ROWS)[number]).name;
}

/** What a feature can't do without. */
export function countingPrerequisites(name: FeatureName): FeatureName[] {
  return (EDGES[featureIndex(name)] ?? []).map(nameAt);
}

/** Features in an order in which prerequisites come before what needs them. */
export const CLOSURE_ORDER: readonly FeatureName[] = CLOSURE.map(nameAt);
