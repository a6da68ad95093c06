import type { Rule } from '../finding.js';

/**
 * CLFLUSH works on lines of another size: code that flushes or zeroes by a line size that it asked
 * once leaves gaps. Source: Intel SDM vol. 2A CPUID leaf 1 EBX[15:8].
 */
export const cacheLineDiffers: Rule = (from, to) => {
  const [before, after] = [from.cacheLineBytes, to.cacheLineBytes];
  if (before === undefined || after === undefined || before === after) return [];
  return [
    {
      code: 'cache-line-differs',
      severity: 'risk',
      effect: `A cache line has ${before} bytes on ${from.name} and ${after} on ${to.name}; code that walks memory line by line with the old size is wrong.`,
      remedy: 'none',
    },
  ];
};
