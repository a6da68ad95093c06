/** What losing a feature means to a task that knew it. */
import type { FeatureRow } from '../catalogue/index.js';

/** The row's own word, else the class's: only instructions and state stop a task that counts on them. */
export function lossSeverity(row: FeatureRow): 'blocker' | 'risk' | 'info' {
  if (row.loss !== undefined) return row.loss.severity;
  return row.class === 'isa' || row.class === 'state' ? 'blocker' : 'info';
}
