import type { Rule } from '../finding.js';
import { findLosses } from './loss.js';

/**
 * Something that the kernel sets up and tasks see. What its loss means is said by each row of the
 * catalogue, since no rule covers RDTSCP, SGX and shadow stacks alike.
 */
export const kernelFeatureMissing: Rule = (from, to) =>
  findLosses('kernel-feature-missing', ['kernel_user'], from, to);
