/** From findings to one word, and from the word to an exit status. */
import type { Severity } from '../rules/finding.js';

/** From good to bad. */
export const VERDICTS = ['compatible', 'at-risk', 'unknown', 'incompatible'] as const;
export type Verdict = (typeof VERDICTS)[number];

/** Missing data outranks a risk: it may hide a blocker. */
export function judge(findings: readonly { readonly severity: Severity }[]): Verdict {
  const has = (severity: Severity) => findings.some((f) => f.severity === severity);
  if (has('blocker')) return 'incompatible';
  if (has('unknown')) return 'unknown';
  return has('risk') ? 'at-risk' : 'compatible';
}

const EXIT_STATUS: Readonly<Record<Verdict, number>> = {
  compatible: 0,
  incompatible: 1,
  'at-risk': 3,
  unknown: 4,
};

/** Whether a verdict is bad enough to refuse; `failOn`: the mildest that is. */
export function refuses(verdict: Verdict, failOn: Verdict): boolean {
  return VERDICTS.indexOf(verdict) >= VERDICTS.indexOf(failOn);
}

/** 0 for every verdict that is better than `failOn`; 2 is left for wrong usage and failures. */
export function exitStatus(verdict: Verdict, failOn: Verdict = 'at-risk'): number {
  return refuses(verdict, failOn) ? EXIT_STATUS[verdict] : 0;
}
