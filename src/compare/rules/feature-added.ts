import { ROWS } from '../../catalogue/index.js';
import { USER_VISIBLE } from '../../model/prerequisites.js';
import { ABSENT, PRESENT } from '../../model/xsave.js';
import type { Rule } from '../finding.js';

/**
 * The target shows more. Tasks that already run never ask again; those that start there will use
 * it, and can't go back without a mask.
 */
export const featureAdded: Rule = (from, to) =>
  ROWS.filter(
    (row) =>
      USER_VISIBLE.has(row.class) &&
      from.effective(row.name) === ABSENT &&
      to.effective(row.name) === PRESENT,
  ).map((row) => ({
    code: 'feature-added',
    severity: 'info',
    feature: row.name,
    effect: `Only ${to.name} has it: a task that starts there and uses it can't move back.`,
    remedy: 'launch-mask',
  }));
