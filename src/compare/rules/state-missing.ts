import { ABSENT, PRESENT, presenceInMask } from '../../model/xsave.js';
import type { Rule } from '../finding.js';

/**
 * A state component that the source OS enabled is off at the target: XRSTOR of an image whose
 * XSTATE_BV names it raises #GP, and CRIU drops the state without a word. Components of which one
 * side isn't known never get here: see data-missing.
 * Source: Intel SDM vol. 1, 13.3 and 13.8; CRIU criu/arch/x86/crtools.c, restore_fpu.
 */
export const stateMissing: Rule = (from, to) =>
  from.xsave.components
    .filter((component) => component.bit >= 2)
    .filter(
      ({ bit }) =>
        presenceInMask(from.xsave.enabled, bit) === PRESENT &&
        presenceInMask(to.xsave.enabled, bit) === ABSENT,
    )
    .map((component) => ({
      code: 'state-missing',
      severity: 'blocker',
      component: component.name,
      effect: `${component.name} state that a task has on ${from.name} can't be loaded on ${to.name}.`,
      remedy: 'launch-mask',
    }));
