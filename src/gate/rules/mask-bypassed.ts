import { componentName } from '../../catalogue/index.js';
import { hasBit64 } from '../../model/registers.js';
import { type GateRule, nameThreads } from '../rule.js';
import { threadsByComponent } from './state-in-use.js';

/**
 * Tasks hold state that the mask hides: they didn't ask CPUID before, or asked XGETBV, which nothing
 * can mask. The mask is no proof of what they use then, and they are taken as unmasked.
 */
export const maskBypassed: GateRule = (asked) => {
  const { mask } = asked;
  if (mask === undefined) return [];
  return [...threadsByComponent(asked, 'inUse')]
    .filter(([bit]) => !hasBit64(mask.xcr0, bit) && bit !== 11)
    .map(([bit, tids]) => ({
      code: 'mask-bypassed',
      severity: 'risk',
      component: componentName(bit),
      effect:
        `${componentName(bit)} state is in use by ${nameThreads(tids)}, although ${mask.name} hides ` +
        'it: the tasks are treated as if they had run without a mask.',
      remedy: 'none',
    }));
};
