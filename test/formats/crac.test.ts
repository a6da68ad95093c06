/** Numbers are made here of the JVM's own names in its order (CPU_FEATURE_FLAGS of vm_version_x86.hpp). */
import { describe, expect, it } from 'vitest';
import type { FeatureName } from '../../src/catalogue/index.js';
import { crac } from '../../src/formats/crac.js';
import { describeHost } from '../../src/model/capabilities.js';
import { ABSENT, PRESENT, type Presence, UNKNOWN } from '../../src/model/xsave.js';
import { failureOf, readWith, recognises } from './dump-text.js';

const NAMES =
  'cx8 cmov fxsr ht mmx 3dnowpref sse sse2 sse3 ssse3 sse4a sse4.1 sse4.2 popcnt lzcnt tsc tscinvbit tscinv ' +
  'avx avx2 aes erms clmul bmi1 bmi2 rtm adx avx512f avx512dq avx512pf avx512er avx512cd avx512bw avx512vl ' +
  'sha fma vzeroupper avx512_vpopcntdq avx512_vpclmulqdq avx512_vaes avx512_vnni clflush clflushopt clwb ' +
  'avx512_vbmi2 avx512_vbmi hv serialize rdtscp rdpid fsrm gfni avx512_bitalg f16c pku ospke cet_ibt cet_ss ' +
  'avx512_ifma avx_ifma apx_f sha512 avx512_fp16 avx10_1';
const SECOND_17 = 'fma4 movbe osxsave ibt shstk xsave cmpxchg16 lahfsahf f16c htt';
const SECOND_25 = `avx10_2 ${SECOND_17.replace(' f16c', '')} xsavec`;
/** JDK 28: without mmx and clflush. */
const NAMES_28 = NAMES.replace(' mmx', '').replace(' clflush ', ' ');

function number(names: string, order = NAMES): string {
  const all = order.split(' ');
  let value = 0n;
  for (const name of names.split(' ').filter((one) => one !== '')) {
    if (!all.includes(name)) throw new Error(`no ${name}`);
    value |= 1n << BigInt(all.indexOf(name));
  }
  return `0x${value.toString(16)}`;
}

const GENERIC = 'cx8 cmov fxsr mmx sse sse2 tsc clflush';
const V2 = `${GENERIC} sse3 ssse3 sse4.1 sse4.2 popcnt tscinvbit aes clmul erms`;
const HASWELL = `${V2} lzcnt avx avx2 bmi1 bmi2 fma vzeroupper ht`;
const SKYLAKE = `${HASWELL} 3dnowpref rtm adx clflushopt clwb avx512f avx512dq avx512cd avx512bw avx512vl`;
const ZEN = `${HASWELL} 3dnowpref sse4a adx sha clflushopt`;
const SECOND = 'movbe osxsave xsave cmpxchg16 lahfsahf f16c htt';

const pair = (first: string, second = SECOND) => `${number(first)},${number(second, SECOND_17)}`;
const shown = (numbers: string) =>
  `This machine's CPU features are: -XX:CPUFeatures=${numbers}\nCPU features being used are: -XX:CPUFeatures=0x200000080d7,0x0\n`;
const JDK_17 = 'openjdk version "17.0.9" 2023-10-17 LTS\n';
const JDK_21 = 'OpenJDK Runtime Environment Zulu21.40+17-CRaC-CA (build 21.0.6+7-LTS)\n';
const JDK_25 = 'openjdk 25.0.1 2025-10-21 LTS\n';

type Said = Partial<Record<FeatureName, Presence>>;

function said(text: string, features: Said, effective = false): Said {
  const host = describeHost(readWith(crac, text));
  return Object.fromEntries(
    Object.keys(features).map((name) => [
      name,
      host[effective ? 'effective' : 'hardware'](name as FeatureName),
    ]),
  );
}

describe('what a JVM says of its machine', () => {
  const skylake: Said = {
    pni: PRESENT,
    avx2: PRESENT,
    pclmulqdq: PRESENT,
    abm: PRESENT,
    rtm: PRESENT,
    avx512vl: PRESENT,
    clwb: PRESENT,
    sse4a: ABSENT,
    sha_ni: ABSENT,
    avx512_vnni: ABSENT,
    vaes: ABSENT,
    avx512er: ABSENT,
  };
  const haswell: Said = {
    avx2: PRESENT,
    avx512f: ABSENT,
    // Nobody looked: on a CPU without AVX-512 these are left out.
    vaes: UNKNOWN,
    vpclmulqdq: UNKNOWN,
    avx512dq: UNKNOWN,
    gfni: UNKNOWN,
    // Looked for on Intel's CPUs alone.
    clwb: UNKNOWN,
    // 17 has no bits for these.
    rdtscp: UNKNOWN,
    rdpid: UNKNOWN,
    pku: UNKNOWN,
  };
  it.each<[string, string, Said]>([
    ['Skylake, no JDK named', shown(pair(SKYLAKE)), skylake],
    ['Haswell, no JDK named', shown(pair(HASWELL)), haswell],
    ['Haswell, 17', JDK_17 + shown(pair(HASWELL)), haswell],
    ['without 0x', shown(pair(SKYLAKE)).replaceAll('0x', ''), skylake],
    [
      'where the given features do not fit',
      `Specified -XX:CPUFeatures=${pair(ZEN)}; this machine's CPU features are ${pair(SKYLAKE)}; missing features of this CPU are 0x400000400,0x0 = sse4a, sha\n`,
      skylake,
    ],
    [
      'generic alone',
      shown('0x200000080d7,0x0'),
      { sse2: PRESENT, pni: ABSENT, avx: ABSENT, avx2: UNKNOWN, cx16: UNKNOWN },
    ],
    [
      '21: bits that came later',
      JDK_21 + shown(pair(`${HASWELL} rdtscp pku ospke`)),
      { rdtscp: PRESENT, pku: PRESENT, rdpid: ABSENT, fsrm: UNKNOWN, serialize: UNKNOWN },
    ],
  ])('%s', (_, text, features) => {
    expect(said(text, features)).toEqual(features);
  });

  it('AVX and AVX-512 count with their state, as the JVM asks XGETBV', () => {
    const features: Said = { avx: PRESENT, avx2: PRESENT, avx512vl: PRESENT, xsave: PRESENT };
    expect(said(shown(pair(SKYLAKE)), features, true)).toEqual(features);
    const { value, known } = describeHost(readWith(crac, shown(pair(HASWELL)))).xsave.enabled;
    expect(value).toBe(7n);
    // AVX-512 is off; of PKRU, MPX and tiles a JVM says nothing.
    expect(known & 0xe4n).toBe(0xe4n);
    expect(known & 0x60218n).toBe(0n);
  });

  it('of an AMD CPU: what releases before 25 misread is unknown', () => {
    // The bit of lzcnt is that of SSE4A there, and that of sse4a another one.
    const misread: Said = { sse4a: PRESENT, abm: UNKNOWN, '3dnowprefetch': UNKNOWN, fma4: UNKNOWN };
    for (const version of ['', JDK_17, JDK_21])
      expect(said(version + shown(pair(ZEN)), misread)).toEqual(misread);
    const without: Said = { ...misread, sse4a: UNKNOWN };
    for (const version of ['', JDK_17])
      expect(said(version + shown(pair(ZEN.replace(' lzcnt', ''))), without)).toEqual(without);
    // Without AVX it may be an AMD CPU as well as one of Intel.
    expect(said(JDK_17 + shown(pair(V2)), without)).toEqual(without);
    expect(said(JDK_25 + shown(pair(V2)), { sse4a: ABSENT, abm: ABSENT })).toEqual({
      sse4a: ABSENT,
      abm: ABSENT,
    });
    const right: Said = { sse4a: PRESENT, abm: PRESENT, '3dnowprefetch': PRESENT, sha_ni: PRESENT };
    expect(said(JDK_25 + shown(pair(ZEN)), right)).toEqual(right);
  });
});

describe('the second number', () => {
  const told: Said = { movbe: PRESENT, cx16: PRESENT, lahf_lm: PRESENT, fma4: ABSENT };
  const unknown: Said = { movbe: UNKNOWN, cx16: UNKNOWN, lahf_lm: UNKNOWN, fma4: UNKNOWN };
  const of25 = shown(
    `${number(`${HASWELL} f16c rdtscp`)},${number('movbe osxsave xsave cmpxchg16 lahfsahf htt', SECOND_25)}`,
  );
  it.each<[string, string, Said]>([
    ['17', JDK_17 + shown(pair(SKYLAKE)), told],
    ['21', JDK_21 + shown(pair(SKYLAKE)), told],
    ['25', JDK_25 + of25, told],
    ['17, bare', JDK_17 + shown(pair(SKYLAKE, 'osxsave xsave')), { movbe: ABSENT, cx16: ABSENT }],
    ['25, later update', JDK_25 + of25.replace(/,0x\w+/, ',0x4cc'), { xsavec: PRESENT }],
    ['25, first update', JDK_25 + of25, { xsavec: UNKNOWN, f16c: PRESENT }],
    ['26', JDK_25.replace('25.0.1', '26.0.1') + of25, unknown],
    ['no release', shown(pair(SKYLAKE)), unknown],
    ['two releases', JDK_17 + JDK_25 + of25, unknown],
  ])('%s', (_, text, features) => {
    expect(said(text, features)).toEqual(features);
  });

  it('is left out aloud', () => {
    expect(readWith(crac, shown(pair(SKYLAKE))).remarks.join()).toMatch(/java -version/);
    expect(readWith(crac, JDK_17 + shown(pair(SKYLAKE))).remarks).toEqual([]);
  });
});

describe('other lines', () => {
  const image = pair(ZEN.replace(' sse4a', '').replace(' lzcnt', ''));
  const message = `You have to specify -XX:CPUFeatures=${pair(HASWELL)} together with -XX:CRaCCheckpointTo when making a checkpoint file; specified -XX:CRaCRestoreFrom file contains CPU features ${image}; missing features of this CPU are ${number('adx sha')},0x0 = adx, sha\n`;
  const retry = `Restore failed due to incompatible or missing CPU features, try using -XX:CPUFeatures=${pair(HASWELL)} on checkpoint.\n`;
  it.each<[string, string, Said, RegExp]>([
    [
      'an image that does not fit: what is missing is absent, all else unknown',
      message,
      { avx2: PRESENT, adx: ABSENT, sha_ni: ABSENT, clflushopt: UNKNOWN, avx512f: UNKNOWN },
      /image's features, and what not/,
    ],
    [
      'the same of later releases: nothing is absent',
      retry,
      { avx2: PRESENT, adx: UNKNOWN, sse4a: UNKNOWN, avx512f: UNKNOWN },
      /image's features; all others/,
    ],
    [
      'a command line',
      `java -XX:CPUFeatures=${pair(HASWELL)} -XX:CRaCCheckpointTo=cr -jar app.jar\n`,
      { avx2: PRESENT, adx: ABSENT },
      /may have more/,
    ],
    [
      'features in use',
      `CPU features being used are: -XX:CPUFeatures=${pair(HASWELL)}\n`,
      { avx2: PRESENT, adx: ABSENT },
      /may have more/,
    ],
  ])('%s', (_, text, features, remark) => {
    expect(said(text, features)).toEqual(features);
    expect(readWith(crac, text).remarks.join(' ')).toMatch(remark);
  });
});

describe('the file "tags" of an image', () => {
  /** As struct.pack('<QQ', first, second).hex() has them. */
  const tags = (hex: string) => `label:cpu.arch=amd64\nbitmap:cpu.features=${hex}\n`;
  it.each([
    ['two numbers', 'f7fbfd051c8eef03cc03000000000000'],
    ['zeros behind them', 'f7fbfd051c8eef03cc030000000000000000000000000000'],
  ])('holds the bytes of what the option has: %s', (_, hex) => {
    const { cpus } = readWith(crac, tags(hex));
    expect(cpus).toEqual(readWith(crac, '-XX:CPUFeatures=0x3ef8e1c05fdfbf7,0x3cc\n').cpus);
    expect(said(tags(hex), { avx2: PRESENT, rtm: ABSENT, movbe: UNKNOWN })).toEqual({
      avx2: PRESENT,
      rtm: ABSENT,
      movbe: UNKNOWN,
    });
  });
  it('is of a release that is named beside it', () => {
    const text = JDK_25 + tags('f7fbfd051c8eef03cc03000000000000');
    expect(said(text, { movbe: PRESENT, fma4: ABSENT })).toEqual({ movbe: PRESENT, fma4: ABSENT });
  });
});

describe('is refused:', () => {
  const intel28 = number(SKYLAKE.replace(' mmx', '').replace(' clflush ', ' '), NAMES_28);
  const amd28 = number(ZEN.replace(' mmx', '').replace(' clflush ', ' '), NAMES_28);
  it.each([
    ['no number', '-XX:CPUFeatures=native\n', /no pair of numbers/],
    ['one number', '-XX:CPUFeatures=0x200000080d7\n', /no pair of numbers/],
    ['three numbers', '-XX:CPUFeatures=0x200000080d7,0x0,0x0\n', /no pair of numbers/],
    ['a number that is cut', '-XX:CPUFeatures=0x200000080d7,', /no pair of numbers/],
    ['a number too long', `-XX:CPUFeatures=0x${'f'.repeat(17)},0x0\n`, /no pair of numbers/],
    ['two machines', shown(pair(SKYLAKE)) + shown(pair(ZEN)), /more than one JVM/],
    ['JDK 28', `openjdk 28 2027-09-21\n${shown(pair(SKYLAKE))}`, /JDK 28/],
    ['JDK 11', `openjdk version "11.0.2"\n${shown(pair(SKYLAKE))}`, /JDK 11/],
    ['generic of JDK 28', shown('0x4067,0x0'), /no mmx|no tsc/],
    ['an Intel CPU as JDK 28 numbers it', shown(`${intel28},0x0`), /as JDK 17 to 27 numbers/],
    ['an AMD CPU as JDK 28 numbers it', shown(`${amd28},0x0`), /as JDK 17 to 27 numbers/],
    ['tags that are cut', 'bitmap:cpu.features=f7fbfd051c8eef03cc\n', /no pair of numbers/],
    [
      'tags with more',
      `bitmap:cpu.features=${'f7fbfd051c8eef03'.repeat(3)}\n`,
      /no pair of numbers/,
    ],
    ['nonsense', JDK_25 + shown(pair(`${GENERIC} sse4.2`)), /as JDK 25 numbers them: sse4_2/],
  ])('%s', (_, text, message) => {
    expect(failureOf(crac, text).message).toMatch(message);
  });
  it('names the line of the second one', () => {
    expect(failureOf(crac, shown(pair(SKYLAKE)) + shown(pair(ZEN))).place.line).toBe(3);
  });
});

describe('recognising', () => {
  it.each([
    ['a log', `[0.004s][warning] x\n${shown(pair(SKYLAKE))}`, true],
    ['prose', 'The CPU features are: AVX2, FMA\n', false],
    ['tags', 'label:cpu.arch=amd64\nbitmap:cpu.features=f7fbfd05\n', true],
    ['tags of something else', 'label:jdk.version=25\nbitmap:gpu.features=f7\n', false],
    ['another option', 'java -XX:CPUFeature=1 -XX:UseAVX=2\n', false],
  ])('%s', (_, text, is) => {
    expect(recognises(crac, text)).toBe(is);
  });
});
