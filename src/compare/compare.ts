/**
 * May any task that was started on `from`, seeing all of it, be restored on `to`? Worst case over
 * what tasks may have asked their CPU and kept. Pure: two hosts in, one report out.
 */
import { COMPONENTS, type ComponentRow, featureIndex, isFeatureName } from '../catalogue/index.js';
import { type CriuPrediction, predictCriu } from '../criu/predict.js';
import { type Capabilities, describeHost } from '../model/capabilities.js';
import type { Host } from '../model/host.js';
import { FINDING_CODES, type Finding, SEVERITIES } from './finding.js';
import type { Mode } from './mode-names.js';
import { applyMode } from './modes.js';
import { RULES } from './rules/index.js';
import { maskDifferences, type SeenMask, seenThrough } from './seen-through.js';
import { judge, type Verdict } from './verdict.js';

export interface Report {
  readonly verdict: Verdict;
  /** A mode's name, or "criu:<cap>". */
  readonly mode: string;
  readonly from: Capabilities;
  readonly to: Capabilities;
  /** All of them, worst first. */
  readonly findings: readonly Finding[];
  /** Names given with --allow, and whether each took a blocker out. */
  readonly allowed: readonly { readonly name: string; readonly used: boolean }[];
  /** Name of the mask that the tasks were started under. */
  readonly mask?: string;
  /** In criu:<cap>: what CRIU will say, and what cpugate's own verdict is. */
  readonly criu?: { readonly prediction: CriuPrediction; readonly portable: Verdict };
}

export interface CompareOptions {
  readonly mode?: Mode | `criu:${string}`;
  /** Features and components whose blockers the user takes on himself. */
  readonly allow?: readonly string[];
  /** The tasks were started under it. CRIU knows of no mask: its answer is that without one. */
  readonly mask?: SeenMask;
}

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
  if (finding.feature === name || finding.component === name) return true;
  const component: ComponentRow | undefined = COMPONENTS.find(
    (row) => row.name === finding.component,
  );
  return isFeatureName(name) && component?.enabledBy.includes(name) === true;
}

function takeOut(finding: Finding, allow: readonly string[]): Finding {
  if (finding.severity !== 'blocker' || !allow.some((name) => isNamedBy(name, finding)))
    return finding;
  return { ...finding, severity: 'info', allowedFrom: 'blocker' };
}

function listed(what: string, names: readonly string[]): string {
  return names.length === 0 ? '' : ` ${what} ${names.join(' ')}.`;
}

function criuFinding(prediction: CriuPrediction): Finding {
  const common = { remedy: 'none' } as const;
  if (prediction.outcome === 'unknown')
    return {
      ...common,
      code: 'criu-unknown',
      severity: 'unknown',
      effect: `CRIU's answer can't be predicted without knowing ${prediction.missing.join(', ')}.`,
    };
  if (prediction.outcome === 'accepts')
    return { ...common, code: 'criu-accepts', severity: 'info', effect: 'CRIU accepts the image.' };
  return {
    ...common,
    code: 'criu-refuses',
    severity: 'blocker',
    effect:
      `CRIU refuses the image: "${prediction.reason}".` +
      `${listed('The target lacks', prediction.lacking)}${listed('Only the target has', prediction.added)}`,
  };
}

/** Restored tasks stay under their mask: where the target's CPUs disagree, they see what all have. */
function sidesOf(from: Host, to: Host, mask: SeenMask | undefined): [Capabilities, Capabilities] {
  const [source, target] = [describeHost(from), describeHost(to)];
  if (mask === undefined) return [source, target];
  const differences = maskDifferences(target.differences, mask);
  return [seenThrough(source, mask), { ...target, differences }];
}

export interface Contrast {
  readonly from: Capabilities;
  readonly to: Capabilities;
  readonly findings: readonly Finding[];
}

/** All differences, before a mode and --allow weigh them. */
export function contrastHosts(from: Host, to: Host, mask: SeenMask | undefined): Contrast {
  const [source, target] = sidesOf(from, to, mask);
  const findings = RULES.flatMap((rule) => rule(source, target));
  return { from: source, to: target, findings };
}

/** Mode and --allow, then the verdict. */
export function weighFindings(
  { from, to, findings: ours }: Contrast,
  { mode = 'portable', allow = [], mask }: CompareOptions,
): Report {
  const findings = ours
    .map((finding) => takeOut(applyMode(mode as Mode, finding), allow))
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
  { from, to, findings: ours }: Contrast,
  hosts: readonly [from: Host, to: Host],
  mode: `criu:${string}`,
  mask: SeenMask | undefined,
): Report {
  const prediction = predictCriu(...hosts, mode.slice('criu:'.length));
  const notes = ours.map((finding): Finding => ({ ...finding, severity: 'info' }));
  const findings = [criuFinding(prediction), ...notes].sort(byWeight);
  return {
    verdict: judge(findings),
    mode,
    from,
    to,
    ...(mask === undefined ? {} : { mask: mask.name }),
    findings,
    allowed: [],
    criu: { prediction, portable: judge(ours) },
  };
}

export function isCriuMode(mode: CompareOptions['mode']): mode is `criu:${string}` {
  return mode?.startsWith('criu:') === true;
}

export function compareHosts(from: Host, to: Host, options: CompareOptions = {}): Report {
  const { mode, mask } = options;
  const contrast = contrastHosts(from, to, mask);
  return isCriuMode(mode)
    ? weighForCriu(contrast, [from, to], mode, mask)
    : weighFindings(contrast, options);
}
