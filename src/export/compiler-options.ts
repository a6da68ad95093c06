/**
 * Options of gcc and clang that let code use a feature: which the catalogue's names are, less those
 * that a compiler lacks. Tried on gcc 12.2 and clang 14.0; what came later is by the release notes of
 * gcc 13 to 15 and LLVM 16 to 20. Releases before gcc 12 and clang 14 refuse an option that they lack.
 */
import { type FeatureName, featureRow } from '../catalogue/index.js';

export type Compiler = 'gcc' | 'clang';

/** The oldest release that takes all options without a later one. */
export const COMPILER_FLOOR: Readonly<Record<Compiler, number>> = { gcc: 12, clang: 14 };

type Releases = readonly (readonly [release: number, names: readonly FeatureName[]])[];

const LATER: Readonly<Record<Compiler, Releases>> = {
  gcc: [
    [
      13,
      [
        'amx_complex',
        'amx_fp16',
        'avx_ifma',
        'avx_ne_convert',
        'avx_vnni_int8',
        'cmpccxadd',
        'prefetchi',
        'prefetchiti',
        'rao_int',
      ],
    ],
    [14, ['apx', 'avx_vnni_int16', 'sha512', 'sm3', 'sm4', 'user_msr']],
    [15, ['amx_avx512', 'amx_fp8', 'amx_movrs', 'amx_tf32', 'movrs']],
  ],
  clang: [
    [
      16,
      [
        'amx_fp16',
        'avx_ifma',
        'avx_ne_convert',
        'avx_vnni_int8',
        'cmpccxadd',
        'prefetchi',
        'prefetchiti',
        'rao_int',
        'rdpru',
      ],
    ],
    [17, ['amx_complex', 'avx_vnni_int16', 'sha512', 'sm3', 'sm4']],
    [18, ['user_msr']],
    [20, ['amx_avx512', 'amx_fp8', 'amx_movrs', 'amx_tf32', 'movrs']],
  ],
};

/**
 * Taken away again by a later release (Knights Landing's, MPX, PCOMMIT, 3DNow!), or changed its meaning
 * between releases (AVX10).
 */
const UNSTEADY: readonly FeatureName[] = [
  '3dnow',
  '3dnowext',
  'amx_transpose',
  'avx10',
  'avx10_version',
  'avx512_4fmaps',
  'avx512_4vnniw',
  'avx512er',
  'avx512pf',
  'mpx',
  'pcommit',
  'prefetchwt1',
];

/** Of which no release is known to have the option. */
const UNRELEASED: readonly FeatureName[] = ['ace_ai'];

const LACKING: Readonly<Record<Compiler, ReadonlySet<FeatureName>>> = {
  gcc: new Set([...UNSTEADY, ...UNRELEASED, 'rdpru']),
  // LLVM took AMX-TF32 away again.
  clang: new Set([...UNSTEADY, ...UNRELEASED, 'amx_tf32', 'apx', 'hle']),
};

export interface CompilerOption {
  readonly option: string;
  /** The oldest release that takes it. */
  readonly since: number;
}

/** Undefined where the compiler has none, or none that every later release takes. */
export function compilerOption(compiler: Compiler, name: FeatureName): CompilerOption | undefined {
  const option = featureRow(name).names?.gcc;
  if (option === undefined || LACKING[compiler].has(name)) return undefined;
  const later = LATER[compiler].find(([, names]) => names.includes(name))?.[0];
  return { option, since: later ?? COMPILER_FLOOR[compiler] };
}

/** What an option switches on beside what its feature needs. */
const BESIDE: Partial<Record<FeatureName, readonly FeatureName[]>> = {
  key_locker: ['aeskle'],
  aes_wide_kl: ['aeskle'],
};

/**
 * All that a compiler may use with the feature's option: compilers go by plausibility too, so every
 * kind of edge counts.
 */
export function impliedByOption(name: FeatureName): ReadonlySet<FeatureName> {
  const implied = new Set<FeatureName>();
  const visit = (one: FeatureName) => {
    if (implied.has(one)) return;
    implied.add(one);
    for (const { on } of featureRow(one).needs ?? []) visit(on as FeatureName);
    for (const beside of BESIDE[one] ?? []) visit(beside);
  };
  visit(name);
  return implied;
}
