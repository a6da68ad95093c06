import { isLegacyState } from '../catalogue/index.js';
import { ABSENT, PRESENT, presenceInMask } from '../model/xsave.js';
import { BASELINE } from './advice.js';
import { atMost, rule } from './rule.js';

/**
 * A state component that the source OS enabled is off at the target: XRSTOR of an image whose
 * XSTATE_BV names it raises #GP, and CRIU drops the state without a word. Components of which one
 * side isn't known never get here: see data-missing.
 * Source: Intel SDM vol. 1, 13.3 and 13.8; CRIU criu/arch/x86/crtools.c, restore_fpu.
 */
export const stateMissing = rule({
  code: 'state-missing',
  reads: ['component'],
  find: ({ from, to }) =>
    from.xsave.components
      .filter(
        ({ bit }) =>
          !isLegacyState(bit) &&
          presenceInMask(from.xsave.enabled, bit) === PRESENT &&
          presenceInMask(to.xsave.enabled, bit) === ABSENT,
      )
      .map(({ name }) => ({ severity: 'blocker', component: name, facts: {} })),
  sentence: ({ component }, { from, to }) =>
    `${component} state that a task has on ${from} can't be loaded on ${to}.`,
  together: () => "Tasks may hold this state on the source, and it can't be loaded on the target.",
  remedy: 'launch-mask',
  modes: { strict: 'blocker', instructions: atMost('risk') },
  severities: ['blocker'],
  when: "a state component in the source's XCR0 is off at the target",
  meaning: "Saved registers can't be loaded, or are dropped without an error.",
  advice: BASELINE,
});
