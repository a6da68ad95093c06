/** How a refused restore goes on all the same: the user knows what his tasks use, the gate doesn't. */
import type { GateReport } from '../../judge/gate.js';
import type { Verdict } from '../../judge/verdict.js';
import { wrap } from './wrap.js';

/** The mildest of --fail-on that lets a verdict pass. */
const PASSES: Readonly<Partial<Record<Verdict, string>>> = {
  'at-risk': '--fail-on unknown lets all risks pass',
  unknown: '--fail-on incompatible lets all pass but blockers',
};

/** Codes of all that would have to be accepted. */
export function codesAgainst({ findings }: Pick<GateReport, 'findings'>): string[] {
  return [
    ...new Set(findings.filter(({ severity }) => severity !== 'info').map(({ code }) => code)),
  ];
}

/**
 * One paragraph, with a line's end; empty where nothing that is accepted helps: a host that can't keep tasks
 * to their mask. `width`: of the terminal, in columns.
 */
export function waysOnText(
  report: Pick<GateReport, 'findings' | 'verdict'>,
  width: number,
): string {
  if (codesAgainst(report).includes('mask-unavailable')) return '';
  const passes = PASSES[report.verdict];
  const ways = [
    `--allow ${codesAgainst(report).join(',')} accepts what is found above and nothing else`,
    ...(passes === undefined ? [] : [passes]),
    '--force restores whatever is found',
  ];
  const text = `To go on at your own risk: ${ways.join('; ')}. restores.jsonl records which.`;
  return `${wrap(text, width, '  ').trimStart()}\n`;
}
