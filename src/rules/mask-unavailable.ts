import { rule } from './rule.js';

/** Without CPUID faulting nothing keeps restored tasks to the mask that they have seen so far. */
export const maskUnavailable = rule({
  code: 'mask-unavailable',
  reads: ['images'],
  find: ({ images, to }) => {
    const faulting = to.system.cpuidFaulting;
    if (images?.mask === undefined || faulting?.works !== false) return [];
    return [{ severity: 'blocker', facts: { mask: images.mask.name, reason: faulting.reason } }];
  },
  sentence: ({ facts: { mask, reason } }, { to }) =>
    `The tasks run under ${mask}, and CPUID can't be masked at ${to}: ${reason}.`,
  remedy: 'stay',
  severities: ['blocker'],
  when: 'tasks in images ran under a mask, and the target is known to have no CPUID faulting',
  meaning:
    'Restored there, they and what they start would read the real CPU; "cpugate restore" refuses it.',
  advice: 'Restore them on a host where CPUID faulting works, which "cpugate show HOST" says.',
});
