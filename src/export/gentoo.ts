/**
 * CPU_FLAGS_X86 of Gentoo's make.conf: which instructions packages may use. Its flags are those of
 * profiles/desc/cpu_flags_x86.desc (2025), most of them Linux's.
 */
import type { Baseline } from '../baseline/baseline.js';
import { type FeatureName, featureRow } from '../catalogue/index.js';
import { notExpressed, note } from './remark.js';
import type { Exported, Target } from './target.js';

/** Flags with Linux's name. */
const SAME: readonly FeatureName[] = [
  '3dnow',
  '3dnowext',
  'aes',
  'avx',
  'avx_vnni',
  'avx2',
  'avx512_4fmaps',
  'avx512_4vnniw',
  'avx512_bf16',
  'avx512_bitalg',
  'avx512_fp16',
  'avx512_vbmi2',
  'avx512_vnni',
  'avx512_vp2intersect',
  'avx512_vpopcntdq',
  'avx512bw',
  'avx512cd',
  'avx512dq',
  'avx512er',
  'avx512f',
  'avx512ifma',
  'avx512pf',
  'avx512vbmi',
  'avx512vl',
  'bmi1',
  'bmi2',
  'f16c',
  'fma4',
  'mmx',
  'mmxext',
  'popcnt',
  'rdrand',
  'sse',
  'sse2',
  'sse4_1',
  'sse4_2',
  'sse4a',
  'ssse3',
  'vpclmulqdq',
  'xop',
];
const OTHERS: Partial<Record<FeatureName, string>> = {
  fma: 'fma3',
  pclmulqdq: 'pclmul',
  phe: 'padlock',
  pni: 'sse3',
  sha_ni: 'sha',
};

function flagOf(name: FeatureName): string | undefined {
  return SAME.includes(name) ? name : OTHERS[name];
}

function write({ features }: Baseline): Exported {
  const flags = new Set(features.map(flagOf).filter((flag) => flag !== undefined));
  // SSE has all of it (the description: "mmxext or sse in cpuinfo").
  if (features.includes('sse')) flags.add('mmxext');
  const nameless = features.filter(
    (name) => featureRow(name).class === 'isa' && flagOf(name) === undefined,
  );
  return {
    content: `CPU_FLAGS_X86="${[...flags].sort().join(' ')}"\n`,
    remarks: [
      note(
        'For make.conf, or package.use as "*/* CPU_FLAGS_X86: …", of a host that builds for every host of the baseline.',
      ),
      note('CFLAGS decide what the compiler itself uses: --for gcc.'),
      ...(nameless.length === 0
        ? []
        : [notExpressed(`Gentoo has no flag for ${nameless.join(', ')}.`)]),
    ],
  };
}

export const gentoo: Target = { name: 'gentoo', file: 'make.conf', comments: 'hash', write };
