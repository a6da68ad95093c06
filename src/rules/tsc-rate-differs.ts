import { megahertz } from '../model/tsc-rate.js';
import { rule } from './rule.js';

/** Rates as near as this count as one: KVM doesn't scale by less (arch/x86/kvm/x86.c, tsc_tolerance_ppm). */
const TOLERANCE = 250e-6;

/**
 * RDTSC counts at another rate, and a program that asked CPUID for the old one, or measured it, computes
 * wrong times. The kernel's own clocks go on right, and what libc and vDSO give is theirs.
 * Source: Intel SDM vol. 3B, 18.17 (invariant TSC); Linux Documentation/virt/kvm/x86/timekeeping.rst.
 */
export const tscRateDiffers = rule({
  code: 'tsc-rate-differs',
  reads: ['identity'],
  find: ({ from, to }) => {
    const [before, after] = [from.tscHz, to.tscHz];
    if (before === undefined || after === undefined) return [];
    if (Math.abs(after - before) <= before * TOLERANCE) return [];
    return [{ severity: 'info', facts: { before, after } }];
  },
  sentence: ({ facts: { before, after } }, { from, to }) =>
    `The time stamp counter runs at ${megahertz(before)} on ${from} and ${megahertz(after)} on ${to}: ` +
    'a program that computes times from RDTSC with the rate that it once asked for or measured is wrong.',
  remedy: 'none',
  modes: { strict: 'blocker' },
  severities: ['info'],
  when: "CPUID tells another rate of the target's time stamp counter",
  meaning:
    "Programs that compute times from RDTSC keep the rate; the kernel's clocks go on right. A hypervisor that " +
    'scales the counter gives its guests the old rate (tsc-frequency= of QEMU).',
  advice: '',
});
