/**
 * What libraries call the CPU's answers: variables that others read, functions that others ask, and names of
 * functions that are for some CPUs only.
 */

/** Variables of other files, or of this one, that hold answers of CPUID. */
export const ANSWER_VARIABLES: ReadonlySet<string> = new Set([
  '_rtld_global_ro', // glibc's cpu_features
  '_dl_x86_cpu_features',
  '__cpu_model', // libgcc, compiler-rt
  '__cpu_features2',
  'OPENSSL_ia32cap_P',
  '_gnutls_x86_cpuid_s',
  'internal/cpu.X86', // Go
  'runtime.x86HasPOPCNT',
  'runtime.x86HasSSE41',
  'runtime.x86HasFMA',
  'runtime.useAVXmemmove',
]);

/** Functions that tell what the CPU has. */
const ANSWER_FUNCTIONS: readonly RegExp[] = [
  /^_?_?(dl_)?x86_get_cpu(id)?_feature/,
  /^_dl_x86_get_cpu_features$/,
  /^__get_cpuid/,
  /^__cpu_indicator_init$/,
  /^av_get_cpu_flags$/,
  /^SDL_Has(MMX|SSE|AVX|3DNow|RDTSC)/,
  /^(gegl|babl)_cpu_accel_get_support$/,
  /^vlc_CPU$/,
  /^x26[45]_cpu_detect$/,
  /^volk_get_/,
  /^blis?_cpuid_/,
];

export function isAnswerFunction(name: string): boolean {
  return ANSWER_FUNCTIONS.some((pattern) => pattern.test(name));
}

/** Functions that don't come back: what stands behind a call of them is reached in another way, if at all. */
const ENDINGS: readonly RegExp[] = [
  /^(abort|exit|_exit|_Exit|quick_exit|longjmp|siglongjmp|__longjmp_chk|errx?|verrx?|pthread_exit)$/,
  /^__(stack_chk_fail|assert_fail|assert|fortify_fail|chk_fail|libc_fatal|cxa_throw|cxa_rethrow|cxa_bad_cast)$/,
  /^(_Unwind_Resume|_ZSt9terminatev|_ZSt\d+__throw_\w+|_ZSt17rethrow_exception\w*)$/,
  /^runtime\.(go)?[pP]anic/,
  /^runtime\.(throw|fatal|fatalthrow|fatalpanic|abort|goexit)$/,
  /^_ZN4core9panicking|^_ZN4core6option13(unwrap|expect)_failed|^_ZN4core6result13unwrap_failed|^rust_panic/,
];

export function neverReturns(name: string): boolean {
  return ENDINGS.some((pattern) => pattern.test(name));
}

/**
 * Words that a name has where the function was made for some CPUs and others were made for others: of
 * instruction sets, of CPUs that gcc's -march knows and libraries name kernels after.
 */
const WORDS =
  'mmx|sse|sse2|sse3|ssse3|sse4|sse41|sse42|sse4a|popcnt|lzcnt|bmi1|bmi2|bmi|adx|avx|avx1|avx2|avx512\\w*|avx10|fma|fma3|fma4|f16c|xop|aes|aesni|' +
  'vaes|clmul|pclmul|pclmulqdq|pclmuldq|vpclmulqdq|vpclmul|sha|shani|sha_ni|gfni|vnni|avxvnni|amx|rdrand|rdseed|rtm|evex|erms|movbe|' +
  'core2|nehalem|westmere|sandybridge|sandy_bridge|ivybridge|haswell|broadwell|skylake|skylakex|skylake_avx512|icelake|' +
  'cascadelake|cooperlake|sapphirerapids|knl|zen|zen2|zen3|zen4|bulldozer|piledriver|steamroller|excavator|barcelona|bobcat|' +
  'x86_64_v2|x86_64_v3|x86_64_v4|v2|v3|v4';
const NAMED = new RegExp(
  `(^|[^a-z0-9])(${WORDS})($|[^a-z0-9])|(avx2|avx512|sse4|ssse3|aesni|clmul|bmi2|fma3|rdrand|rdseed)`,
  'i',
);

/** Whether its name says that it is one of several, for CPUs that have something. */
export function isNamedForCpu(name: string): boolean {
  return NAMED.test(name);
}
