import { componentName } from '../../catalogue/index.js';
import { type GateRule, nameThreads } from '../rule.js';
import { threadsByComponent } from './state-in-use.js';

/**
 * XSTATE_BV names a component that the images have no content of: CRIU knows components up to PKRU and
 * user-mode CET, and drops AMX's tiles and APX's registers on every host.
 */
export const stateNotDumped: GateRule = (asked) =>
  [...threadsByComponent(asked, 'lost')].map(([bit, tids]) => ({
    code: 'state-not-dumped',
    severity: 'blocker',
    component: componentName(bit),
    effect:
      `${componentName(bit)} state was in use by ${nameThreads(tids)}, and CRIU hasn't saved it: ` +
      'it would be empty after the restore, on any host.',
    remedy: 'launch-mask',
  }));
