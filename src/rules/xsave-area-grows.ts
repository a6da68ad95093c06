import type { Capabilities } from '../model/capabilities.js';
import { ABSENT, PRESENT } from '../model/xsave.js';
import { SMALLER_AREA } from './advice.js';
import type { Context } from './context.js';
import type { Found, Severity } from './finding.js';
import { lazyBindingOf } from './lazy-binding.js';
import { nameProcess } from './processes.js';
import { rule } from './rule.js';

type Facts = {
  readonly before: number;
  readonly after: number;
  /**
   * How glibc binds lazily: with XSAVEC, with plain XSAVE, or that isn't known; as the tasks' memory
   * shows, within its buffer or beyond it.
   */
  readonly binding: 'xsavec' | 'xsave' | 'unknown' | 'fits' | 'overruns';
  /** The process whose glibc overruns. */
  readonly process: string | null;
};

const SEVERITY: Readonly<Record<Facts['binding'], Severity>> = {
  overruns: 'blocker',
  xsave: 'blocker',
  unknown: 'unknown',
  xsavec: 'risk',
  fits: 'risk',
};

function bindingOf(from: Capabilities): Facts['binding'] {
  const xsavec = from.effective('xsavec');
  if (xsavec === PRESENT) return 'xsavec';
  return xsavec === ABSENT ? 'xsave' : 'unknown';
}

function found(facts: Facts): Found<Facts>[] {
  return [{ severity: SEVERITY[facts.binding], component: 'xsave', facts }];
}

function find({ from, to, images }: Context): Found<Facts>[] {
  const seen = images === undefined ? 'unknown' : lazyBindingOf(images, to);
  if (typeof seen === 'object')
    return found({
      before: seen.areaBytes,
      after: seen.written,
      binding: 'overruns',
      process: nameProcess(seen.process),
    });
  const [before, after] = [from.xsave.leastAreaBytes, to.xsave.areaBytes];
  if (before === undefined || after === undefined || before === 0 || after <= before) return [];
  const binding = seen === 'fits' ? 'fits' : bindingOf(from);
  return found({ before, after, binding, process: null });
}

/**
 * The target's XSAVE area is larger than the one that programs sized their buffers by. glibc asks
 * CPUID 0xD once, keeps the size, and lets the lazy binding trampoline save into that much stack:
 * with plain XSAVE the CPU writes every enabled component and overruns it. With XSAVEC glibc saves
 * the components it knows in the compacted format: see compacted-area-grows.
 * Where the source has no XSAVE, nobody has sized anything (glibc uses FXSAVE).
 * Sources: glibc sysdeps/x86/cpu-features.c (update_active), sysdeps/x86_64/dl-trampoline.h;
 * CRIU commit 327e78f92.
 */
export const xsaveAreaGrows = rule({
  code: 'xsave-area-grows',
  reads: ['area', 'images'],
  find,
  sentence: ({ facts: { before, after, binding, process } }, { from, to }) => {
    const sizes = `The XSAVE area grows from ${before} to ${after} bytes`;
    const programs =
      'programs that size buffers by CPUID 0xD and save everything with plain XSAVE overrun them.';
    switch (binding) {
      case 'overruns':
        return (
          `glibc in ${process} reserves ${before} bytes when it binds a function lazily, and ${to} writes ` +
          `${after}: memory corruption.`
        );
      case 'xsavec':
        return `${sizes}: glibc saves with XSAVEC, which is looked at for itself, but ${programs}`;
      case 'fits':
        return `${sizes}: the tasks' memory shows that their glibc reserves enough room for what it saves with plain XSAVE, but ${programs}`;
      case 'xsave':
        return (
          `${sizes}: ${from} has no XSAVEC, so glibc's lazy binding saves with plain XSAVE into a buffer of ${before} ` +
          'bytes and overruns it (memory corruption). Programs linked with -z now are not affected; all others must ' +
          'start with a size that fits all hosts.'
        );
      case 'unknown':
        return `${sizes}, and whether ${from} has XSAVEC is unknown: without it, glibc's lazy binding overruns its buffer.`;
    }
  },
  remedy: 'launch-mask',
  modes: { strict: 'blocker', instructions: 'info' },
  severities: ['blocker', 'unknown', 'risk'],
  where:
    'blocker where the source has no XSAVEC, unknown where that is unknown, else risk; of a folder of ' +
    "images, by what glibc in the tasks' memory keeps",
  when: "the target's enabled XSAVE area (standard format) is larger than the source's",
  meaning:
    'Programs that asked for the size at their start have buffers that are too small at the target: the CPU ' +
    'writes beyond them. glibc without XSAVEC does so whenever it binds a function lazily.',
  advice: SMALLER_AREA,
});
