/**
 * What glibc in the dumped tasks really keeps, in place of the worst case that two hosts alone leave:
 * an overrun that is certain, or a fear that is unfounded.
 */
import type { Finding } from '../compare/finding.js';
import type { Capabilities } from '../model/capabilities.js';
import type { LazyBinding } from '../model/image-folder.js';
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
  { kind, components }: Exclude<LazyBinding, { kind: 'none' }>,
  { xsave }: Capabilities,
): number | undefined {
  if ((components & CATALOGUED & ~xsave.enabled.known) !== 0n) return undefined;
  const saved = xsave.components.filter(({ bit }) => bit >= 2 && hasBit64(components, bit));
  if (kind !== 'xsavec') return standardAreaBytes(saved);
  let end = LEGACY_AREA_BYTES;
  for (const { size, aligned } of saved) {
    if (size === undefined || aligned === undefined) return undefined;
    end = (aligned ? Math.ceil(end / 64) * 64 : end) + size;
  }
  return end;
}

type Answer = 'fits' | 'unknown' | { readonly written: number };

function answerOf(
  binding: LazyBinding,
  source: Capabilities | undefined,
  target: Capabilities,
): Answer {
  if (binding.kind === 'none') return 'fits';
  // What will bind first after the restore takes XSAVEC where the CPU showed it.
  const hasXsavec = source?.effective('xsavec') === PRESENT;
  const kind = binding.kind === 'either' && hasXsavec ? 'xsavec' : binding.kind;
  const written = bytesWritten({ ...binding, kind }, target);
  if (written === undefined) return 'unknown';
  if (written <= binding.areaBytes) return 'fits';
  // XSAVEC writes what is in use, and nobody uses what the source hasn't shown.
  return kind === 'xsavec' ? 'fits' : { written };
}

function overrun(asked: GateCase, index: number, written: number, areaBytes: number): Finding {
  return {
    code: 'xsave-area-grows',
    severity: 'blocker',
    component: 'xsave',
    effect:
      `glibc in ${nameProcess(asked.alive[index] as GateCase['alive'][number])} keeps room for ` +
      `${areaBytes} bytes when it binds a function lazily, and ${asked.target.name} writes ${written}: ` +
      'memory corruption.',
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
      `${sizes}: glibc in these tasks keeps enough room for what it saves, by their memory; programs ` +
      'that size buffers by CPUID 0xD and save everything with plain XSAVE overrun them.',
  };
}

/** The findings with what the tasks' memory tells about `xsave-area-grows`. */
export function refineAreaGrowth(findings: readonly Finding[], asked: GateCase): Finding[] {
  const { alive, source, target } = asked;
  const answers = alive.map(
    ({ lazyBinding }): Answer =>
      lazyBinding.known ? answerOf(lazyBinding.value, source, target) : 'unknown',
  );
  const index = answers.findIndex((answer) => typeof answer === 'object');
  const answer = answers[index];
  const binding = alive[index]?.lazyBinding;
  if (typeof answer === 'object' && binding?.known && binding.value.kind !== 'none')
    return [
      ...findings.filter(({ code }) => code !== 'xsave-area-grows'),
      overrun(asked, index, answer.written, binding.value.areaBytes),
    ];
  return answers.every((one) => one === 'fits') ? findings.map(soften) : [...findings];
}
