import { COMPONENT, componentName } from '../catalogue/index.js';
import { hasBit64 } from '../model/registers.js';
import { nameThreads, threadsByComponent } from './processes.js';
import { rule } from './rule.js';

/**
 * Tasks hold state that the mask hides: they didn't ask CPUID before, or asked XGETBV, which nothing
 * can mask. The mask is no proof of what they use then, and they are taken as unmasked.
 */
export const maskBypassed = rule({
  code: 'mask-bypassed',
  reads: ['images'],
  find: ({ images }) => {
    const mask = images?.mask;
    if (images === undefined || mask === undefined) return [];
    // Shadow stacks aren't in XCR0, and no mask of it hides them.
    return [...threadsByComponent(images.alive, 'inUse')]
      .filter(([bit]) => !hasBit64(mask.xcr0, bit) && bit !== COMPONENT.cet_u)
      .map(([bit, threads]) => ({
        severity: 'risk' as const,
        component: componentName(bit),
        facts: { threads, mask: mask.name },
      }));
  },
  sentence: ({ component, facts: { threads, mask } }) =>
    `${component} state is in use by ${nameThreads(threads)}, although ${mask} hides it: the tasks are treated ` +
    'as if they had run without a mask.',
  remedy: 'stay',
  severities: ['risk'],
  when: 'a dumped thread holds state that its mask hides',
  meaning:
    'It used instructions without asking CPUID, or asked XGETBV, which nothing can mask. The tasks are ' +
    'taken as if they had run without a mask.',
  advice: 'Find the program that does so, and keep it on hosts like its own.',
});
