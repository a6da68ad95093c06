import { acceptanceText, acceptedBy } from './accepted.js';
import { rule } from './rule.js';

/** Hygon's first CPUs are AMD Zen under licence, with another vendor string. */
const FAMILY_OF: Readonly<Record<string, string>> = { HygonGenuine: 'AuthenticAMD' };

/**
 * Another vendor's CPU. The instructions that both show do the same, but for results that the
 * architecture leaves open (RCPPS, RSQRTPS, x87 transcendentals); libraries that chose a path by
 * vendor keep it; 32-bit tasks enter the kernel another way.
 * Sources: Intel SDM vol. 2 RCPPS; AMD APM vol. 2, 6.1 (SYSENTER in long mode).
 */
export const vendorDiffers = rule({
  code: 'vendor-differs',
  reads: ['numbers'],
  find: (context) => {
    const [before, after] = [context.from.vendor, context.to.vendor];
    if (before === undefined || after === undefined || before === after) return [];
    const isRelated = (FAMILY_OF[before] ?? before) === (FAMILY_OF[after] ?? after);
    const acceptedIn = acceptedBy(context, 'vendors', before, after);
    return [
      {
        severity: isRelated || acceptedIn !== null ? 'info' : 'risk',
        facts: { before, after, isRelated, acceptedIn },
      },
    ];
  },
  sentence: ({ facts: { before, after, isRelated, acceptedIn } }) =>
    isRelated
      ? `${before} and ${after} share one design; only the vendor's name differs.`
      : `The vendor changes from ${before} to ${after}: approximate results (RCPPS, RSQRTPS, x87 ` +
        'transcendentals) differ in their last bits, and programs keep the code that they chose by vendor.' +
        (acceptedIn === null ? '' : acceptanceText(acceptedIn)),
  remedy: ({ severity }) => (severity === 'info' ? 'none' : 'stay'),
  modes: { strict: 'blocker', instructions: 'info' },
  severities: ['risk', 'info'],
  where:
    "info between AMD and Hygon, which share one design, and between hosts of the tasks' baseline",
  when: 'the hosts have CPUs of two vendors',
  meaning:
    'Approximate results (RCPPS, RSQRTPS, x87 transcendentals) differ in their last bits, and code that was ' +
    'chosen by vendor stays chosen.',
  advice: 'Move between vendors only tasks that tolerate it; nothing hides the vendor.',
});
