import { COMPONENT, componentName } from '../catalogue/index.js';
import { ABSENT, PRESENT, presenceInMask } from '../model/xsave.js';
import { STAY_WITH_STATE } from './advice.js';
import { nameThreads, threadsByComponent } from './processes.js';
import { rule } from './rule.js';

/**
 * A component holds something else than its initial state in a dumped thread, and the target's OS
 * doesn't enable it: CRIU drops the content without a word. This is no guess about what tasks may have
 * asked: they use it now.
 * Source: CRIU criu/arch/x86/crtools.c, restore_fpu.
 */
export const stateInUse = rule({
  code: 'state-in-use',
  reads: ['images'],
  find: ({ to, images }) =>
    [...threadsByComponent(images?.alive ?? [], 'inUse')].flatMap(([bit, threads]) => {
      const presence = presenceInMask(to.xsave.enabled, bit);
      // Shadow stacks aren't in XCR0; what their loss means, kernel-feature-missing says.
      if (presence === PRESENT || bit === COMPONENT.cet_u) return [];
      const isOff = presence === ABSENT;
      const severity = isOff ? ('blocker' as const) : ('unknown' as const);
      return [{ severity, component: componentName(bit), facts: { threads, isOff } }];
    }),
  sentence: ({ component, facts: { threads, isOff } }, { to }) =>
    `${component} state is in use by ${nameThreads(threads)} now, and ` +
    (isOff
      ? `${to} does not enable it: its content would be lost.`
      : `whether ${to} enables it is unknown.`),
  remedy: 'stay',
  severities: ['blocker', 'unknown'],
  where: 'unknown where it is unknown whether the target enables the component',
  when: "a dumped thread holds something in a state component that the target's OS doesn't enable",
  meaning: 'The task uses it now. CRIU would drop the content without an error.',
  advice: STAY_WITH_STATE,
});
