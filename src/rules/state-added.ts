import { isLegacyState } from '../catalogue/index.js';
import { ABSENT, presenceInMask } from '../model/xsave.js';
import { FOR_THE_WAY_BACK } from './advice.js';
import { rule } from './rule.js';

/** A component that only the target enables: it stays in its initial state for restored tasks. */
export const stateAdded = rule({
  code: 'state-added',
  reads: ['component'],
  find: ({ from, to }) =>
    to.xsave.components
      .filter(
        ({ bit }) => !isLegacyState(bit) && presenceInMask(from.xsave.enabled, bit) === ABSENT,
      )
      .map(({ name }) => ({ severity: 'info', component: name, facts: {} })),
  sentence: ({ component }, { to }) =>
    `Only ${to} has ${component} state; restored tasks start with it empty.`,
  together: () => 'Only the target has this state; restored tasks start with it empty.',
  remedy: 'launch-mask',
  modes: { strict: 'blocker' },
  severities: ['info'],
  when: 'only the target enables a state component',
  meaning: 'Restored tasks start with it empty. Tasks that start there may use it.',
  advice: FOR_THE_WAY_BACK,
});
