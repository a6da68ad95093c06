/** How severe a finding can be in each mode, for people who look a code up. */
import { type Found, SEVERITIES, type Severity } from './finding.js';
import { type FindingCode, ruleOf } from './index.js';
import type { Mode } from './mode-names.js';

/** What modes tell apart: an instruction, other features, and all else. */
const SUBJECTS: readonly Omit<Found, 'severity'>[] = [
  { feature: 'avx2', facts: { kind: 'instructions' } },
  { feature: 'fsgsbase', facts: { kind: 'feature' } },
  { facts: { kind: 'number' } },
];

/** All that a finding can have in a mode, the worst first. */
export function severitiesIn(mode: Mode, code: FindingCode): readonly Severity[] {
  const rule = ruleOf(code);
  const possible = new Set(
    rule.severities.flatMap((severity) =>
      SUBJECTS.map((about) => rule.severityIn(mode, { severity, ...about })),
    ),
  );
  return SEVERITIES.filter((severity) => possible.has(severity));
}
