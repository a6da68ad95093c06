/** What the three rules about features share: a feature that a task may count on and then lacks. */
import {
  type FeatureClass,
  type FeatureName,
  type FeatureRow,
  ROWS,
} from '../../catalogue/index.js';
import type { Capabilities } from '../../model/capabilities.js';
import { explainAbsence } from '../../model/explain-absence.js';
import { lossSeverity } from '../../model/loss-severity.js';
import { ABSENT, PRESENT } from '../../model/xsave.js';
import type { Finding, FindingCode } from '../finding.js';

type NamedRow = FeatureRow & { readonly name: FeatureName };

function isLost(row: NamedRow, from: Capabilities, to: Capabilities): boolean {
  if (from.effective(row.name) !== PRESENT) return false;
  if (to.effective(row.name) === ABSENT) return true;
  if (typeof row.bit === 'number') return false;
  const [before, after] = [from.fieldValue(row.name), to.fieldValue(row.name)];
  return before !== undefined && after !== undefined && after < before;
}

function effectOfLoss(row: NamedRow, to: Capabilities): string {
  if (row.loss !== undefined) return row.loss.effect;
  if (row.class === 'hint') return `${row.title}: only speed or details change.`;
  if (row.silent) return `Silently wrong: ${row.reason ?? row.title}.`;
  const why = explainAbsence(to, row.name);
  return `${row.title}: fails with SIGILL${why === undefined ? '' : ` (${why})`}.`;
}

/** One finding a lost feature of these classes. */
export function findLosses(
  code: FindingCode,
  classes: readonly FeatureClass[],
  from: Capabilities,
  to: Capabilities,
): Finding[] {
  return ROWS.filter((row) => classes.includes(row.class) && isLost(row, from, to)).map((row) => {
    const severity = lossSeverity(row);
    return {
      code,
      severity,
      feature: row.name,
      effect: effectOfLoss(row, to),
      remedy: severity === 'info' ? 'none' : 'launch-mask',
    };
  });
}
