import { SMALLER_AREA } from './advice.js';
import { rule } from './rule.js';

/** MINSIGSTKSZ of <signal.h> on x86-64: no alternate stack is smaller. */
const SMALLEST_STACK = 2048;

/**
 * The kernel's signal frame (AT_MINSIGSTKSZ) is larger at the target. A task that sized its
 * alternate signal stack by the source's value gets SIGSEGV at the next signal. Frames that fit in
 * MINSIGSTKSZ fit in every alternate stack.
 * Source: Linux arch/x86/kernel/signal.c (get_sigframe), Documentation/arch/x86/elf_auxvec.rst.
 */
export const signalFrameGrows = rule({
  code: 'signal-frame-grows',
  reads: ['frame'],
  find: ({ from, to }) => {
    const [before, after] = [from.system.minSigStackBytes, to.system.minSigStackBytes];
    if (before === undefined || after === undefined) return [];
    if (after <= before || after <= SMALLEST_STACK) return [];
    return [{ severity: 'risk', facts: { before, after } }];
  },
  sentence: ({ facts: { before, after } }, { from }) =>
    `Signal frames grow from ${before} to ${after} bytes: an alternate signal stack sized on ${from} may be ` +
    'too small, and the task dies at its next signal.',
  remedy: 'launch-mask',
  modes: { strict: 'blocker', instructions: 'info' },
  severities: ['risk'],
  when: 'AT_MINSIGSTKSZ is larger at the target, and larger than 2048',
  meaning:
    'A task whose alternate signal stack was sized by the old value gets SIGSEGV at its next signal.',
  advice: SMALLER_AREA,
});
