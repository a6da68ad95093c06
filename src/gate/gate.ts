/**
 * May the tasks in these images go on at this host? What a comparison of the hosts says, and what
 * only the images tell: registers that hold something now, handlers that are running, sizes that
 * glibc keeps. Pure: images and a host in, one report out.
 */
import {
  type CompareOptions,
  type Contrast,
  contrastHosts,
  isCriuMode,
  type Report,
  weighFindings,
  weighForCriu,
} from '../compare/compare.js';
import { VERDICTS, type Verdict } from '../compare/verdict.js';
import { describeHost } from '../model/capabilities.js';
import type { Host } from '../model/host.js';
import type { ImageFolder } from '../model/image-folder.js';
import { refineAreaGrowth } from './lazy-binding.js';
import type { GateCase, GateRule } from './rule.js';
import { criuTooOld } from './rules/criu-too-old.js';
import { maskBypassed } from './rules/mask-bypassed.js';
import { permissionLost } from './rules/permission-lost.js';
import { signalFrameLayout } from './rules/signal-frame-layout.js';
import { sourceUnknown } from './rules/source-unknown.js';
import { stateInUse } from './rules/state-in-use.js';
import { stateNotDumped } from './rules/state-not-dumped.js';
import { type DumpSource, findSource } from './source.js';

export interface GateOptions extends CompareOptions {
  /** The CRIU that would restore ("3.17.1"); undefined: not known. */
  readonly criuVersion?: string;
  /** The user restores whatever is found; the report records it. */
  readonly force?: boolean;
  /** The mildest verdict that refuses; default: at-risk, as for a check. */
  readonly failOn?: Verdict;
}

export interface GateReport extends Report {
  readonly images: {
    readonly folder: string;
    readonly processes: number;
    readonly threads: number;
    /** Where the dump's CPU is known from. */
    readonly source: DumpSource['kind'];
    /** Time of the dump, where a record tells it. */
    readonly taken?: string;
    readonly remarks: readonly string[];
  };
  /** Whether a restore may go on: the verdict allows it, or the user forces it. */
  readonly permitted: boolean;
  /** Permitted only because the user forces it. */
  readonly forced: boolean;
}

const RULES: readonly GateRule[] = [
  sourceUnknown,
  criuTooOld,
  stateInUse,
  stateNotDumped,
  maskBypassed,
  signalFrameLayout,
  permissionLost,
];

/** Of a source that isn't known nothing can be compared: one finding says so, and not a hundred. */
function contrast(source: DumpSource, target: Host, mask: DumpSource['mask']): Contrast {
  if (source.kind !== 'none') return contrastHosts(source.host, target, mask);
  return { from: describeHost(source.host), to: describeHost(target), findings: [] };
}

function caseOf(images: ImageFolder, source: DumpSource, target: Host, options: GateOptions) {
  return {
    images,
    alive: images.processes.filter(({ isAlive }) => isAlive),
    source: source.kind === 'none' ? undefined : describeHost(source.host),
    target: describeHost(target),
    mask: source.mask,
    criuVersion: options.criuVersion,
  } satisfies GateCase;
}

function imagesOf(images: ImageFolder, { kind, remarks }: DumpSource): GateReport['images'] {
  const taken = images.record?.taken;
  return {
    folder: images.name,
    processes: images.processes.length,
    threads: images.processes.reduce((sum, { threads }) => sum + threads.length, 0),
    source: kind,
    ...(taken === undefined ? {} : { taken }),
    remarks,
  };
}

function weigh(compared: Contrast, source: DumpSource, target: Host, options: CompareOptions) {
  const { mode, mask } = options;
  if (!isCriuMode(mode)) return weighFindings(compared, options);
  return weighForCriu(compared, [source.host, target], mode, mask);
}

export function gate(images: ImageFolder, target: Host, options: GateOptions = {}): GateReport {
  const alive = images.processes.filter(({ isAlive }) => isAlive);
  const { mask: claimed, ...rest } = options;
  const source = findSource(images, alive, claimed);
  const asked = caseOf(images, source, target, options);
  const own = RULES.flatMap((rule) => rule(asked));
  // A mask that some task got around is no proof of what they use.
  const isBypassed = own.some(({ code }) => code === 'mask-bypassed');
  const mask = isBypassed ? undefined : source.mask;
  const compared = contrast(source, target, mask);
  const findings = refineAreaGrowth([...compared.findings, ...own], asked);
  const weighOptions = { ...rest, ...(mask === undefined ? {} : { mask }) };
  const report = weigh({ ...compared, findings }, source, target, weighOptions);
  const { failOn = 'at-risk', force = false } = options;
  const allows = VERDICTS.indexOf(report.verdict) < VERDICTS.indexOf(failOn);
  return {
    ...report,
    images: imagesOf(images, source),
    permitted: allows || force,
    forced: force && !allows,
  };
}
