/**
 * Every verdict is made here: a context is shown to all rules, a mode and --allow weigh what they find,
 * and the worst that is left is the verdict. Whoever asks (a check, a folder of images, a host that
 * joins a baseline, a launch under a mask) builds a context and gets the same findings for the same
 * facts. Pure.
 */
import { COMPONENTS, type ComponentRow, featureIndex, isFeatureName } from '../catalogue/index.js';
import type { CriuPrediction } from '../criu/predict.js';
import type { Capabilities } from '../model/capabilities.js';
import type { Context, SeenMask } from '../rules/context.js';
import { SEVERITIES } from '../rules/finding.js';
import { FINDING_CODES, type Finding, RULES, ruleOf } from '../rules/index.js';
import type { Mode } from '../rules/mode-names.js';
import { maskDifferences, seenThrough } from './seen-through.js';
import { judge, type Verdict } from './verdict.js';

export interface Report {
  readonly verdict: Verdict;
  /** A mode's name, or "criu:<cap>". */
  readonly mode: string;
  readonly from: Capabilities;
  readonly to: Capabilities;
  /** All of them, worst first. */
  readonly findings: readonly Finding[];
  /** Names given with --allow, and whether each took a finding out. */
  readonly allowed: readonly { readonly name: string; readonly used: boolean }[];
  /** Of hosts that may be one of several CPUs: what each pair came to; the report is of the worst. */
  readonly combinations?: readonly {
    readonly from: string;
    readonly to: string;
    readonly verdict: Verdict;
  }[];
  /** Name of the mask that the tasks were started under. */
  readonly mask?: string;
  /** In criu:<cap>: what CRIU will say, and what cpugate's own verdict is. */
  readonly criu?: { readonly prediction: CriuPrediction; readonly portable: Verdict };
}

export interface Weighing {
  readonly mode?: Mode;
  /** Features, components and codes whose findings the user takes on himself. */
  readonly allow?: readonly string[];
}

/** What a report is of. */
export type Sides = Pick<Context, 'from' | 'to' | 'mask' | 'isOneRecord'>;

function placeOf({ feature }: Finding): number {
  return feature !== undefined && isFeatureName(feature) ? featureIndex(feature) : -1;
}

function byWeight(a: Finding, b: Finding): number {
  return (
    SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) ||
    FINDING_CODES.indexOf(a.code) - FINDING_CODES.indexOf(b.code) ||
    placeOf(a) - placeOf(b)
  );
}

/** A feature's state goes with it: whoever allows mpx means its bounds registers too. */
function isNamedBy(name: string, finding: Finding): boolean {
  if ([finding.feature, finding.component, finding.code].includes(name)) return true;
  const component: ComponentRow | undefined = COMPONENTS.find(
    (row) => row.name === finding.component,
  );
  return isFeatureName(name) && component?.enabledBy.includes(name) === true;
}

function takeOut(finding: Finding, allow: readonly string[]): Finding {
  if (finding.severity === 'info' || !allow.some((name) => isNamedBy(name, finding)))
    return finding;
  return { ...finding, severity: 'info', allowedFrom: finding.severity };
}

/** Restored tasks stay under their mask: where the target's CPUs disagree, they see what all have. */
export function sidesUnder(source: Capabilities, to: Capabilities, mask?: SeenMask): Sides {
  if (mask === undefined) return { from: source, to };
  const differences = maskDifferences(to.differences, mask);
  return { from: seenThrough(source, mask), to: { ...to, differences }, mask };
}

/** All that the rules find, before a mode and --allow weigh it. */
export function findingsOf(context: Context): Finding[] {
  // Of a source that isn't known nothing can be compared: one finding says so, and not a hundred.
  const isUnknown = context.images !== undefined && context.images.source === undefined;
  const asked = isUnknown ? RULES.filter(({ reads }) => reads.includes('images')) : RULES;
  return asked.flatMap((rule) => rule.findings(context));
}

/** Mode and --allow, then the verdict. */
export function weigh(
  { from, to, mask }: Sides,
  found: readonly Finding[],
  { mode = 'portable', allow = [] }: Weighing = {},
): Report {
  const findings = found
    .map((finding) => {
      const severity = ruleOf(finding.code).severityIn(mode, finding);
      return takeOut({ ...finding, severity }, allow);
    })
    .sort(byWeight);
  const used = findings.filter((finding) => finding.allowedFrom !== undefined);
  return {
    verdict: judge(findings),
    mode,
    from,
    to,
    ...(mask === undefined ? {} : { mask: mask.name }),
    findings,
    allowed: allow.map((name) => ({
      name,
      used: used.some((finding) => isNamedBy(name, finding)),
    })),
  };
}

/** CRIU's answer decides, and every finding of ours is a note. */
export function weighForCriu(
  sides: Sides,
  ours: readonly Finding[],
  prediction: CriuPrediction,
  mode: `criu:${string}`,
): Report {
  const theirs = RULES.filter(({ reads }) => reads.includes('criu')).flatMap((rule) =>
    rule.findings({ ...sides, criu: prediction }),
  );
  const notes = ours.map((finding): Finding => ({ ...finding, severity: 'info' }));
  const report = weigh(sides, [...theirs, ...notes]);
  return { ...report, mode, criu: { prediction, portable: judge(ours) } };
}
