import type { Rule } from '../finding.js';

/** MINSIGSTKSZ of <signal.h> on x86-64: no alternate stack is smaller. */
const SMALLEST_STACK = 2048;

/**
 * The kernel's signal frame (AT_MINSIGSTKSZ) is larger at the target. A task that sized its
 * alternate signal stack by the source's value gets SIGSEGV at the next signal. Frames that fit in
 * MINSIGSTKSZ fit in every alternate stack.
 * Source: Linux arch/x86/kernel/signal.c (get_sigframe), Documentation/arch/x86/elf_auxvec.rst.
 */
export const signalFrameGrows: Rule = (from, to) => {
  const before = from.system.minSigStackBytes;
  const after = to.system.minSigStackBytes;
  if (before === undefined || after === undefined) return [];
  if (after <= before || after <= SMALLEST_STACK) return [];
  return [
    {
      code: 'signal-frame-grows',
      severity: 'risk',
      effect: `Signal frames grow from ${before} to ${after} bytes: an alternate signal stack sized on ${from.name} may be too small, and the task dies at its next signal.`,
      remedy: 'launch-mask',
    },
  ];
};
