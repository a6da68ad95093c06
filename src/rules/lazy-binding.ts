/**
 * What glibc in the dumped tasks really keeps, in place of the worst case that two hosts alone leave:
 * an overrun that is certain, or a fear that is unfounded.
 */
import { isLegacyState, LINUX_STATE } from '../catalogue/index.js';
import type { Capabilities } from '../model/capabilities.js';
import type { ImageProcess, LazyBinding, SaveWay } from '../model/image-folder.js';
import { compactedBytes } from '../model/packed-area.js';
import { hasBit64 } from '../model/registers.js';
import { ABSENT, PRESENT, type Presence, standardAreaBytes, UNKNOWN } from '../model/xsave.js';
import type { ImageEvidence } from './context.js';

/** Bytes that plain XSAVE writes at the target for these components; undefined: not known. */
function bytesWritten(components: bigint, { xsave }: Capabilities): number | undefined {
  if ((components & LINUX_STATE & ~xsave.enabled.known) !== 0n) return undefined;
  return standardAreaBytes(
    xsave.components.filter(({ bit }) => !isLegacyState(bit) && hasBit64(components, bit)),
  );
}

/** Bytes from the begin of the area that code of glibc's writes at the target; undefined: not known. */
export function areaNeeded(
  { instruction, components }: Pick<SaveWay, 'instruction' | 'components'>,
  target: Capabilities,
): number | undefined {
  if (instruction === 'xsave') return bytesWritten(components, target);
  const { enabled, components: places } = target.xsave;
  if ((components & LINUX_STATE & ~enabled.known) !== 0n) return undefined;
  return compactedBytes(places.filter(({ bit }) => hasBit64(components, bit)));
}

export interface Overrun {
  readonly process: ImageProcess;
  /** Bytes that the CPU writes, and that glibc reserves. */
  readonly written: number;
  readonly areaBytes: number;
}
type Answer = 'fits' | 'unknown' | Omit<Overrun, 'process'>;

/** XSAVEC has a rule of its own: compacted-area-grows. */
function answerOfWay(
  { instruction, components, areaBytes }: SaveWay,
  target: Capabilities,
): Answer {
  if (instruction === 'xsavec') return 'fits';
  const written = bytesWritten(components, target);
  if (written === undefined) return 'unknown';
  return written <= areaBytes ? 'fits' : { written, areaBytes };
}

/** Whether glibc saw XSAVEC, and takes it for what it binds first after the restore. */
function sawXsavec({ source, mask }: ImageEvidence): Presence {
  const isHidden = mask !== undefined && !mask.features.includes('xsavec');
  return isHidden ? ABSENT : (source?.effective('xsavec') ?? UNKNOWN);
}

function possibleWays(binding: LazyBinding, images: ImageEvidence): readonly SaveWay[] {
  if (binding.kind === 'none') return [];
  if (binding.kind === 'chosen') return binding.ways;
  const without = sawXsavec(images) === PRESENT ? 'xsave' : 'xsavec';
  // Where it isn't known, either may be the one.
  return sawXsavec(images) === UNKNOWN
    ? binding.ways
    : binding.ways.filter(({ instruction }) => instruction !== without);
}

/** The ways in which a process may save registers; undefined: not known. */
export function waysOf(
  { lazyBinding }: ImageProcess,
  images: ImageEvidence,
): readonly SaveWay[] | undefined {
  return lazyBinding.known ? possibleWays(lazyBinding.value, images) : undefined;
}

function answerOf(ways: readonly SaveWay[] | undefined, target: Capabilities): Answer {
  if (ways === undefined) return 'unknown';
  const answers = ways.map((way) => answerOfWay(way, target));
  const overruns = answers.find((answer) => typeof answer === 'object');
  return overruns ?? (answers.includes('unknown') ? 'unknown' : 'fits');
}

/** Of all processes that save with plain XSAVE: an overrun of one, that none has any, or that it isn't known. */
export function lazyBindingOf(
  images: ImageEvidence,
  target: Capabilities,
): 'fits' | 'unknown' | Overrun {
  const answers = images.alive.map((process) => ({
    process,
    answer: answerOf(waysOf(process, images), target),
  }));
  for (const { process, answer } of answers)
    if (typeof answer === 'object') return { process, ...answer };
  return answers.every(({ answer }) => answer === 'fits') ? 'fits' : 'unknown';
}
