/** Why a feature isn't effective on a host, in words. */
import { componentName, type FeatureName, featureRow, neededState } from '../catalogue/index.js';
import type { Capabilities } from './capabilities.js';
import { countingPrerequisites } from './prerequisites.js';
import { ABSENT, PRESENT, presenceInMask } from './xsave.js';

/**
 * Follows the first missing prerequisite down to its cause. Undefined: the bit itself is clear, and
 * there is nothing to explain.
 */
export function explainAbsence(host: Capabilities, name: FeatureName): string | undefined {
  if (host.hardware(name) !== PRESENT || host.effective(name) !== ABSENT) return undefined;
  const row = featureRow(name);
  const off = neededState(row).find((bit) => presenceInMask(host.xsave.enabled, bit) === ABSENT);
  if (off !== undefined)
    return `the CPU has it, but the OS keeps ${componentName(off)} off in XCR0`;
  const missing = countingPrerequisites(name).find((needed) => host.effective(needed) === ABSENT);
  if (missing !== undefined) {
    const deeper = explainAbsence(host, missing);
    return `the CPU has it, but ${missing}, which it needs, is missing${deeper ? ` (${deeper})` : ''}`;
  }
  return 'the CPU has it, but the kernel does not let tasks use it';
}
