import { ABSENT, PRESENT } from '../../model/xsave.js';
import type { Finding, Rule } from '../finding.js';

/**
 * The target's XSAVE area is larger than the one that programs sized their buffers by. glibc asks
 * CPUID 0xD once, keeps the size, and lets the lazy binding trampoline save into that much stack:
 * with plain XSAVE the CPU writes every enabled component and overruns it. With XSAVEC glibc saves
 * the components it knows in the compacted format; what isn't in use takes no room to write.
 * Where the source has no XSAVE, nobody has sized anything (glibc uses FXSAVE).
 * Sources: glibc sysdeps/x86/cpu-features.c (update_active), sysdeps/x86_64/dl-trampoline.h;
 * CRIU commit 327e78f92.
 */
export const xsaveAreaGrows: Rule = (from, to) => {
  const [before, after] = [from.xsave.areaBytes, to.xsave.areaBytes];
  if (before === undefined || after === undefined || before === 0 || after <= before) return [];
  const xsavec = from.effective('xsavec');
  const sizes = `The XSAVE area grows from ${before} to ${after} bytes`;
  const finding = (severity: Finding['severity'], effect: string): Finding[] => [
    { code: 'xsave-area-grows', severity, component: 'xsave', effect, remedy: 'launch-mask' },
  ];
  if (xsavec === PRESENT)
    return finding(
      'risk',
      `${sizes}: glibc saves with XSAVEC and stays within its buffer while no code uses the state that is new, but programs that size buffers by CPUID 0xD and save with plain XSAVE overrun them.`,
    );
  if (xsavec === ABSENT)
    return finding(
      'blocker',
      `${sizes}: ${from.name} has no XSAVEC, so glibc's lazy binding saves with plain XSAVE into a buffer of ${before} bytes and overruns it (memory corruption). ` +
        `Programs linked with -z now are not affected; all others must start with a size that fits all hosts.`,
    );
  return finding(
    'unknown',
    `${sizes}, and whether ${from.name} has XSAVEC is unknown: without it, glibc's lazy binding overruns its buffer.`,
  );
};
