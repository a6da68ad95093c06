import { componentName } from '../catalogue/index.js';
import { STAY_WITH_STATE } from './advice.js';
import { nameThreads, threadsByComponent } from './processes.js';
import { rule } from './rule.js';

/**
 * XSTATE_BV names a component that the images have no content of: CRIU knows components up to PKRU and
 * user-mode CET, and drops AMX's tiles and APX's registers on every host.
 */
export const stateNotDumped = rule({
  code: 'state-not-dumped',
  reads: ['images'],
  find: ({ images }) =>
    [...threadsByComponent(images?.alive ?? [], 'lost')].map(([bit, threads]) => ({
      severity: 'blocker',
      component: componentName(bit),
      facts: { threads },
    })),
  sentence: ({ component, facts: { threads } }) =>
    `${component} state was in use by ${nameThreads(threads)}, and CRIU hasn't saved it: it would be empty ` +
    'after the restore, on any host.',
  remedy: 'stay',
  severities: ['blocker'],
  when: 'XSTATE_BV of a dumped thread names state of which the images have no content (AMX, APX)',
  meaning: 'CRIU has not saved it: it would be empty after the restore, on any host.',
  advice: STAY_WITH_STATE,
});
