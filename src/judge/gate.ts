/**
 * May the tasks in these images go on at this host? What a comparison of the hosts says, and what
 * only the images tell: registers that hold something now, handlers that are running, sizes that
 * glibc keeps. Pure: images and a host in, one report out.
 */
import { type Capabilities, type Described, described } from '../model/capabilities.js';
import type { ImageFolder, Repair } from '../model/image-folder.js';
import type { ImageEvidence } from '../rules/context.js';
import { maskBypassed } from '../rules/mask-bypassed.js';
import { type CompareOptions, weighIn } from './compare.js';
import { type DumpSource, findSource, type SourceKind } from './dump-source.js';
import { findingsOf, type Report, sidesUnder } from './judge.js';
import { planRepair, type RepairPlan } from './repair.js';
import { refuses, type Verdict } from './verdict.js';

export interface GateOptions extends CompareOptions {
  /** The CRIU that would restore ("3.17.1"); undefined: not known. */
  readonly criuVersion?: string;
  /** The user restores whatever is found; the report records it. */
  readonly force?: boolean;
  /** The restore makes larger what glibc keeps; the verdict is of the tasks as they are then. */
  readonly repair?: boolean;
  /** The mildest verdict that refuses; default: at-risk, as for a check. */
  readonly failOn?: Verdict;
  /** The host that the tasks were dumped on, by the user's word; a record is better. */
  readonly source?: Described;
}

export interface GateReport extends Report {
  readonly images: {
    readonly folder: string;
    readonly processes: number;
    readonly threads: number;
    /** Where the dump's CPU is known from. */
    readonly source: SourceKind;
    /** What the user named as it. */
    readonly told?: string;
    /** Name of the host of the dump, of a record or the user's word. */
    readonly dumpedOn?: string;
    /** Time of the dump, where a record tells it. */
    readonly taken?: string;
    readonly remarks: readonly string[];
  };
  /** What a restore can make larger, or has to; undefined: nothing that it could. */
  readonly repair?: {
    /** With it. */
    readonly verdict: Verdict;
    /** Whether it is asked for: the report is of the tasks after it then. */
    readonly isAsked: boolean;
    readonly repairs: readonly Repair[];
    /** Threads that stand where no size may change; another dump has none. */
    readonly between: readonly number[];
  };
  /** Whether a restore may go on: the verdict allows it, or the user forces it. */
  readonly permitted: boolean;
  /** Permitted only because the user forces it. */
  readonly forced: boolean;
}

function imagesOf(
  images: ImageFolder,
  { kind, remarks, dumpedOn }: DumpSource,
  told: Described | undefined,
): GateReport['images'] {
  const taken = images.record?.taken;
  return {
    folder: images.name,
    processes: images.processes.length,
    threads: images.processes.reduce((sum, { threads }) => sum + threads.length, 0),
    source: kind,
    ...(kind === 'told' && told !== undefined ? { told: told.host.name } : {}),
    ...(dumpedOn === undefined ? {} : { dumpedOn }),
    ...(taken === undefined ? {} : { taken }),
    remarks,
  };
}

function withoutEvidence({
  repairs,
  between,
}: RepairPlan): Pick<RepairPlan, 'repairs' | 'between'> {
  return { repairs, between };
}

/** A mask that some task got around is no proof of what they use. */
function trustedMask(evidence: ImageEvidence, from: Capabilities): ImageEvidence['mask'] {
  const isBypassed = maskBypassed.findings({ from, to: from, images: evidence }).length > 0;
  return isBypassed ? undefined : evidence.mask;
}

function evidenceOf(
  images: ImageFolder,
  options: GateOptions,
): { source: DumpSource; dumped: Described; evidence: ImageEvidence } {
  const alive = images.processes.filter(({ isAlive }) => isAlive);
  const source = findSource(images, alive, options.mask, options.source?.host);
  const dumped = described(source.host);
  return {
    source,
    dumped,
    evidence: {
      alive,
      source: source.kind === 'none' ? undefined : dumped.seen,
      told: source.kind === 'told' ? options.source?.seen : undefined,
      isFromMemory: source.kind === 'memory',
      gaps: images.gaps,
      mask: source.mask,
      criuVersion: options.criuVersion,
    },
  };
}

/** What the tasks were shown of the CPU before the dump; what nothing tells is unknown. */
export function shownInDump(images: ImageFolder): Capabilities {
  const { dumped, evidence } = evidenceOf(images, {});
  return sidesUnder(dumped.seen, dumped.seen, trustedMask(evidence, dumped.seen)).from;
}

export function gate(
  images: ImageFolder,
  target: Described,
  options: GateOptions = {},
): GateReport {
  const { source, dumped, evidence } = evidenceOf(images, options);
  const [from, to] = [dumped.seen, target.seen];
  const sides = sidesUnder(from, to, trustedMask(evidence, from));
  const judged = (images: ImageEvidence) =>
    weighIn(sides, findingsOf({ ...sides, images }), [dumped, target], options);
  const plan = planRepair(evidence, to);
  const repaired = plan && judged(plan.evidence);
  const { failOn = 'at-risk', force = false, repair: isAsked = false } = options;
  const report = isAsked && repaired !== undefined ? repaired : judged(evidence);
  const allows = !refuses(report.verdict, failOn);
  return {
    ...report,
    images: imagesOf(images, source, options.source),
    ...(plan === undefined || repaired === undefined
      ? {}
      : { repair: { verdict: repaired.verdict, isAsked, ...withoutEvidence(plan) } }),
    permitted: allows || force,
    forced: force && !allows,
  };
}
