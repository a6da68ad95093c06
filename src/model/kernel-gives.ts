/**
 * What tasks get of a feature where the kernel has a say: CPUID shows the bit whether the kernel has
 * switched it on for tasks or not.
 */
import type { FeatureName } from '../catalogue/index.js';
import type { HostKind, SystemFacts } from './host.js';
import { isKernelSince } from './kernel-release.js';
import type { SeenSignature } from './signature.js';
import { ABSENT, PRESENT, type Presence, UNKNOWN } from './xsave.js';

export interface KernelSay {
  readonly feature: FeatureName;
  /** Undefined: the record doesn't have what would tell. */
  readonly gives: (system: SystemFacts) => boolean | undefined;
  /** What counts where it is undefined: nothing, or the bit. */
  readonly otherwise: 'unknown' | 'bit';
}

/** HWCAP2_RING3MWAIT and HWCAP2_FSGSBASE (asm/hwcap2.h). */
const HWCAP2_RING3MWAIT = 1n;
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
const GIVING_FLAGS = ['user_shstk', 'la57', 'lam', 'ring3mwait'] as const;

function byFlag(flag: (typeof GIVING_FLAGS)[number]): KernelSay['gives'] {
  return ({ cpuinfoFlags }) => cpuinfoFlags?.includes(flag);
}

const DECIDING_FLAGS = [...GIVING_FLAGS, 'fsgsbase', 'split_lock_detect'] as const;

/**
 * All that flags decide: records with the same text here, the same AT_HWCAP2 and, where that is missing,
 * the same kernel, differ in none of it.
 */
export function flagsThatDecide({
  cpuinfoFlags,
}: {
  readonly cpuinfoFlags?: readonly string[] | null;
}): string {
  if (cpuinfoFlags === undefined || cpuinfoFlags === null) return 'no flags';
  return DECIDING_FLAGS.filter((flag) => cpuinfoFlags.includes(flag)).join(' ');
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

/** What no bit of CPUID tells, by the flag of /proc/cpuinfo. */
export type KernelFact = 'ring3mwait' | 'split_lock_detect';

/** A CPU as far as a kernel decides by it. */
export interface CpuUnderKernel {
  readonly kind: HostKind;
  readonly system: SystemFacts;
  readonly vendor: string | undefined;
  readonly signature: SeenSignature | undefined;
  readonly monitor: Presence;
}

/** Knights Landing and Knights Mill, the only CPUs on which Linux switches it on. */
const XEON_PHI_MODELS: readonly number[] = [0x57, 0x85];

function isXeonPhi({ vendor, signature }: CpuUnderKernel): boolean | undefined {
  if (vendor !== undefined && vendor !== 'GenuineIntel') return false;
  if (signature === undefined) return undefined;
  return signature.family === 6 && XEON_PHI_MODELS.includes(signature.model)
    ? vendor !== undefined || undefined
    : false;
}

function presenceOf(fact: boolean | undefined): Presence {
  if (fact === undefined) return UNKNOWN;
  return fact ? PRESENT : ABSENT;
}

/**
 * MONITOR and MWAIT at user level: #UD unless the kernel has set a bit of MISC_FEATURES_ENABLES, which
 * Linux 4.12 and later does on Xeon Phi, unless ring3mwait=disable is given. It tells tasks in AT_HWCAP2.
 * Source: Linux arch/x86/kernel/cpu/intel.c, probe_xeon_phi_r3mwait.
 */
function ring3mwait(cpu: CpuUnderKernel): Presence {
  const { kind, system, monitor } = cpu;
  const phi = isXeonPhi(cpu);
  if (phi === false || monitor === ABSENT || kind === 'model') return ABSENT;
  const { hwcap2, cpuinfoFlags } = system;
  if (hwcap2 !== undefined) return presenceOf((hwcap2 & HWCAP2_RING3MWAIT) !== 0n);
  if (cpuinfoFlags !== undefined) return presenceOf(byFlag('ring3mwait')(system));
  // Of a bare CPU counts what Linux would do with it.
  return kind === 'cpu' ? presenceOf(phi) : UNKNOWN;
}

/** The flag stays under split_lock_detect=off, which nothing but the kernel's log tells. */
function splitLockDetect({ kind, system: { cpuinfoFlags } }: CpuUnderKernel): Presence {
  return kind === 'system' ? presenceOf(cpuinfoFlags?.includes('split_lock_detect')) : UNKNOWN;
}

export const KERNEL_FACTS: Readonly<Record<KernelFact, (cpu: CpuUnderKernel) => Presence>> = {
  ring3mwait,
  split_lock_detect: splitLockDetect,
};

/** Linear addresses without LA57 (Intel SDM vol. 3A, 4.5). */
const FOUR_LEVELS_BITS = 48;

/**
 * Bits of the linear addresses that tasks can have: leaf 0x80000008 goes on showing 57 under no5lvl, and
 * where a hypervisor hides la57, without which no kernel sets up five levels of page tables.
 */
export function linearBitsUnder(
  system: SystemFacts,
  la57: Presence,
  cpuBits: number | undefined,
): number | undefined {
  if (cpuBits === undefined) return undefined;
  if (la57 !== ABSENT && byFlag('la57')(system) !== false) return cpuBits;
  return Math.min(cpuBits, FOUR_LEVELS_BITS);
}
