/**
 * What glibc in the dumped tasks really keeps, in place of the worst case that two hosts alone leave:
 * an overrun that is certain, or a fear that is unfounded.
 */
import { isLegacyState, LINUX_STATE } from '../catalogue/index.js';
import type { Capabilities } from '../model/capabilities.js';
import type { ImageProcess, LazyBinding, SaveWay } from '../model/image-folder.js';
import { hasBit64 } from '../model/registers.js';
import { LEGACY_AREA_BYTES, PRESENT, standardAreaBytes } from '../model/xsave.js';
import type { ImageEvidence } from './context.js';

/**
 * Bytes that the CPU writes at the target for these components; undefined: not known. In the compacted
 * format each follows the one before.
 */
function bytesWritten(
  { instruction, components }: SaveWay,
  { xsave }: Capabilities,
): number | undefined {
  if ((components & LINUX_STATE & ~xsave.enabled.known) !== 0n) return undefined;
  const saved = xsave.components.filter(
    ({ bit }) => !isLegacyState(bit) && hasBit64(components, bit),
  );
  if (instruction === 'xsave') return standardAreaBytes(saved);
  let end = LEGACY_AREA_BYTES;
  for (const { size, aligned } of saved) {
    if (size === undefined || aligned === undefined) return undefined;
    end = (aligned ? Math.ceil(end / 64) * 64 : end) + size;
  }
  return end;
}

export interface Overrun {
  readonly process: ImageProcess;
  /** Bytes that the CPU writes, and that glibc reserves. */
  readonly written: number;
  readonly areaBytes: number;
}
type Answer = 'fits' | 'unknown' | Omit<Overrun, 'process'>;

function answerOfWay(way: SaveWay, target: Capabilities): Answer {
  const written = bytesWritten(way, target);
  if (written === undefined) return 'unknown';
  // XSAVEC writes what is in use, and nobody uses what the source hasn't shown.
  if (written <= way.areaBytes || way.instruction === 'xsavec') return 'fits';
  return { written, areaBytes: way.areaBytes };
}

/** Whether glibc saw XSAVEC, and takes it for what it binds first after the restore. */
function sawXsavec({ source, mask }: ImageEvidence): boolean {
  const isShown = mask === undefined || mask.features.includes('xsavec');
  return isShown && source?.effective('xsavec') === PRESENT;
}

function answerOf(binding: LazyBinding, images: ImageEvidence, target: Capabilities): Answer {
  if (binding.kind === 'none') return 'fits';
  const hasXsavec = sawXsavec(images);
  const isPossible = (way: SaveWay) =>
    binding.kind === 'chosen' || hasXsavec === (way.instruction === 'xsavec');
  const answers = binding.ways.filter(isPossible).map((way) => answerOfWay(way, target));
  const overruns = answers.find((answer) => typeof answer === 'object');
  return overruns ?? (answers.includes('unknown') ? 'unknown' : 'fits');
}

/** Of all processes: an overrun of one, that none has any, or that it isn't known. */
export function lazyBindingOf(
  images: ImageEvidence,
  target: Capabilities,
): 'fits' | 'unknown' | Overrun {
  const answers = images.alive.map((process) => ({
    process,
    answer: process.lazyBinding.known
      ? answerOf(process.lazyBinding.value, images, target)
      : ('unknown' as const),
  }));
  for (const { process, answer } of answers)
    if (typeof answer === 'object') return { process, ...answer };
  return answers.every(({ answer }) => answer === 'fits') ? 'fits' : 'unknown';
}
