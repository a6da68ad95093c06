import { BASELINE } from './advice.js';
import {
  findKernelLosses,
  findLosses,
  lossTogether,
  remedyOfLoss,
  sentenceOfLoss,
} from './losses.js';
import { atMost, rule } from './rule.js';

/**
 * Something that the kernel sets up and tasks see. What its loss means is said by each row of the
 * catalogue, since no rule covers RDTSCP, SGX and shadow stacks alike.
 */
export const kernelFeatureMissing = rule({
  code: 'kernel-feature-missing',
  reads: ['features', 'fields', 'kernel'],
  find: (context) => [...findLosses(['kernel_user'], context), ...findKernelLosses(context)],
  sentence: sentenceOfLoss,
  together: lossTogether,
  remedy: remedyOfLoss,
  modes: { strict: 'blocker', instructions: atMost('risk') },
  severities: ['blocker', 'risk', 'info'],
  where: 'by the feature',
  when: 'something that the kernel sets up for tasks is gone at the target',
  meaning: 'What follows differs from feature to feature: "cpugate explain FEATURE" says it.',
  advice: BASELINE,
});
