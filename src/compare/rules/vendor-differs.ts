import type { Rule } from '../finding.js';

/** Hygon's first CPUs are AMD Zen under licence, with another vendor string. */
const FAMILY_OF: Readonly<Record<string, string>> = { HygonGenuine: 'AuthenticAMD' };

/**
 * Another vendor's CPU. The instructions that both show do the same, but for results that the
 * architecture leaves open (RCPPS, RSQRTPS, x87 transcendentals); libraries that chose a path by
 * vendor keep it; 32-bit tasks enter the kernel another way.
 * Sources: Intel SDM vol. 2 RCPPS; AMD APM vol. 2, 6.1 (SYSENTER in long mode).
 */
export const vendorDiffers: Rule = (from, to) => {
  if (from.vendor === undefined || to.vendor === undefined || from.vendor === to.vendor) return [];
  const related = (FAMILY_OF[from.vendor] ?? from.vendor) === (FAMILY_OF[to.vendor] ?? to.vendor);
  return [
    {
      code: 'vendor-differs',
      severity: related ? 'info' : 'risk',
      effect: related
        ? `${from.vendor} and ${to.vendor} share one design; only the vendor's name differs.`
        : `The vendor changes from ${from.vendor} to ${to.vendor}: approximate results (RCPPS, RSQRTPS, x87 transcendentals) differ in their last bits, and programs keep the code that they chose by vendor.`,
      remedy: 'none',
    },
  ];
};
