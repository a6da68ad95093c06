/** What modes tell apart. */
import { featureRow } from '../catalogue/index.js';
import type { Found } from './finding.js';

export function isAboutInstructions({ feature }: Found): boolean {
  return feature !== undefined && featureRow(feature).class === 'isa';
}
