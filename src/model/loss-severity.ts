/** What losing a feature means to a task that knew it. */
import type { FeatureName, FeatureRow, Loss } from '../catalogue/index.js';
import { PRESENT, type Presence } from './xsave.js';

/** A target, as far as a loss depends on it. */
interface Target {
  hardware(feature: FeatureName): Presence;
}

/** The row's own word on a loss, by what the target has in its place; undefined: the class says it. */
export function lossOf(row: FeatureRow, to?: Target): Loss | undefined {
  const { lossBeside } = row;
  if (lossBeside !== undefined && to?.hardware(lossBeside.feature as FeatureName) === PRESENT)
    return lossBeside;
  return row.loss;
}

/** The row's own word, else the class's: only instructions and state stop a task that counts on them. */
export function lossSeverity(row: FeatureRow, to?: Target): Loss['severity'] {
  const loss = lossOf(row, to);
  if (loss !== undefined) return loss.severity;
  return row.class === 'isa' || row.class === 'state' ? 'blocker' : 'info';
}
