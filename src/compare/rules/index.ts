/** All rules; the order doesn't matter, reports sort. */
import type { Rule } from '../finding.js';
import { addressWidth } from './address-width.js';
import { cacheLineDiffers } from './cache-line-differs.js';
import { cpusDiffer } from './cpus-differ.js';
import { dataMissing } from './data-missing.js';
import { featureAdded } from './feature-added.js';
import { hintMissing } from './hint-missing.js';
import { identityDiffers } from './identity-differs.js';
import { instructionMissing } from './instruction-missing.js';
import { kernelFeatureMissing } from './kernel-feature-missing.js';
import { signalFrameGrows } from './signal-frame-grows.js';
import { stateAdded } from './state-added.js';
import { stateLayout } from './state-layout.js';
import { stateMissing } from './state-missing.js';
import { stateNotEnabled } from './state-not-enabled.js';
import { unnamedFeatureMissing } from './unnamed-feature-missing.js';
import { vendorDiffers } from './vendor-differs.js';
import { xsaveAreaGrows } from './xsave-area-grows.js';
import { xsaveAreaShrinks } from './xsave-area-shrinks.js';

export const RULES: readonly Rule[] = [
  instructionMissing,
  stateMissing,
  xsaveAreaGrows,
  kernelFeatureMissing,
  stateLayout,
  signalFrameGrows,
  unnamedFeatureMissing,
  dataMissing,
  cpusDiffer,
  vendorDiffers,
  cacheLineDiffers,
  addressWidth,
  hintMissing,
  identityDiffers,
  stateNotEnabled,
  xsaveAreaShrinks,
  stateAdded,
  featureAdded,
];
