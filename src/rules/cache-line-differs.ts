import { acceptanceText, acceptedBy } from './accepted.js';
import { rule } from './rule.js';

/**
 * CLFLUSH works on lines of another size: code that flushes or zeroes by a line size that it asked
 * once leaves gaps. Source: Intel SDM vol. 2A CPUID leaf 1 EBX[15:8].
 */
export const cacheLineDiffers = rule({
  code: 'cache-line-differs',
  reads: ['numbers'],
  find: (context) => {
    const [before, after] = [context.from.cacheLineBytes, context.to.cacheLineBytes];
    if (before === undefined || after === undefined || before === after) return [];
    const acceptedIn = acceptedBy(context, 'cacheLineBytes', before, after);
    return [
      { severity: acceptedIn === null ? 'risk' : 'info', facts: { before, after, acceptedIn } },
    ];
  },
  sentence: ({ facts: { before, after, acceptedIn } }, { from, to }) =>
    `A cache line has ${before} bytes on ${from} and ${after} on ${to}; code that walks memory line by line ` +
    `with the old size is wrong.${acceptedIn === null ? '' : acceptanceText(acceptedIn)}`,
  remedy: ({ severity }) => (severity === 'info' ? 'none' : 'stay'),
  modes: { strict: 'blocker', instructions: 'info' },
  severities: ['risk', 'info'],
  where: "info between hosts of the tasks' baseline",
  when: 'CLFLUSH works on lines of another size',
  meaning: 'Code that flushes or zeroes memory by the size that it asked once leaves gaps.',
  advice: 'Keep such programs on hosts with one line size.',
});
