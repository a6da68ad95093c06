/** Texts of /proc/cpuinfo: numbers and flags that CPUs of a design show under Linux, written by hand. */

export interface CpuinfoPlan {
  readonly vendor: string;
  readonly family: number;
  readonly model: number;
  readonly stepping: number;
  readonly flags: string;
}

const ANY =
  'fpu vme de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat pse36 clflush mmx fxsr sse sse2 ht ' +
  'syscall nx rdtscp lm constant_tsc rep_good nopl nonstop_tsc cpuid pni pclmulqdq ssse3 cx16 sse4_1 sse4_2 ' +
  'popcnt aes xsave avx lahf_lm abm 3dnowprefetch';
const AVX2 = `${ANY} fma movbe f16c rdrand fsgsbase bmi1 avx2 smep bmi2 xsaveopt`;
const SKYLAKE = `${AVX2} erms invpcid rdseed adx smap clflushopt xsavec xgetbv1 xsaves arat`;
const AVX512 = `${SKYLAKE} avx512f avx512dq avx512cd avx512bw avx512vl clwb pku ospke`;
const ICE_LAKE_512 =
  'avx512ifma avx512vbmi avx512_vbmi2 gfni vaes vpclmulqdq avx512_vnni avx512_bitalg avx512_vpopcntdq rdpid';
const AMD = 'mmxext fxsr_opt misalignsse sse4a cmp_legacy svm';
const ZEN = `${AVX2} ${AMD} rdseed adx smap clflushopt sha_ni xsavec xgetbv1 clzero xsaveerptr mwaitx`;
const ZEN2 = `${ZEN} clwb rdpid rdpru wbnoinvd umip`;
const ZEN3 = `${ZEN2} erms invpcid pku ospke vaes vpclmulqdq fsrm xsaves`;
const ZEN4 = `${ZEN3} avx512f avx512dq avx512cd avx512bw avx512vl ${ICE_LAKE_512} avx512_bf16`;

/** By the design's name. */
export const PLANS = {
  bulldozer: {
    vendor: 'AuthenticAMD',
    family: 21,
    model: 1,
    stepping: 2,
    flags: `${ANY} ${AMD} xop fma4 lwp`,
  },
  zen: { vendor: 'AuthenticAMD', family: 23, model: 1, stepping: 2, flags: ZEN },
  zen2: { vendor: 'AuthenticAMD', family: 23, model: 49, stepping: 0, flags: ZEN2 },
  zen3: { vendor: 'AuthenticAMD', family: 25, model: 1, stepping: 1, flags: ZEN3 },
  zen4: { vendor: 'AuthenticAMD', family: 25, model: 17, stepping: 1, flags: ZEN4 },
  zen5: {
    vendor: 'AuthenticAMD',
    family: 26,
    model: 2,
    stepping: 1,
    flags: `${ZEN4} avx_vnni movdiri movdir64b avx512_vp2intersect`,
  },
  haswell: {
    vendor: 'GenuineIntel',
    family: 6,
    model: 63,
    stepping: 2,
    flags: `${AVX2} erms invpcid`,
  },
  skylake: { vendor: 'GenuineIntel', family: 6, model: 94, stepping: 3, flags: `${SKYLAKE} mpx` },
  skylakeX: { vendor: 'GenuineIntel', family: 6, model: 85, stepping: 4, flags: `${AVX512} mpx` },
  iceLake: {
    vendor: 'GenuineIntel',
    family: 6,
    model: 106,
    stepping: 6,
    flags: `${AVX512} ${ICE_LAKE_512} sha_ni fsrm`,
  },
  sapphireRapids: {
    vendor: 'GenuineIntel',
    family: 6,
    model: 143,
    stepping: 8,
    flags: `${AVX512} ${ICE_LAKE_512} sha_ni fsrm avx_vnni avx512_bf16 avx512_fp16 amx_bf16 amx_tile amx_int8 serialize tsxldtrk waitpkg movdiri movdir64b cldemote enqcmd`,
  },
  sierraForest: {
    vendor: 'GenuineIntel',
    family: 6,
    model: 175,
    stepping: 3,
    flags: `${SKYLAKE} pku ospke gfni vaes vpclmulqdq avx_vnni sha_ni serialize waitpkg movdiri movdir64b rdpid`,
  },
  unknown: { vendor: 'GenuineIntel', family: 6, model: 250, stepping: 0, flags: AVX512 },
} as const satisfies Readonly<Record<string, CpuinfoPlan>>;

export function cpuinfoText(
  { vendor, family, model, stepping, flags }: CpuinfoPlan,
  { count = 1, microcode = '0x1' }: { readonly count?: number; readonly microcode?: string } = {},
): string {
  const block = (number: number) =>
    `processor\t: ${number}\nvendor_id\t: ${vendor}\ncpu family\t: ${family}\nmodel\t\t: ${model}\nmodel name\t: A CPU\n` +
    `stepping\t: ${stepping}\nmicrocode\t: ${microcode}\ncpuid level\t: 32\nflags\t\t: ${flags}\nclflush size\t: 64\n` +
    'address sizes\t: 46 bits physical, 48 bits virtual\npower management:\n\n';
  return Array.from({ length: count }, (_, number) => block(number)).join('');
}

export function guestOf(plan: CpuinfoPlan): CpuinfoPlan {
  return { ...plan, flags: `${plan.flags} hypervisor` };
}

export function withoutFlag(plan: CpuinfoPlan, flag: string): CpuinfoPlan {
  return {
    ...plan,
    flags: plan.flags
      .split(' ')
      .filter((one) => one !== flag)
      .join(' '),
  };
}
