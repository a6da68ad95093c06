/**
 * What Node Feature Discovery calls features: the flags of github.com/klauspost/cpuid v2, which it
 * reads CPUID with, compared bit by bit with that library's 2.4. A feature that isn't here has no
 * flag there (FSGSBASE, CLWB, PKU …). Flags that need an OS to enable state (AVX, AVX-512, AMX) are
 * only set where it does.
 */
import type { FeatureName, LevelName } from './index.js';

export const LABEL_PREFIX = 'feature.node.kubernetes.io/';

const FLAGS: Partial<Record<FeatureName, string>> = {
  fpu: 'X87',
  cx8: 'CMPXCHG8',
  cmov: 'CMOV',
  mmx: 'MMX',
  fxsr: 'FXSR',
  sse: 'SSE',
  sse2: 'SSE2',
  pni: 'SSE3',
  ssse3: 'SSSE3',
  sse4_1: 'SSE4',
  sse4_2: 'SSE42',
  aes: 'AESNI',
  pclmulqdq: 'CLMUL',
  movbe: 'MOVBE',
  popcnt: 'POPCNT',
  rdrand: 'RDRAND',
  f16c: 'F16C',
  cx16: 'CX16',
  xsave: 'XSAVE',
  osxsave: 'OSXSAVE',
  avx: 'AVX',
  fma: 'FMA3',
  bmi1: 'BMI1',
  hle: 'HLE',
  avx2: 'AVX2',
  bmi2: 'BMI2',
  erms: 'ERMS',
  rtm: 'RTM',
  mpx: 'MPX',
  rdseed: 'RDSEED',
  adx: 'ADX',
  sha_ni: 'SHA',
  avx512f: 'AVX512F',
  avx512dq: 'AVX512DQ',
  avx512ifma: 'AVX512IFMA',
  avx512pf: 'AVX512PF',
  avx512er: 'AVX512ER',
  avx512cd: 'AVX512CD',
  avx512bw: 'AVX512BW',
  avx512vl: 'AVX512VL',
  avx512vbmi: 'AVX512VBMI',
  waitpkg: 'WAITPKG',
  avx512_vbmi2: 'AVX512VBMI2',
  shstk: 'CETSS',
  gfni: 'GFNI',
  vaes: 'VAES',
  vpclmulqdq: 'VPCLMULQDQ',
  avx512_vnni: 'AVX512VNNI',
  avx512_bitalg: 'AVX512BITALG',
  avx512_vpopcntdq: 'AVX512VPOPCNTDQ',
  key_locker: 'KEYLOCKER',
  cldemote: 'CLDEMOTE',
  movdiri: 'MOVDIRI',
  movdir64b: 'MOVDIR64B',
  enqcmd: 'ENQCMD',
  fsrm: 'FSRM',
  avx512_vp2intersect: 'AVX512VP2INTERSECT',
  serialize: 'SERIALIZE',
  tsxldtrk: 'TSXLDTRK',
  ibt: 'CETIBT',
  amx_bf16: 'AMXBF16',
  avx512_fp16: 'AVX512FP16',
  amx_tile: 'AMXTILE',
  amx_int8: 'AMXINT8',
  sm3: 'SM3_X86',
  sm4: 'SM4_X86',
  avx_vnni: 'AVXVNNI',
  avx512_bf16: 'AVX512BF16',
  cmpccxadd: 'CMPCCXADD',
  amx_fp16: 'AMXFP16',
  avx_ifma: 'AVXIFMA',
  lam: 'LAM',
  avx_vnni_int8: 'AVXVNNIINT8',
  avx_ne_convert: 'AVXNECONVERT',
  amx_complex: 'AMXCOMPLEX',
  avx_vnni_int16: 'AVXVNNIINT16',
  avx10: 'AVX10',
  apx: 'APX_F',
  xsaveopt: 'XSAVEOPT',
  xsavec: 'XSAVEC',
  xgetbv1: 'XGETBV1',
  xsaves: 'XSAVES',
  lahf_lm: 'LAHF',
  abm: 'LZCNT',
  sse4a: 'SSE4A',
  xop: 'XOP',
  fma4: 'FMA4',
  tbm: 'TBM',
  syscall: 'SYSCALL',
  mmxext: 'MMXEXT',
  rdtscp: 'RDTSCP',
  '3dnowext': 'AMD3DNOWEXT',
  '3dnow': 'AMD3DNOW',
  clzero: 'CLZERO',
  rdpru: 'RDPRU',
};

/**
 * cpu.cpuid.attributeBlacklist of nfd-worker's default configuration, as far as it names what tasks
 * use (source/cpu/cpu.go; AVX10 is newer than the others). Rules see these flags all the same.
 */
const NO_LABEL_BY_DEFAULT: ReadonlySet<string> = new Set([
  'AVX10',
  'BMI1',
  'BMI2',
  'CLMUL',
  'CMOV',
  'CX16',
  'ERMS',
  'F16C',
  'LZCNT',
  'MMX',
  'MMXEXT',
  'POPCNT',
  'RDRAND',
  'RDSEED',
  'RDTSCP',
  'SSE',
  'SSE2',
  'SSE3',
  'SSE4',
  'SSE42',
  'SSSE3',
]);

/**
 * The flag for a level of x86-64, since Node Feature Discovery 0.19 (source/cpu/cpu.go there); a node has those of the
 * levels below as well. v1 has none: every node has that level.
 */
export function levelFlag(level: LevelName): string | undefined {
  return level === 'x86-64-v1' ? undefined : level.replace('x86-64-v', 'X86_64_V');
}

/**
 * Releases of Node Feature Discovery by the flags that they were the first to know: go.mod there names
 * the release of the library. All others are older than 0.8.
 */
export const NFD_RELEASES: readonly (readonly [release: string, flags: readonly string[]])[] = [
  ['0.9', ['AVX512FP16', 'CLZERO', 'RDPRU']],
  ['0.11', ['X87', 'CMPXCHG8', 'FXSR', 'MOVBE', 'XSAVE', 'OSXSAVE', 'CETSS', 'CETIBT', 'LAHF']],
  [
    '0.12',
    [
      'FSRM',
      'AVXVNNI',
      'AMXFP16',
      'LAM',
      'XSAVEOPT',
      'XSAVEC',
      'XGETBV1',
      'XSAVES',
      'SYSCALL',
      'SYSEE',
    ],
  ],
  ['0.13', ['CMPCCXADD', 'AVXIFMA', 'AVXVNNIINT8', 'AVXNECONVERT']],
  ['0.15', ['KEYLOCKER', 'AVX10', 'APX_F']],
  ['0.17', ['AVXVNNIINT16']],
  ['0.18', ['SM3_X86', 'SM4_X86', 'AMXCOMPLEX']],
];

/** Flags that the library names and never sets. */
export const NEVER_SET: ReadonlySet<string> = new Set(['TBM']);

/** Flags that are read, and that no export asks for. */
const READ_ONLY: Partial<Record<FeatureName, string>> = { sep: 'SYSEE', hypervisor: 'HYPERVISOR' };

/** Every feature that a label can tell of, by its flag. */
export const FEATURE_OF_FLAG: ReadonlyMap<string, FeatureName> = new Map(
  Object.entries({ ...FLAGS, ...READ_ONLY }).map(([name, flag]) => [flag, name as FeatureName]),
);

/** The flag that a label has for a feature. */
export function readFlag(feature: FeatureName): string | undefined {
  return FLAGS[feature] ?? READ_ONLY[feature];
}

export function nfdFlag(feature: FeatureName): string | undefined {
  return FLAGS[feature];
}

export function hasLabelByDefault(flag: string): boolean {
  return !NO_LABEL_BY_DEFAULT.has(flag);
}

export function labelOf(flag: string): string {
  return `${LABEL_PREFIX}cpu-cpuid.${flag}`;
}
