/** Features as texts for people call them. JSON has the canonical names alone. */
import { type FeatureName, isFeatureName } from '../catalogue/index.js';
import { KNOWN_AS } from '../catalogue/known-as.js';

/** "abm (lzcnt)", or the name alone where it is the one that people know. */
export function featureLabel(name: FeatureName): string {
  const known = KNOWN_AS[name];
  return known === undefined ? name : `${name} (${known})`;
}

/** The same for lists in which other things than features stand, too. */
export function labelOf(name: string): string {
  return isFeatureName(name) ? featureLabel(name) : name;
}
