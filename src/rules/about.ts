/** What modes tell apart. */
import { featureRow, isFeatureName } from '../catalogue/index.js';
import type { Found } from './finding.js';

export function isAboutInstructions({ feature }: Found): boolean {
  return feature !== undefined && isFeatureName(feature) && featureRow(feature).class === 'isa';
}
