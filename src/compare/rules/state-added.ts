import { ABSENT, presenceInMask } from '../../model/xsave.js';
import type { Rule } from '../finding.js';

/** A component that only the target enables: it stays in its initial state for restored tasks. */
export const stateAdded: Rule = (from, to) =>
  to.xsave.components
    .filter(({ bit }) => bit >= 2 && presenceInMask(from.xsave.enabled, bit) === ABSENT)
    .map((component) => ({
      code: 'state-added',
      severity: 'info',
      component: component.name,
      effect: `Only ${to.name} has ${component.name} state; restored tasks start with it empty.`,
      remedy: 'launch-mask',
    }));
