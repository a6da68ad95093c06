/** What the rules about features share: a feature that a task may count on and then lacks. */
import {
  type FeatureClass,
  type FeatureName,
  type FeatureRow,
  featureRow,
  ROWS,
} from '../catalogue/index.js';
import { KERNEL_FEATURES, kernelFeature } from '../catalogue/synthetic-flags.js';
import type { Capabilities } from '../model/capabilities.js';
import { explainAbsence } from '../model/explain-absence.js';
import { lossOf, lossSeverity } from '../model/loss-severity.js';
import { ABSENT, PRESENT } from '../model/xsave.js';
import type { Context } from './context.js';
import type { Found, Remedy } from './finding.js';

type NamedRow = FeatureRow & { readonly name: FeatureName };

export type LossFacts = {
  readonly title: string;
  /** Why it is off, though the CPU has it; null: the CPU lacks it. */
  readonly why: string | null;
  /** The other feature of the target by which the loss means something else. */
  readonly beside: string | null;
};

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
    severity: lossSeverity(row, to),
    feature: row.name,
    facts: {
      title: row.title,
      why: explainAbsence(to, row.name) ?? null,
      beside: lossOf(row, to) === row.lossBeside ? (row.lossBeside?.feature ?? null) : null,
    },
  }));
}

/** The same for what the kernel alone gives. */
export function findKernelLosses({ from, to }: Context): Found<LossFacts>[] {
  return KERNEL_FEATURES.filter(
    ({ name }) => from.kernelFact(name) === PRESENT && to.kernelFact(name) === ABSENT,
  ).map(({ name, note, loss }) => ({
    severity: loss.severity,
    feature: name,
    facts: { title: note, why: null, beside: null },
  }));
}

type Fate = { readonly own: string } | 'hint' | 'silent' | 'sigill';

/** What becomes of a task that counts on the feature. */
function fateOf({ feature, facts: { beside } }: Found<LossFacts>): Fate {
  const kernel = kernelFeature(feature ?? '');
  if (kernel !== undefined) return { own: kernel.loss.effect };
  const row: FeatureRow = featureRow(feature as FeatureName);
  const loss = beside === null ? row.loss : row.lossBeside;
  if (loss !== undefined) return { own: loss.effect };
  if (row.class === 'hint') return 'hint';
  return row.silent ? 'silent' : 'sigill';
}

export function sentenceOfLoss(found: Found<LossFacts>): string {
  const { title, why } = found.facts;
  const fate = fateOf(found);
  switch (fate) {
    case 'hint':
      return `${title}: only speed or details change.`;
    case 'silent':
      return `Silently wrong: ${featureRow(found.feature as FeatureName).reason ?? title}.`;
    case 'sigill':
      return `${title}: fails with SIGILL${why === null ? '' : ` (${why})`}.`;
    default:
      return fate.own;
  }
}

/** The text for several lost features; undefined: what follows is this one's own. */
export function lossTogether(found: Found<LossFacts>): string | undefined {
  if (fateOf(found) !== 'sigill' || found.facts.why !== null) return undefined;
  return 'Tasks that use these fail with SIGILL.';
}

export function remedyOfLoss({ severity }: Found): Remedy {
  return severity === 'info' ? 'none' : 'launch-mask';
}
