import { ROWS } from '../catalogue/index.js';
import { USER_VISIBLE } from '../model/prerequisites.js';
import { ABSENT, PRESENT } from '../model/xsave.js';
import { FOR_THE_WAY_BACK } from './advice.js';
import { rule } from './rule.js';

/**
 * The target shows more. Tasks that already run never ask again; those that start there will use
 * it, and can't go back without a mask.
 */
export const featureAdded = rule({
  code: 'feature-added',
  reads: ['features'],
  find: ({ from, to }) =>
    ROWS.filter(
      (row) =>
        USER_VISIBLE.has(row.class) &&
        from.effective(row.name) === ABSENT &&
        to.effective(row.name) === PRESENT,
    ).map((row) => ({ severity: 'info', feature: row.name, facts: {} })),
  sentence: (_, { to }) =>
    `Only ${to} has it: a task that starts there and uses it can't move back.`,
  together: () =>
    'Only the target has these: tasks that start there and use them cannot move back.',
  remedy: 'launch-mask',
  modes: { strict: 'blocker' },
  severities: ['info'],
  when: 'only the target has a feature',
  meaning:
    "Tasks that run already don't ask again. One that starts at the target and uses it can't move back.",
  advice: FOR_THE_WAY_BACK,
});
