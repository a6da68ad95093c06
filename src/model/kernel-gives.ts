/**
 * What tasks get of a feature where the kernel has a say: CPUID shows the bit whether the kernel has
 * switched it on for tasks or not.
 */
import type { FeatureName } from '../catalogue/index.js';
import type { SystemFacts } from './host.js';
import { isKernelSince } from './kernel-release.js';

export interface KernelSay {
  readonly feature: FeatureName;
  /** Undefined: the record doesn't have what would tell. */
  readonly gives: (system: SystemFacts) => boolean | undefined;
  /** What counts where it is undefined: nothing, or the bit. */
  readonly otherwise: 'unknown' | 'bit';
}

/** HWCAP2_FSGSBASE (asm/hwcap2.h). */
const HWCAP2_FSGSBASE = 2n;

/** From here on Linux sets CR4.FSGSBASE, and takes the flag back where it doesn't (nofsgsbase). */
const GIVES_FSGSBASE = '5.9';

/** By AT_HWCAP2; else by the flag of a kernel that prints it for what it gives. */
function givesFsgsbase({ hwcap2, kernel, cpuinfoFlags }: SystemFacts): boolean | undefined {
  if (hwcap2 !== undefined) return (hwcap2 & HWCAP2_FSGSBASE) !== 0n;
  if (kernel === undefined || cpuinfoFlags === undefined) return undefined;
  // Distributions carried it back: an older kernel may give it as well.
  return isKernelSince(kernel, GIVES_FSGSBASE) ? cpuinfoFlags.includes('fsgsbase') : undefined;
}

/** Flags of /proc/cpuinfo that are printed where the kernel gives a feature to tasks. */
const GIVING_FLAGS = ['user_shstk', 'la57', 'lam'] as const;

function byFlag(flag: (typeof GIVING_FLAGS)[number]): KernelSay['gives'] {
  return ({ cpuinfoFlags }) => cpuinfoFlags?.includes(flag);
}

/** All that flags decide: records with the same text here differ in none of it. */
export function flagsThatDecide({
  cpuinfoFlags,
}: {
  readonly cpuinfoFlags?: readonly string[] | null;
}): string {
  if (cpuinfoFlags === undefined || cpuinfoFlags === null) return 'no flags';
  return GIVING_FLAGS.filter((flag) => cpuinfoFlags.includes(flag)).join(' ');
}

/**
 * - fsgsbase: CR4.FSGSBASE, set by Linux 5.9 and later. Without it the instructions fault, although
 *   CPUID, and in older kernels /proc/cpuinfo, shows the bit.
 * - shstk: user_shstk is printed from Linux 6.6 on, with CONFIG_X86_USER_SHADOW_STACK and unless
 *   nousershstk is given (arch/x86/kernel/shstk.c). "shstk" itself is never printed.
 * - la57: taken back where the kernel has four levels of page tables, by no5lvl or configuration
 *   (arch/x86/kernel/cpu/common.c, early_identify_cpu; Documentation/arch/x86/x86_64/5level-paging.rst).
 * - lam: taken back without CONFIG_ADDRESS_MASKING (Linux 6.4 and later), or by clearcpuid=lam.
 * Records without flags (CRIU's images) keep the bit's word for the last three: a task has to ask the
 * kernel for each of them, and losing it is a risk at most.
 */
export const KERNEL_SAYS: readonly KernelSay[] = [
  {
    feature: 'fsgsbase',
    gives: givesFsgsbase,
    otherwise: 'unknown',
  },
  { feature: 'shstk', gives: byFlag('user_shstk'), otherwise: 'bit' },
  { feature: 'la57', gives: byFlag('la57'), otherwise: 'bit' },
  { feature: 'lam', gives: byFlag('lam'), otherwise: 'bit' },
];

/** Whether nothing but a kernel's word would tell what tasks get of the feature. */
export function needsKernelsWord(feature: FeatureName): boolean {
  return KERNEL_SAYS.some((say) => say.feature === feature && say.otherwise === 'unknown');
}

/** Linear addresses without LA57 (Intel SDM vol. 3A, 4.5). */
const FOUR_LEVELS_BITS = 48;

/** Bits of the linear addresses that tasks can have: CPUID goes on showing 57 under no5lvl. */
export function linearBitsUnder(
  system: SystemFacts,
  cpuBits: number | undefined,
): number | undefined {
  if (cpuBits === undefined || byFlag('la57')(system) !== false) return cpuBits;
  return Math.min(cpuBits, FOUR_LEVELS_BITS);
}
