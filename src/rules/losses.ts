/** What the rules about features share: a feature that a task may count on and then lacks. */
import {
  type FeatureClass,
  type FeatureName,
  type FeatureRow,
  featureRow,
  ROWS,
} from '../catalogue/index.js';
import type { Capabilities } from '../model/capabilities.js';
import { explainAbsence } from '../model/explain-absence.js';
import { lossSeverity } from '../model/loss-severity.js';
import { ABSENT, PRESENT } from '../model/xsave.js';
import type { Context } from './context.js';
import type { Found, Remedy } from './finding.js';

type NamedRow = FeatureRow & { readonly name: FeatureName };

/** Why it is off, though the CPU has it; null: the CPU lacks it. */
export type LossFacts = { readonly title: string; readonly why: string | null };

function isLost(row: NamedRow, from: Capabilities, to: Capabilities): boolean {
  if (from.effective(row.name) !== PRESENT) return false;
  if (to.effective(row.name) === ABSENT) return true;
  if (typeof row.bit === 'number') return false;
  const [before, after] = [from.fieldValue(row.name), to.fieldValue(row.name)];
  return before !== undefined && after !== undefined && after < before;
}

/** One a lost feature of these classes. */
export function findLosses(
  classes: readonly FeatureClass[],
  { from, to }: Context,
): Found<LossFacts>[] {
  return ROWS.filter((row) => classes.includes(row.class) && isLost(row, from, to)).map((row) => ({
    severity: lossSeverity(row),
    feature: row.name,
    facts: { title: row.title, why: explainAbsence(to, row.name) ?? null },
  }));
}

type Fate = 'own' | 'hint' | 'silent' | 'sigill';

/** What becomes of a task that counts on the feature. */
function fateOf(row: FeatureRow): Fate {
  if (row.loss !== undefined) return 'own';
  if (row.class === 'hint') return 'hint';
  return row.silent ? 'silent' : 'sigill';
}

export function sentenceOfLoss({ feature, facts: { title, why } }: Found<LossFacts>): string {
  const row: FeatureRow = featureRow(feature as FeatureName);
  switch (fateOf(row)) {
    case 'own':
      return row.loss?.effect as string;
    case 'hint':
      return `${title}: only speed or details change.`;
    case 'silent':
      return `Silently wrong: ${row.reason ?? title}.`;
    case 'sigill':
      return `${title}: fails with SIGILL${why === null ? '' : ` (${why})`}.`;
  }
}

/** The text for several lost features; undefined: what follows is this one's own. */
export function lossTogether({ feature, facts: { why } }: Found<LossFacts>): string | undefined {
  if (fateOf(featureRow(feature as FeatureName)) !== 'sigill' || why !== null) return undefined;
  return 'Tasks that use these fail with SIGILL.';
}

export function remedyOfLoss({ severity }: Found): Remedy {
  return severity === 'info' ? 'none' : 'launch-mask';
}
