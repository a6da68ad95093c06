/**
 * CPU features as JVMs with CRaC (Coordinated Restore at Checkpoint) print and take them: two numbers, in
 * -XX:+ShowCPUFeatures ("This machine's CPU features are: -XX:CPUFeatures=0x…,0x…"), in the option itself
 * in what is said of an image that doesn't fit, and in the file "tags" of an image. Bits of the first number mean the same in JDK 17 to 27,
 * a later release only has more of them; the second one's are numbered anew in 25 and 26.
 * Sources: src/hotspot/cpu/x86/vm_version_x86.hpp and .cpp of OpenJDK CRaC for 17, 21 and 25
 * (CPU_FEATURE_FLAGS, GLIBC_FEATURE_FLAGS, feature_flags(), glibc_flags()).
 */
import type { FeatureName } from '../catalogue/index.js';
import { EVERY_64_BIT_CPU } from '../catalogue/long-mode.js';
import { InputError } from '../model/errors.js';
import { rowsFromFeatures, xcr0FromFeatures } from '../model/from-features.js';
import type { Host } from '../model/host.js';
import { leafTable } from '../model/leaves.js';
import { hasBit64 } from '../model/registers.js';
import { type Format, type Input, malformed } from './format.js';

/**
 * What a clear bit says:
 * - absent: the CPU hasn't got it.
 * - under avx, under avx512f: that, where the other bit is set; else nobody looked.
 * - open: nothing. Looked for on Intel's CPUs only, or from some update of a release on.
 */
type WhenClear = 'absent' | 'under avx' | 'under avx512f' | 'open';

export interface CracBit {
  readonly bit: number;
  readonly name: FeatureName;
  readonly clear: WhenClear;
  /** First release that has it. */
  readonly since: number;
}

const OLDEST = 17;
/** From 28 on the first number is counted in another way. */
const NEWEST = 27;

function bits(
  since: number,
  clear: WhenClear,
  names: Readonly<Record<number, FeatureName>>,
): readonly CracBit[] {
  return Object.entries(names).map(([bit, name]) => ({ bit: Number(bit), name, clear, since }));
}

/**
 * Left out is what no bit of CPUID stands for (3 ht, 17 tscinv, 36 vzeroupper), and what a JVM reads in
 * a way of its own: control-flow enforcement (56, 57), AVX10's version (63).
 */
const FIRST: readonly CracBit[] = [
  ...bits(OLDEST, 'absent', {
    0: 'cx8',
    1: 'cmov',
    2: 'fxsr',
    4: 'mmx',
    5: '3dnowprefetch',
    6: 'sse',
    7: 'sse2',
    8: 'pni',
    9: 'ssse3',
    10: 'sse4a',
    11: 'sse4_1',
    12: 'sse4_2',
    13: 'popcnt',
    14: 'abm',
    15: 'tsc',
    16: 'nonstop_tsc',
    18: 'avx',
    20: 'aes',
    21: 'erms',
    22: 'pclmulqdq',
    23: 'bmi1',
    24: 'bmi2',
    25: 'rtm',
    26: 'adx',
    34: 'sha_ni',
    35: 'fma',
    41: 'clflush',
    42: 'clflushopt',
    46: 'hypervisor',
  }),
  ...bits(OLDEST, 'under avx', { 19: 'avx2', 27: 'avx512f' }),
  ...bits(OLDEST, 'under avx512f', {
    28: 'avx512dq',
    29: 'avx512pf',
    30: 'avx512er',
    31: 'avx512cd',
    32: 'avx512bw',
    33: 'avx512vl',
    37: 'avx512_vpopcntdq',
    38: 'vpclmulqdq',
    39: 'vaes',
    40: 'avx512_vnni',
    44: 'avx512_vbmi2',
    45: 'avx512vbmi',
  }),
  ...bits(OLDEST, 'open', { 43: 'clwb' }),
  ...bits(21, 'absent', { 48: 'rdtscp', 49: 'rdpid', 54: 'pku', 55: 'ospke' }),
  ...bits(21, 'under avx', { 53: 'f16c' }),
  ...bits(21, 'under avx512f', { 51: 'gfni', 52: 'avx512_bitalg' }),
  ...bits(21, 'open', { 47: 'serialize', 50: 'fsrm' }),
  ...bits(25, 'under avx512f', { 58: 'avx512ifma', 62: 'avx512_fp16' }),
  ...bits(25, 'open', { 59: 'avx_ifma', 60: 'apx', 61: 'sha512' }),
];

/** The second number, up to the release; 26's is not known well enough. */
const SECOND: readonly { readonly upTo: number; readonly bits: readonly CracBit[] }[] = [
  {
    upTo: 24,
    bits: bits(OLDEST, 'absent', {
      0: 'fma4',
      1: 'movbe',
      2: 'osxsave',
      5: 'xsave',
      6: 'cx16',
      7: 'lahf_lm',
      8: 'f16c',
      9: 'ht',
    }),
  },
  {
    upTo: 25,
    bits: [
      ...bits(25, 'absent', {
        1: 'fma4',
        2: 'movbe',
        3: 'osxsave',
        6: 'xsave',
        7: 'cx16',
        8: 'lahf_lm',
        9: 'ht',
      }),
      // Came with an update.
      ...bits(25, 'open', { 10: 'xsavec' }),
    ],
  },
];

/**
 * Bits of each number that a JVM of the release surely looks for in CPUID; the second list is empty where its
 * number isn't known.
 */
export function cracBits(
  release: number,
): readonly [first: readonly CracBit[], second: readonly CracBit[]] {
  const second = SECOND.find(({ upTo }) => release <= upTo)?.bits ?? [];
  const isSure = ({ since, clear }: CracBit) => since <= release && clear !== 'open';
  return [FIRST.filter(isSure), second.filter(isSure)];
}

/** Which of these such a JVM reads wrongly on AMD's CPUs. */
export function isMisread(name: FeatureName, release: number): boolean {
  return release < AMD_READ_RIGHT && MISREAD.has(name);
}

/** AMD's leaf 0x80000001 ECX is read one bit too high before this release. */
const AMD_READ_RIGHT = 25;
const MISREAD: ReadonlySet<FeatureName> = new Set(['3dnowprefetch', 'sse4a', 'abm', 'fma4']);

/** "0x4e1b9dfcfbf7,0x3e6"; early releases printed them without "0x". */
const NUMBER = '(?:0x)?([0-9a-f]{1,16})';
const PAIR = `(?:-XX:CPUFeatures=)?${NUMBER},${NUMBER}(?![0-9a-z,])`;
const FLAG_PAIR = '-XX:CPUFeatures=0x([0-9a-f]{1,16}),0x([0-9a-f]{1,16})(?![0-9a-z,])';

const THIS_MACHINE = new RegExp(`this machine's CPU features are:?\\s{1,8}${PAIR}`, 'gi');
const COMMON = new RegExp(`You have to specify ${PAIR}\\s{1,8}together`, 'gi');
const MISSING = new RegExp(`missing features of this CPU are\\s{1,8}${PAIR}`, 'gi');
const RETRY = new RegExp(`try using\\s{1,8}${PAIR}\\s{1,8}on\\s{1,8}checkpoint`, 'gi');
const IN_USE = new RegExp(`CPU features being used are:?\\s{1,8}${PAIR}`, 'gi');
const OPTION = new RegExp(FLAG_PAIR, 'g');
/** In the file "tags" of an image: the numbers' bytes as they lie in memory. Zeros may follow. */
const TAG = /^bitmap:cpu\.features=([0-9a-f]{16})([0-9a-f]{16})(?:00)*\s*$/gim;

type Numbers = readonly [first: bigint, second: bigint];

const ofDigits = (digits = '') => BigInt(`0x${digits}`);
const ofBytes = (hex = '') => ofDigits((hex.match(/../g) ?? []).reverse().join(''));

/** The only pair that the pattern finds; undefined: none. Throws InputError where pairs differ. */
function findPair(input: Input, pattern: RegExp, number = ofDigits): Numbers | undefined {
  const text = input.text();
  let found: Numbers | undefined;
  for (const match of text.matchAll(pattern)) {
    const numbers: Numbers = [number(match[1]), number(match[2])];
    if (found === undefined) found = numbers;
    else if (found[0] !== numbers[0] || found[1] !== numbers[1])
      throw malformed(
        input,
        'has CPU features of more than one JVM',
        { line: text.slice(0, match.index).split('\n').length },
        'Give the output of one.',
      );
  }
  return found;
}

interface Found {
  readonly set: Numbers;
  /** Bits that are known to be clear; "others": all but those set. */
  readonly clear: Numbers | 'others';
  readonly remark?: string;
}

function findFeatures(input: Input): Found | undefined {
  const machine = findPair(input, THIS_MACHINE);
  if (machine !== undefined) return { set: machine, clear: 'others' };
  const common = findPair(input, COMMON);
  if (common !== undefined)
    return {
      set: common,
      clear: findPair(input, MISSING) ?? [0n, 0n],
      remark:
        "The message says what this CPU has of an image's features, and what not; all others are unknown.",
    };
  const retry = findPair(input, RETRY);
  if (retry !== undefined)
    return {
      set: retry,
      clear: [0n, 0n],
      remark: "The message says what this CPU has of an image's features; all others are unknown.",
    };
  const used = findPair(input, IN_USE) ?? findPair(input, OPTION) ?? findPair(input, TAG, ofBytes);
  return (
    used && {
      set: used,
      clear: 'others',
      remark: 'These are the features that a JVM uses; the CPU may have more.',
    }
  );
}

const RELEASE = /\b(?:(?:openjdk|java)(?: version)?[ -]"?|zulu-?|jdk[- ]?)(\d{2})(?![0-9])/gi;

/** The JDK's release where the text names one, and no other. */
function findRelease(input: Input): number | undefined {
  const releases = new Set<number>();
  for (const [, digits] of input.text().matchAll(RELEASE)) releases.add(Number(digits));
  const [release, another] = releases;
  if (release === undefined || another !== undefined) return undefined;
  if (release < OLDEST || release > NEWEST)
    throw new InputError(
      'malformed',
      `is of JDK ${release}, whose numbering of CPU features cpugate doesn't know`,
      {
        place: { file: input.name },
        remedy: `Known are ${OLDEST} to ${NEWEST}. Record the host: "cpugate probe".`,
      },
    );
  return release;
}

/** What every JVM on x86-64 has set up to JDK 27 (-XX:CPUFeatures=generic). */
const ALWAYS: readonly FeatureName[] = [
  'cx8',
  'cmov',
  'fxsr',
  'mmx',
  'sse',
  'sse2',
  'tsc',
  'clflush',
];
/** No CPU has the first without the second. */
const IMPLIED: readonly (readonly [FeatureName, FeatureName])[] = [
  ['ssse3', 'pni'],
  ['sse4_1', 'ssse3'],
  ['sse4_2', 'sse4_1'],
  ['avx2', 'avx'],
  ['avx512f', 'avx2'],
];
/** One of AMD's, one of Intel's. */
const EXCLUSIVE: readonly [FeatureName, FeatureName] = ['sse4a', 'rtm'];

/** Numbers of JDK 28 and later look alike; read by the older numbering they make no CPU. */
function checkNumbering(input: Input, present: ReadonlySet<FeatureName>, release?: number): void {
  const lacking = ALWAYS.find((name) => !present.has(name));
  const alone = IMPLIED.find(([one, other]) => present.has(one) && !present.has(other));
  const both = EXCLUSIVE.every((name) => present.has(name));
  if (lacking === undefined && alone === undefined && !both) return;
  const what =
    lacking !== undefined
      ? `no ${lacking}`
      : alone !== undefined
        ? `${alone[0]} without ${alone[1]}`
        : EXCLUSIVE.join(' and ');
  throw malformed(
    input,
    `has CPU features of no CPU, when read as JDK ${release ?? `${OLDEST} to ${NEWEST}`} numbers them: ${what}`,
    {},
    'A later JDK numbers them otherwise. Record the host: "cpugate probe".',
  );
}

class Reading {
  readonly present = new Set<FeatureName>();
  readonly absent = new Set<FeatureName>();

  readonly #found: Found;
  /** The oldest that it can be. */
  readonly #release: number;

  constructor(found: Found, release: number | undefined) {
    this.#found = found;
    this.#release = release ?? OLDEST;
  }

  /** In this order: what others are under comes first. */
  take(word: 0 | 1, table: readonly CracBit[]): void {
    const { set, clear } = this.#found;
    for (const { bit, name } of table) if (hasBit64(set[word], bit)) this.present.add(name);
    for (const { bit, name, clear: says, since } of table) {
      if (since > this.#release || this.present.has(name)) continue;
      if (clear !== 'others' && !hasBit64(clear[word], bit)) continue;
      const counts =
        says === 'absent' ||
        (says === 'under avx' && this.present.has('avx')) ||
        (says === 'under avx512f' && this.present.has('avx512f'));
      if (counts) this.absent.add(name);
    }
  }

  /**
   * What an old JVM takes for another bit on AMD's CPUs: SSE4A's bit for LZCNT, that of misaligned SSE for
   * SSE4A. Only they set the latter, and all of them with AVX have it.
   */
  correctMisread(): void {
    const isAmd = this.present.has('sse4a');
    if (this.#release >= AMD_READ_RIGHT || (!isAmd && this.present.has('avx'))) return;
    // Either release has a bit for it then.
    const hasSse4a = isAmd && this.present.has('abm');
    for (const name of MISREAD) {
      this.present.delete(name);
      this.absent.delete(name);
    }
    if (hasSse4a) this.present.add('sse4a');
  }
}

function read(input: Input): Host {
  const found = findFeatures(input);
  if (found === undefined)
    throw malformed(
      input,
      'has no pair of numbers of CPU features',
      { at: '-XX:CPUFeatures' },
      'Expected "-XX:CPUFeatures=0x…,0x…", as "java -XX:+ShowCPUFeatures -version" prints it.',
    );
  const release = findRelease(input);
  const reading = new Reading(found, release);
  const { present, absent } = reading;
  reading.take(0, FIRST);
  checkNumbering(input, present, release);
  const second = SECOND.find(({ upTo }) => release !== undefined && release <= upTo);
  if (second !== undefined) reading.take(1, second.bits);
  reading.correctMisread();
  // JVMs with CRaC are 64-bit programs.
  for (const name of EVERY_64_BIT_CPU) present.add(name);
  // Both are set only where XGETBV says that their state is enabled.
  if (present.has('avx')) for (const name of ['xsave', 'osxsave'] as const) present.add(name);
  const enabled = new Set(present);
  if (!present.has('ospke')) enabled.delete('pku');
  const xcr0 = xcr0FromFeatures(enabled, (name) => {
    // Linux asks for avx512f, never for avx10, before it enables their state.
    if (name === 'avx10') return true;
    if (name === 'avx512f' && absent.has('avx')) return true;
    return name === 'pku' ? absent.has('ospke') : absent.has(name);
  });
  const rows = rowsFromFeatures(present, ({ name }) => absent.has(name) && !present.has(name));
  return {
    name: input.name,
    format: 'crac',
    kind: 'system',
    cpus: [{ logical: [0], leaves: leafTable(rows), xcr0 }],
    remarks: [
      ...(found.remark === undefined ? [] : [found.remark]),
      ...(second === undefined
        ? [
            release === undefined
              ? 'No release of the JDK is named, so that only the first number is read; put the output of "java -version" beside it.'
              : `The second number of JDK ${release} is not read.`,
          ]
        : []),
    ],
  };
}

export const crac: Format = {
  name: 'crac',
  title: 'CPU features of a JVM with CRaC',
  recognise: (input) =>
    /-XX:CPUFeatures=|^bitmap:cpu\.features=|\bCPU features (?:are|being used are):?\s{1,8}(?:0x)?[0-9a-f]{1,16},/m.test(
      input.head,
    ),
  read,
};
