/** A baseline as other tools' settings. */
import { ENVIRONMENT_FORMAT_NAMES } from '../export/environment-formats.js';
import { ENVIRONMENT_TARGETS, findTarget } from '../export/index.js';
import { placeRemarks } from '../export/place-remarks.js';
import {
  type BinaryTargetName,
  TARGET_NAMES,
  TARGET_TITLES,
  type TargetName,
} from '../export/target-names.js';
import { usage } from './arguments.js';
import { frozenCopy, innerBaseline } from './handles.js';
import type { Baseline, Exported, ExportOptions, Target } from './shapes.js';

/** Those that exportBaseline takes. */
export function listTargets(): readonly Target[] {
  return frozenCopy(TARGET_NAMES.map((name) => ({ name, title: TARGET_TITLES[name] })));
}

/**
 * The baseline in a tool's own words; what `cpugate export --for TARGET` writes. Throws InputError
 * where there is no such target, or the baseline tells too little for it.
 */
export function exportBaseline(
  baseline: Baseline,
  target: Exclude<TargetName, BinaryTargetName>,
  options?: ExportOptions,
): Exported<string>;
export function exportBaseline(
  baseline: Baseline,
  target: BinaryTargetName,
  options?: ExportOptions,
): Exported<Uint8Array>;
export function exportBaseline(
  baseline: Baseline,
  target: TargetName,
  options?: ExportOptions,
): Exported;
export function exportBaseline(
  baseline: Baseline,
  target: TargetName,
  options: ExportOptions = {},
): Exported {
  const inner = innerBaseline(baseline);
  const found = findTarget(target);
  if (found === undefined)
    throw usage(`there is no target "${target}"`, `Targets: ${TARGET_NAMES.join(', ')}.`);
  if (options.glibc !== undefined && target !== 'glibc')
    throw usage(`glibc says nothing to ${target}`, 'It goes with the target glibc.');
  const { format } = options;
  if (format !== undefined && !ENVIRONMENT_FORMAT_NAMES.includes(format))
    throw usage(
      `there is no format "${format}"`,
      `Formats: ${ENVIRONMENT_FORMAT_NAMES.join(', ')}.`,
    );
  if (format !== undefined && found.isEnvironment !== true)
    throw usage(
      `${target} has one format`,
      `These have several: ${ENVIRONMENT_TARGETS.join(', ')}.`,
    );
  const exported = found.write(inner, options);
  const { content } = placeRemarks(found, exported);
  return Object.freeze({ file: found.file, content, remarks: frozenCopy(exported.remarks) });
}
