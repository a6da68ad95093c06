/**
 * What glibc in the dumped tasks really keeps, in place of the worst case that two hosts alone leave:
 * an overrun that is certain, or a fear that is unfounded.
 */
import type { Finding } from '../compare/finding.js';
import type { Capabilities } from '../model/capabilities.js';
import type { ImageProcess, LazyBinding, SaveWay } from '../model/image-folder.js';
import { hasBit64 } from '../model/registers.js';
import { LEGACY_AREA_BYTES, PRESENT, standardAreaBytes } from '../model/xsave.js';
import { type GateCase, nameProcess } from './rule.js';

/** Bits that some component can have; the others are zero in every XCR0. */
const CATALOGUED = 0xfffffn;

/**
 * Bytes that the CPU writes at the target for these components; undefined: not told. In the compacted
 * format each follows the one before.
 */
function bytesWritten(
  { instruction, components }: SaveWay,
  { xsave }: Capabilities,
): number | undefined {
  if ((components & CATALOGUED & ~xsave.enabled.known) !== 0n) return undefined;
  const saved = xsave.components.filter(({ bit }) => bit >= 2 && hasBit64(components, bit));
  if (instruction === 'xsave') return standardAreaBytes(saved);
  let end = LEGACY_AREA_BYTES;
  for (const { size, aligned } of saved) {
    if (size === undefined || aligned === undefined) return undefined;
    end = (aligned ? Math.ceil(end / 64) * 64 : end) + size;
  }
  return end;
}

interface Overrun {
  readonly written: number;
  readonly areaBytes: number;
}
type Answer = 'fits' | 'unknown' | Overrun;

function answerOfWay(way: SaveWay, target: Capabilities): Answer {
  const written = bytesWritten(way, target);
  if (written === undefined) return 'unknown';
  // XSAVEC writes what is in use, and nobody uses what the source hasn't shown.
  if (written <= way.areaBytes || way.instruction === 'xsavec') return 'fits';
  return { written, areaBytes: way.areaBytes };
}

/** Whether glibc saw XSAVEC, and takes it for what it binds first after the restore. */
function sawXsavec({ source, mask }: GateCase): boolean {
  const isShown = mask === undefined || mask.features.includes('xsavec');
  return isShown && source?.effective('xsavec') === PRESENT;
}

function answerOf(binding: LazyBinding, asked: GateCase): Answer {
  if (binding.kind === 'none') return 'fits';
  const { target } = asked;
  const hasXsavec = sawXsavec(asked);
  const isPossible = (way: SaveWay) =>
    binding.kind === 'chosen' || hasXsavec === (way.instruction === 'xsavec');
  const answers = binding.ways.filter(isPossible).map((way) => answerOfWay(way, target));
  const overruns = answers.find((answer) => typeof answer === 'object');
  return overruns ?? (answers.includes('unknown') ? 'unknown' : 'fits');
}

function overrunFinding(
  process: ImageProcess,
  { areaBytes, written }: Overrun,
  target: Capabilities,
): Finding {
  return {
    code: 'xsave-area-grows',
    severity: 'blocker',
    component: 'xsave',
    effect:
      `glibc in ${nameProcess(process)} reserves ${areaBytes} bytes when it binds a function lazily, ` +
      `and ${target.name} writes ${written}: memory corruption.`,
    remedy: 'launch-mask',
  };
}

function soften(finding: Finding): Finding {
  if (finding.code !== 'xsave-area-grows' || finding.severity === 'risk') return finding;
  const sizes = finding.effect.split(/[:,]/, 1)[0];
  return {
    ...finding,
    severity: 'risk',
    effect:
      `${sizes}: the tasks' memory shows that their glibc reserves enough room for what it saves, but ` +
      'programs that size buffers by CPUID 0xD and save everything with plain XSAVE overrun them.',
  };
}

/** The findings with what the tasks' memory tells about `xsave-area-grows`. */
export function refineAreaGrowth(findings: readonly Finding[], asked: GateCase): Finding[] {
  const { alive, target } = asked;
  const answers = alive.map(
    ({ lazyBinding }): Answer =>
      lazyBinding.known ? answerOf(lazyBinding.value, asked) : 'unknown',
  );
  for (const [index, answer] of answers.entries())
    if (typeof answer === 'object')
      return [
        ...findings.filter(({ code }) => code !== 'xsave-area-grows'),
        overrunFinding(alive[index] as ImageProcess, answer, target),
      ];
  return answers.every((one) => one === 'fits') ? findings.map(soften) : [...findings];
}
