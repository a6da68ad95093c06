import { type FeatureName, featureRow, ROWS } from '../catalogue/index.js';
import { lossSeverity } from '../model/loss-severity.js';
import { USER_VISIBLE } from '../model/prerequisites.js';
import { ABSENT, PRESENT } from '../model/xsave.js';
import { FOR_THE_WAY_BACK } from './advice.js';
import type { Found } from './finding.js';
import { rule } from './rule.js';

type Facts = {
  /** What moving back means: nothing that stops tasks, or all that it does is to forbid something. */
  readonly wayBack: 'blocked' | 'harmless' | 'restriction';
};

function wayBackOf(row: (typeof ROWS)[number]): Facts['wayBack'] {
  if (row.restriction !== undefined) return 'restriction';
  return lossSeverity(row) === 'info' ? 'harmless' : 'blocked';
}

/**
 * The target shows more. Tasks that already run never ask again; those that start there will use it, and
 * can't go back without a mask where its loss would stop them. A restriction is nothing to use.
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
    ).map(
      (row): Found<Facts> => ({
        severity: 'info',
        feature: row.name,
        facts: { wayBack: wayBackOf(row) },
      }),
    ),
  sentence: ({ feature, facts: { wayBack } }, { to }) => {
    if (wayBack === 'restriction')
      return `Only ${to} has this restriction: ${featureRow(feature as FeatureName).restriction}`;
    return wayBack === 'harmless'
      ? `Only ${to} has it; a task that starts there can move back all the same.`
      : `Only ${to} has it: a task that starts there and uses it can't move back.`;
  },
  together: ({ facts: { wayBack } }) =>
    ({
      restriction: undefined,
      harmless: 'Only the target has these; tasks that start there can move back all the same.',
      blocked: 'Only the target has these: tasks that start there and use them cannot move back.',
    })[wayBack],
  remedy: ({ facts: { wayBack } }) => (wayBack === 'blocked' ? 'launch-mask' : 'none'),
  modes: { strict: 'blocker' },
  severities: ['info'],
  when: 'only the target has a feature',
  meaning:
    "Tasks that run already don't ask again. One that starts at the target and uses it can't move back, where " +
    'its loss stops a task; a hint or a restriction keeps none from it.',
  advice: FOR_THE_WAY_BACK,
});
