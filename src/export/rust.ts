/**
 * rustc: the x86-64 level, and a feature for each beyond it that stable releases know. Names are those of
 * "rustc --print target-features" that are no longer unstable (1.89 and later).
 */
import type { Baseline } from '../baseline/baseline.js';
import { type FeatureName, featureRow, featuresOfLevel } from '../catalogue/index.js';
import { InputError } from '../model/errors.js';
import { impliedByOption } from './compiler-options.js';
import { notExpressed, note } from './remark.js';
import type { Exported, Target } from './target.js';

const NAMES: Partial<Record<FeatureName, string>> = {
  adx: 'adx',
  aes: 'aes',
  avx: 'avx',
  avx2: 'avx2',
  avx512_bf16: 'avx512bf16',
  avx512_bitalg: 'avx512bitalg',
  avx512_fp16: 'avx512fp16',
  avx512_vbmi2: 'avx512vbmi2',
  avx512_vnni: 'avx512vnni',
  avx512_vp2intersect: 'avx512vp2intersect',
  avx512_vpopcntdq: 'avx512vpopcntdq',
  avx512bw: 'avx512bw',
  avx512cd: 'avx512cd',
  avx512dq: 'avx512dq',
  avx512f: 'avx512f',
  avx512ifma: 'avx512ifma',
  avx512vbmi: 'avx512vbmi',
  avx512vl: 'avx512vl',
  avx_ifma: 'avxifma',
  avx_ne_convert: 'avxneconvert',
  avx_vnni: 'avxvnni',
  avx_vnni_int16: 'avxvnniint16',
  avx_vnni_int8: 'avxvnniint8',
  bmi1: 'bmi1',
  bmi2: 'bmi2',
  cx16: 'cmpxchg16b',
  f16c: 'f16c',
  fma: 'fma',
  gfni: 'gfni',
  abm: 'lzcnt',
  movbe: 'movbe',
  pclmulqdq: 'pclmulqdq',
  popcnt: 'popcnt',
  rdrand: 'rdrand',
  rdseed: 'rdseed',
  sha_ni: 'sha',
  sha512: 'sha512',
  sm3: 'sm3',
  sm4: 'sm4',
  pni: 'sse3',
  sse4_1: 'sse4.1',
  sse4_2: 'sse4.2',
  sse4a: 'sse4a',
  ssse3: 'ssse3',
  tbm: 'tbm',
  vaes: 'vaes',
  vpclmulqdq: 'vpclmulqdq',
  xsave: 'xsave',
  xsavec: 'xsavec',
  xsaveopt: 'xsaveopt',
  xsaves: 'xsaves',
};

function write({ level, features }: Baseline): Exported {
  if (level === undefined)
    throw new InputError('not-expressible', 'the baseline is below x86-64-v1', {
      remedy: "64-bit code needs all of that level; what rustc makes can't run on all hosts.",
    });
  const kept = new Set(features);
  const inLevel = featuresOfLevel(level);
  const beyond = features.filter((name) => !inLevel.has(name));
  // What a feature brings along must be there as well.
  const stays = (name: FeatureName) =>
    [...impliedByOption(name)].every((one) => kept.has(one) || NAMES[one] === undefined);
  const named = beyond.filter((name) => NAMES[name] !== undefined);
  const tooMuch = named.filter((name) => !stays(name));
  const nameless = beyond.filter(
    (name) => featureRow(name).class === 'isa' && NAMES[name] === undefined && name !== 'clflush',
  );
  const list = named.filter(stays).map((name) => `+${NAMES[name]}`);
  const target = level === 'x86-64-v1' ? 'x86-64' : level;
  return {
    content: `-Ctarget-cpu=${target}${list.length === 0 ? '' : ` -Ctarget-feature=${list.join(',')}`}\n`,
    remarks: [
      note('Options for code that runs on every host of the baseline; rustc 1.89 and later.'),
      note('RUSTFLAGS="$(grep -v \'^#\' FILE)" cargo build …'),
      note(
        'The standard library that comes with rustc is built for x86-64 alone; code that asks CPUID at run time is not held back by options.',
      ),
      ...(nameless.length === 0
        ? []
        : [notExpressed(`rustc has no stable name for ${nameless.join(', ')}.`)]),
      ...(tooMuch.length === 0
        ? []
        : [
            notExpressed(
              `${tooMuch.join(', ')} left out: rustc brings along with them what the baseline lacks.`,
            ),
          ]),
    ],
  };
}

export const rust: Target = { name: 'rust', file: 'rust-options.txt', comments: 'hash', write };
