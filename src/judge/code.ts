/**
 * May this code run where only that is shown? The rules about code, and no others: two hosts aren't compared.
 * Pure.
 */
import type { Capabilities } from '../model/capabilities.js';
import type { CodeEvidence } from '../model/code-audit.js';
import { RULES } from '../rules/index.js';
import { type Report, type Weighing, weigh } from './judge.js';

export function judgeCode(code: CodeEvidence, to: Capabilities, weighing: Weighing = {}): Report {
  const sides = { from: to, to };
  const asked = RULES.filter(({ reads }) => reads.includes('code'));
  return weigh(
    sides,
    asked.flatMap((rule) => rule.findings({ ...sides, code })),
    weighing,
  );
}
