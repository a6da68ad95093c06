/**
 * What the flags of /proc/cpuinfo say about CPUID, and what they don't.
 * Source: Linux arch/x86/include/asm/cpufeatures.h (4.1, 4.9, 4.12, 6.13), kernel/cpu/proc.c.
 */
import { type FeatureName, type FeatureRow, isFeatureName, ROWS } from '../catalogue/index.js';
import { SYNTHETIC_FLAGS } from '../catalogue/synthetic-flags.js';
import { isKernelSince } from '../model/kernel-release.js';
import { isUserVisible } from '../model/prerequisites.js';

type Row = FeatureRow & { readonly name: FeatureName };

/**
 * Registers whose flags every Linux 4.x and later prints: an absent flag is an absent feature
 * there, but for the exceptions below. Words 0, 4, 1, 6 and 9 of the kernel. Flags of all other
 * registers came with later kernels, one by one, and a text doesn't tell its kernel.
 */
const TOLD_REGISTERS: ReadonlySet<string> = new Set([
  '1.0.edx',
  '1.0.ecx',
  '80000001.0.edx',
  '80000001.0.ecx',
  '7.0.ebx',
]);

/**
 * Flags that came later, and features in other registers: the release that is known to have them, at the
 * latest (cpufeatures.h of 4.9, 4.15, 5.10, 5.15, 5.16; invariant TSC: kernel/cpu/intel.c and amd.c, long
 * before).
 *
 * A flag of a newer release proves nothing of an older one's: distributions carry flags back one by one.
 * Kernel 4.18 of RHEL 8 prints avx512_fp16 and avx_vnni, of 5.11 and 5.12, and doesn't know rdpru of 5.5.
 * Only "cpuid", which every CPU has, tells of its release.
 */
const SINCE_RELEASE: readonly (readonly [release: string, names: readonly FeatureName[]])[] = [
  [
    '4.11',
    [
      ...(['avx512dq', 'avx512ifma', 'avx512bw', 'avx512vl', 'sha_ni', 'mwaitx'] as const),
      ...(['pku', 'ospke', 'avx512_4vnniw', 'avx512_4fmaps'] as const),
      ...(['xsaveopt', 'xsavec', 'xgetbv1', 'xsaves', 'clzero', 'nonstop_tsc'] as const),
    ],
  ],
  [
    '4.15',
    [
      ...(['avx512vbmi', 'avx512_vbmi2', 'avx512_vnni', 'avx512_bitalg'] as const),
      ...(['avx512_vpopcntdq', 'gfni', 'vaes', 'vpclmulqdq', 'rdpid'] as const),
    ],
  ],
  [
    '5.10',
    [
      ...(['waitpkg', 'movdiri', 'movdir64b', 'cldemote', 'enqcmd', 'serialize'] as const),
      ...(['tsxldtrk', 'fsrm', 'avx512_vp2intersect', 'avx512_bf16', 'rdpru'] as const),
    ],
  ],
  ['5.15', ['avx_vnni', 'avx512_fp16']],
  ['5.16', ['amx_tile', 'amx_int8', 'amx_bf16']],
];

/** The flag of every CPU, and the release that it came with. */
const CPUID_FLAG = 'cpuid';
const CPUID_FLAG_RELEASE = '4.11';

/** Flags that one change to the kernel brought: where one of them is printed, all are known. */
const BROUGHT_TOGETHER: readonly (readonly FeatureName[])[] = [
  ['avx512_4vnniw', 'avx512_4fmaps'],
  // Linux c128dbfa0f87.
  ['avx512_vbmi2', 'gfni', 'vaes', 'vpclmulqdq', 'avx512_vnni', 'avx512_bitalg'],
  ['amx_bf16', 'amx_tile', 'amx_int8'],
];

/** Linux checks from here on that a component's feature is there before it enables it (ccb18db2ab9d). */
export const CHECKS_COMPONENTS = '4.15';

/**
 * - pcommit: gone since 4.8, and from all CPUs.
 * - sgx: named since 5.11, and turned off by the kernel where firmware or configuration does.
 */
const NOT_TOLD_WHERE_ABSENT: ReadonlySet<FeatureName> = new Set(['pcommit', 'sgx']);

/**
 * Registers that the kernel reads, and what of them it keeps to itself. Registers that are not
 * among them have no flags at all.
 */
const UNPRINTED: Readonly<Record<string, readonly FeatureName[]>> = {
  '1.0.edx': [],
  '1.0.ecx': ['osxsave'],
  '6.0.eax': [
    'ecmd',
    'hdc',
    'turbo_boost_3_0',
    'hwp_highest_perf_change',
    'hwp_peci_override',
    'hwp_flexible',
    'hwp_fast',
    'hwp_ignore_idle',
    'hwp_ctl',
    'thread_director',
    'therm_interrupt_bit25',
  ],
  '6.0.ecx': [],
  '7.0.ebx': ['fdp_excptn_only', 'zero_fcs_fds', 'pcommit'],
  '7.0.ecx': ['prefetchwt1', 'shstk', 'key_locker', 'pks', 'sgx_keys'],
  '7.0.edx': [
    'uintr',
    'srbds_ctrl',
    'rtm_always_abort',
    'tsx_force_abort',
    'hybrid_cpu',
    'spec_ctrl',
    'intel_stibp',
    'core_capabilities',
    'spec_ctrl_ssbd',
  ],
  'd.1.eax': ['xfd'],
  'f.0.edx': [],
  'f.1.edx': [],
  '10.0.ebx': [],
  '10.1.ecx': [],
  '10.2.ecx': [],
  '80000001.0.edx': [],
  '80000001.0.ecx': ['addr_mask_ext', 'cvt16'],
  '80000007.0.ebx': ['hwa'],
  '80000007.0.edx': [
    'digital_temp',
    'powernow_freq_id',
    'powernow_volt_id',
    'thermal_trip',
    'hw_thermal_control',
    'sw_thermal_control',
    '100mhz_steps',
    'aperfmperf_ro',
    'connected_standby',
    'amd_fast_cppc',
    'cppc_perf_prio',
  ],
  '8000000a.0.edx': [
    'gmet',
    'sss_check',
    'ro_gpt',
    'h_mce_override',
    'tlbsync_int',
    'ibs_virt',
    'ext_lvt_off_chg',
    'svme_addr_chk',
    'bus_lock_threshold',
    'idle_hlt',
    'x2avic_ext',
  ],
  // Named by Zhaoxin's own patches only.
  'c0000001.0.edx': [
    'sm2',
    'sm2_en',
    'ccs',
    'ccs_en',
    'parallax',
    'parallax_en',
    'zx_tm3',
    'zx_tm3_en',
    'rng2',
    'rng2_en',
    'phe2',
    'phe2_en',
    'rsa',
    'rsa_en',
  ],
};

/** What is printed of registers that are kept back but for these. */
const PRINTED: Readonly<Record<string, readonly FeatureName[]>> = {
  '7.1.eax': ['avx_vnni', 'avx512_bf16', 'fred', 'lam'],
  '80000008.0.ebx': [
    'clzero',
    'irperf',
    'xsaveerptr',
    'rdpru',
    'wbnoinvd',
    'amd_ppin',
    'virt_ssbd',
    'cppc',
    'brs',
  ],
  '8000001f.0.eax': ['sme', 'sev', 'sev_es', 'sev_snp', 'debug_swap', 'svsm'],
  '80000022.0.eax': ['perfmon_v2', 'amd_lbr_v2', 'amd_lbr_pmc_freeze'],
};

/**
 * Flags that the kernel also sets without the bit: the always running timer of AMD CPUs, the
 * inventory number of CPUs that tell it by an MSR only, virtual NMIs of VMX. (3dnowprefetch is
 * another, on all 64-bit AMD CPUs; but there Linux only says what holds, the instructions work.)
 */
const SET_WITHOUT_THE_BIT: ReadonlySet<string> = new Set(['arat', 'intel_ppin', 'vnmi']);

const SYNTHETIC: ReadonlySet<string> = new Set(SYNTHETIC_FLAGS.map((flag) => flag.name));

function registerOf({ leaf, subleaf, reg }: FeatureRow): string {
  return `${leaf.toString(16)}.${subleaf}.${reg}`;
}

function isPrinted(row: Row): boolean {
  const register = registerOf(row);
  const kept = UNPRINTED[register];
  return kept === undefined
    ? (PRINTED[register]?.includes(row.name) ?? false)
    : !kept.includes(row.name);
}

const printed: ReadonlySet<FeatureName> = new Set(ROWS.filter(isPrinted).map((row) => row.name));

/** Whether Linux has a flag for the feature. */
export function hasFlag(name: FeatureName): boolean {
  return printed.has(name);
}

/** A flag that Linux prints for reasons of its own, so that no bit follows from it. */
export function tellsNoBit(flag: string): boolean {
  return SYNTHETIC.has(flag) || SET_WITHOUT_THE_BIT.has(flag);
}

/** The feature whose bit is set where this flag is printed. */
export function featureOfFlag(flag: string): FeatureName | undefined {
  return isFeatureName(flag) && !tellsNoBit(flag) ? flag : undefined;
}

/** Features of tasks whose flag every Linux from this release on prints; by the release. */
const toldSince = new Map<string, ReadonlySet<FeatureName>>();

/** Only what tasks can use: Linux turns off what it alone uses as it is told to (nopcid, nolapic). */
function isToldOf(row: Row): boolean {
  return printed.has(row.name) && isUserVisible(row.name) && !NOT_TOLD_WHERE_ABSENT.has(row.name);
}

function namesToldSince(release: string): ReadonlySet<FeatureName> {
  let names = toldSince.get(release);
  if (names === undefined) {
    const later = new Set(SINCE_RELEASE.flatMap(([, of]) => of));
    const known = SINCE_RELEASE.filter(([first]) => isKernelSince(release, first)).flatMap(
      ([, of]) => of,
    );
    const first = ROWS.filter(
      (row) => TOLD_REGISTERS.has(registerOf(row)) && isToldOf(row) && !later.has(row.name),
    ).map((row) => row.name);
    names = new Set([...first, ...known]);
    toldSince.set(release, names);
  }
  return names;
}

/** Before "cpuid" was printed; no older kernel's text is read with more trust. */
const OLDEST_RELEASE = '4.1';

/** The release that the kernel has at least: as its flags say, and as is known otherwise. */
export function kernelAtLeast(flags: ReadonlySet<string>, kernel: string | undefined): string {
  const told = flags.has(CPUID_FLAG) ? CPUID_FLAG_RELEASE : OLDEST_RELEASE;
  return kernel !== undefined && isKernelSince(kernel, told) ? kernel : told;
}

/**
 * Whether an absent flag means an absent feature. CPUID may show it nevertheless, where somebody has
 * switched a flag off at boot (clearcpuid=); what needs state of its own, Linux then leaves off as well.
 * `kernel`: the release that the text comes from, or a lower one.
 */
export function tellsAbsence(
  name: FeatureName,
  flags: ReadonlySet<string>,
  kernel?: string,
): boolean {
  // CR4.OSXSAVE is on where Linux kept the flag of XSAVE, and off where it took it away.
  if (name === 'osxsave') return true;
  if (namesToldSince(kernelAtLeast(flags, kernel)).has(name)) return true;
  return BROUGHT_TOGETHER.some(
    (names) => names.includes(name) && names.some((other) => flags.has(other)),
  );
}

/** Every flag that a Linux known to the catalogue prints. */
export const KNOWN_FLAGS: ReadonlySet<string> = new Set<string>([
  ...printed,
  ...SYNTHETIC,
  ...SET_WITHOUT_THE_BIT,
]);
