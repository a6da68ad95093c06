/**
 * All rules, in the order in which reports list their findings. What else is known of a finding's code
 * follows from its rule: modes, advice, what "explain CODE" says, what "matrix" has to look at.
 */
import { addressWidth } from './address-width.js';
import { bindingInFlight } from './binding-in-flight.js';
import { cacheLineDiffers } from './cache-line-differs.js';
import { codeChooses } from './code-chooses.js';
import { codeChosen } from './code-chosen.js';
import { codeNeeds } from './code-needs.js';
import { codeUnclear } from './code-unclear.js';
import { codeUnread } from './code-unread.js';
import { compactedAreaGrows } from './compacted-area-grows.js';
import { cpusDiffer } from './cpus-differ.js';
import { criuAccepts, criuRefuses, criuUnknown } from './criu-answers.js';
import { criuTooOld } from './criu-too-old.js';
import { dataMissing } from './data-missing.js';
import { familyAssumed } from './family-assumed.js';
import { featureAdded } from './feature-added.js';
import type { FindingOf } from './finding.js';
import { highestLeaf } from './highest-leaf.js';
import { hintMissing } from './hint-missing.js';
import { identityDiffers } from './identity-differs.js';
import { imagesIncomplete } from './images-incomplete.js';
import { instructionMissing } from './instruction-missing.js';
import { kernelFeatureMissing } from './kernel-feature-missing.js';
import {
  machineDataMissing,
  machineFeatureMissing,
  machineNotCompared,
  machineVendorDiffers,
} from './machine-moves.js';
import { maskBypassed } from './mask-bypassed.js';
import { maskUnavailable } from './mask-unavailable.js';
import { permissionLost } from './permission-lost.js';
import type { Rule } from './rule.js';
import { signalFrameGrows } from './signal-frame-grows.js';
import { signalFrameLayout } from './signal-frame-layout.js';
import { sourceContradicted } from './source-contradicted.js';
import { sourceUnknown } from './source-unknown.js';
import { splitLock } from './split-lock.js';
import { stackTaken } from './stack-taken.js';
import { stateAdded } from './state-added.js';
import { stateInUse } from './state-in-use.js';
import { stateLayout } from './state-layout.js';
import { stateMissing } from './state-missing.js';
import { stateNotDumped } from './state-not-dumped.js';
import { stateNotEnabled } from './state-not-enabled.js';
import { tileGeometry } from './tile-geometry.js';
import { tscRateDiffers } from './tsc-rate-differs.js';
import { unnamedFeatureMissing } from './unnamed-feature-missing.js';
import { vendorDiffers } from './vendor-differs.js';
import { xsaveAreaGrows } from './xsave-area-grows.js';
import { xsaveAreaShrinks } from './xsave-area-shrinks.js';

const LIST = [
  criuRefuses,
  criuUnknown,
  criuAccepts,
  machineFeatureMissing,
  machineVendorDiffers,
  machineDataMissing,
  machineNotCompared,
  sourceUnknown,
  sourceContradicted,
  imagesIncomplete,
  criuTooOld,
  stateInUse,
  stateNotDumped,
  maskBypassed,
  maskUnavailable,
  codeNeeds,
  codeChosen,
  codeUnclear,
  codeUnread,
  instructionMissing,
  stateMissing,
  xsaveAreaGrows,
  compactedAreaGrows,
  kernelFeatureMissing,
  stateLayout,
  tileGeometry,
  signalFrameLayout,
  bindingInFlight,
  signalFrameGrows,
  stackTaken,
  permissionLost,
  unnamedFeatureMissing,
  dataMissing,
  cpusDiffer,
  familyAssumed,
  vendorDiffers,
  cacheLineDiffers,
  addressWidth,
  hintMissing,
  identityDiffers,
  tscRateDiffers,
  highestLeaf,
  splitLock,
  stateNotEnabled,
  xsaveAreaShrinks,
  stateAdded,
  featureAdded,
  codeChooses,
] as const;

export type FindingCode = (typeof LIST)[number]['code'];
export type Finding = FindingOf<FindingCode>;
export type FindingRule = Rule<FindingCode>;

export const RULES: readonly FindingRule[] = LIST;
export const FINDING_CODES: readonly FindingCode[] = LIST.map(({ code }) => code);

const BY_CODE: ReadonlyMap<string, FindingRule> = new Map(LIST.map((one) => [one.code, one]));

export function isFindingCode(text: string): text is FindingCode {
  return BY_CODE.has(text);
}

export function ruleOf(code: FindingCode): FindingRule {
  return BY_CODE.get(code) as FindingRule;
}
