/**
 * How each runtime is told which instructions to leave. Only what its makers document or print in
 * their own help. "Unreached" are instructions that the runtime's setting has no name for; whether it
 * uses them at all is not told.
 */
import { type FeatureName, featureRow } from '../catalogue/index.js';
import type { Variable } from './environment.js';

export interface KnobResult {
  readonly settings: readonly Variable[];
  /** What can't be set by the environment. */
  readonly comments?: readonly string[];
  readonly unreached: readonly FeatureName[];
}

export interface Knob {
  readonly of: string;
  /** Where it is documented and for which releases. */
  readonly note: string;
  write(hidden: readonly FeatureName[]): KnobResult;
}

type Names = Partial<Record<FeatureName, string>>;

function isInstruction(name: FeatureName): boolean {
  return featureRow(name).class === 'isa';
}

function unnamed(hidden: readonly FeatureName[], reached: (name: FeatureName) => boolean) {
  return hidden.filter((name) => isInstruction(name) && !reached(name));
}

/** Everything that needs 512-bit vectors or their mask registers. */
function isAvx512(name: FeatureName): boolean {
  return name.startsWith('avx512') || name.startsWith('avx10');
}

/** The bit vectors of OPENSSL_ia32cap: two registers each, the first in the low half. */
const VECTORS: readonly (readonly string[])[] = [
  ['1.0.edx', '1.0.ecx'],
  ['7.0.ebx', '7.0.ecx'],
  ['7.0.edx', '7.1.eax'],
  ['7.1.edx', '7.1.ebx'],
  ['7.1.ecx', '24.0.ebx'],
];

/** OpenSSL keeps AMD's XOP in a bit of leaf 1 ECX. */
const XOP_BIT = 43;

function opensslPlace(name: FeatureName): { vector: number; bit: number } | undefined {
  if (name === 'xop') return { vector: 0, bit: XOP_BIT };
  const { leaf, subleaf, reg, bit } = featureRow(name);
  if (typeof bit !== 'number') return undefined;
  const register = `${leaf.toString(16)}.${subleaf}.${reg}`;
  const vector = VECTORS.findIndex((pair) => pair.includes(register));
  if (vector < 0) return undefined;
  return { vector, bit: VECTORS[vector]?.[1] === register ? bit + 32 : bit };
}

function writeOpenssl(hidden: readonly FeatureName[]): KnobResult {
  const masks = VECTORS.map(() => 0n);
  for (const place of hidden.map(opensslPlace))
    if (place !== undefined)
      masks[place.vector] = (masks[place.vector] as bigint) | (1n << BigInt(place.bit));
  const value = masks.map((mask) => `~0x${mask.toString(16)}`).join(':');
  return {
    settings: masks.some((mask) => mask !== 0n) ? [{ name: 'OPENSSL_ia32cap', value }] : [],
    unreached: unnamed(hidden, (name) => opensslPlace(name) !== undefined),
  };
}

/** HotSpot's own switches, one feature each. */
const JAVA_SWITCHES: Names = {
  bmi1: 'UseBMI1Instructions -XX:-UseCountTrailingZerosInstruction',
  bmi2: 'UseBMI2Instructions',
  abm: 'UseCountLeadingZerosInstruction',
  popcnt: 'UsePopCountInstruction',
  fma: 'UseFMA',
  aes: 'UseAES',
  pclmulqdq: 'UseCLMUL',
  sha_ni: 'UseSHA',
};

/** UseAVX and UseSSE are levels: what a lower one gives up besides. */
const JAVA_AVX: readonly (readonly [level: number, needs: readonly FeatureName[]])[] = [
  [0, ['avx']],
  [1, ['avx2']],
  [2, ['vaes', 'vpclmulqdq']],
];
const JAVA_SSE: readonly (readonly [level: number, needs: readonly FeatureName[]])[] = [
  [2, ['pni', 'ssse3']],
  [3, ['sse4_1', 'sse4_2']],
];

function javaLevel(levels: typeof JAVA_AVX, hidden: ReadonlySet<FeatureName>): number | undefined {
  return levels.find(([, needs]) => needs.some((name) => hidden.has(name)))?.[0];
}

function writeJava(hidden: readonly FeatureName[]): KnobResult {
  const gone = new Set(hidden);
  const avx = javaLevel(JAVA_AVX, gone) ?? (hidden.some(isAvx512) ? 2 : undefined);
  const sse = javaLevel(JAVA_SSE, gone);
  const options = [
    ...(avx === undefined ? [] : [`-XX:UseAVX=${avx}`]),
    ...(sse === undefined ? [] : [`-XX:UseSSE=${sse}`]),
    ...hidden.flatMap((name) =>
      JAVA_SWITCHES[name] === undefined ? [] : [`-XX:-${JAVA_SWITCHES[name]}`],
    ),
  ];
  const levelled = new Set([...JAVA_AVX, ...JAVA_SSE].flatMap(([, needs]) => needs));
  const reached = (name: FeatureName) =>
    isAvx512(name) || levelled.has(name) || JAVA_SWITCHES[name] !== undefined;
  return {
    settings:
      options.length === 0
        ? []
        : [
            {
              name: 'JAVA_TOOL_OPTIONS',
              value: `-XX:+IgnoreUnrecognizedVMOptions ${options.join(' ')}`,
            },
          ],
    comments: [
      'Eclipse OpenJ9 has no switch for a single feature: -XX:+PortableSharedCache has its compiler keep to a portable set.',
    ],
    unreached: unnamed(hidden, reached),
  };
}

const GO_NAMES: Names = {
  adx: 'adx',
  aes: 'aes',
  erms: 'erms',
  fsrm: 'fsrm',
  pclmulqdq: 'pclmulqdq',
  vpclmulqdq: 'vpclmulqdq',
  rdtscp: 'rdtscp',
  sha_ni: 'sha',
  popcnt: 'popcnt',
  pni: 'sse3',
  sse4_1: 'sse41',
  sse4_2: 'sse42',
  ssse3: 'ssse3',
  avx: 'avx',
  avx2: 'avx2',
  bmi1: 'bmi1',
  bmi2: 'bmi2',
  fma: 'fma',
  avx512f: 'avx512f',
  avx512cd: 'avx512cd',
  avx512bw: 'avx512bw',
  avx512dq: 'avx512dq',
  avx512vl: 'avx512vl',
};

function named(hidden: readonly FeatureName[], names: Names): string[] {
  return hidden.map((name) => names[name]).filter((name) => name !== undefined);
}

function writeGo(hidden: readonly FeatureName[]): KnobResult {
  const names = named(hidden, GO_NAMES);
  return {
    settings:
      names.length === 0
        ? []
        : [{ name: 'GODEBUG', value: names.map((name) => `cpu.${name}=off`).join(',') }],
    unreached: unnamed(hidden, (name) => GO_NAMES[name] !== undefined),
  };
}

const DOTNET_NAMES: Names = {
  aes: 'AES',
  avx: 'AVX',
  avx2: 'AVX2',
  bmi1: 'BMI1',
  bmi2: 'BMI2',
  fma: 'FMA',
  abm: 'LZCNT',
  movbe: 'MOVBE',
  pclmulqdq: 'PCLMULQDQ',
  popcnt: 'POPCNT',
  sse4_2: 'SSE42',
  sse4_1: 'SSE41',
  ssse3: 'SSSE3',
  pni: 'SSE3',
};

/** One group under EnableAVX2 from .NET 10 on. */
const DOTNET_AVX2_GROUP: ReadonlySet<FeatureName> = new Set<FeatureName>([
  'avx2',
  'bmi1',
  'bmi2',
  'f16c',
  'fma',
  'abm',
  'movbe',
]);
/** What .NET 10 can't run without but by giving up all of them. */
const DOTNET_BASE: ReadonlySet<FeatureName> = new Set<FeatureName>([
  'pni',
  'ssse3',
  'sse4_1',
  'sse4_2',
  'popcnt',
]);

function writeDotnet(hidden: readonly FeatureName[]): KnobResult {
  const names = new Set(named(hidden, DOTNET_NAMES));
  if (hidden.some((name) => DOTNET_AVX2_GROUP.has(name))) names.add('AVX2');
  if (hidden.some((name) => DOTNET_BASE.has(name))) names.add('HWIntrinsic');
  if (hidden.some(isAvx512)) for (const name of ['AVX512F', 'AVX512']) names.add(name);
  const reached = (name: FeatureName) =>
    DOTNET_NAMES[name] !== undefined || DOTNET_AVX2_GROUP.has(name) || isAvx512(name);
  return {
    settings: [...names].map((name) => ({ name: `DOTNET_Enable${name}`, value: '0' })),
    unreached: unnamed(hidden, reached),
  };
}

/** Releases up to 2.3 name features and bundles of them, later ones levels. */
const NUMPY_GROUPS: readonly (readonly [name: string, features: readonly FeatureName[]])[] = [
  ['F16C', ['f16c']],
  ['FMA3', ['fma']],
  ['AVX2', ['avx2']],
  ['AVX512F', ['avx512f']],
  ['AVX512CD', ['avx512cd']],
  ['AVX512_SKX', ['avx512bw', 'avx512dq', 'avx512vl']],
  ['AVX512_CLX', ['avx512_vnni']],
  ['AVX512_CNL', ['avx512ifma', 'avx512vbmi']],
  [
    'AVX512_ICL',
    ['avx512_vbmi2', 'avx512_bitalg', 'avx512_vpopcntdq', 'vaes', 'vpclmulqdq', 'gfni'],
  ],
  ['AVX512_SPR', ['avx512_fp16', 'avx512_bf16']],
  ['X86_V3', ['avx', 'avx2', 'bmi1', 'bmi2', 'f16c', 'fma', 'abm', 'movbe']],
  ['X86_V4', ['avx512f', 'avx512bw', 'avx512cd', 'avx512dq', 'avx512vl']],
];
/** A bundle falls with the one that it builds on. */
const NUMPY_ABOVE: readonly (readonly [below: string, above: readonly string[]])[] = [
  ['X86_V3', ['X86_V4']],
  ['X86_V4', ['AVX512_ICL']],
  ['AVX512_ICL', ['AVX512_SPR']],
];

function writeNumpy(hidden: readonly FeatureName[]): KnobResult {
  const gone = new Set(hidden);
  const names = new Set(
    NUMPY_GROUPS.filter(([, features]) => features.some((name) => gone.has(name))).map(
      ([name]) => name,
    ),
  );
  for (const [below, above] of NUMPY_ABOVE)
    if (names.has(below)) for (const name of above) names.add(name);
  const reached = new Set(NUMPY_GROUPS.flatMap(([, features]) => features));
  return {
    settings:
      names.size === 0 ? [] : [{ name: 'NPY_DISABLE_CPU_FEATURES', value: [...names].join(' ') }],
    unreached: unnamed(hidden, (name) => reached.has(name)),
  };
}

/** OpenBLAS kernels, richest first, and what each needs beyond those below it. */
const OPENBLAS_CORES: readonly (readonly [core: string, needs: readonly FeatureName[]])[] = [
  ['SapphireRapids', ['amx_tile', 'amx_bf16']],
  ['Cooperlake', ['avx512_bf16']],
  ['SkylakeX', ['avx512f', 'avx512bw', 'avx512cd', 'avx512dq', 'avx512vl']],
  ['Haswell', ['avx2', 'fma']],
  ['Sandybridge', ['avx']],
  ['Nehalem', ['sse4_2', 'sse4_1', 'ssse3']],
  ['Prescott', ['pni']],
];

function writeOpenblas(hidden: readonly FeatureName[]): KnobResult {
  const gone = new Set(hidden);
  const lowest = OPENBLAS_CORES.findLastIndex(([, needs]) => needs.some((name) => gone.has(name)));
  if (lowest < 0) return { settings: [], unreached: [] };
  const core = OPENBLAS_CORES[lowest + 1]?.[0];
  return core === undefined
    ? { settings: [], unreached: unnamed(hidden, () => false) }
    : { settings: [{ name: 'OPENBLAS_CORETYPE', value: core }], unreached: [] };
}

const NODE_NAMES: Names = {
  pni: 'sse3',
  ssse3: 'ssse3',
  sse4_1: 'sse4-1',
  sse4_2: 'sse4-2',
  lahf_lm: 'sahf',
  avx: 'avx',
  avx2: 'avx2',
  fma: 'fma3',
  bmi1: 'bmi1',
  bmi2: 'bmi2',
  abm: 'lzcnt',
  popcnt: 'popcnt',
};

function writeNode(hidden: readonly FeatureName[]): KnobResult {
  const names = named(hidden, NODE_NAMES);
  return {
    settings: [],
    comments:
      names.length === 0 ? [] : [`node ${names.map((name) => `--no-enable-${name}`).join(' ')} …`],
    unreached: unnamed(hidden, (name) => NODE_NAMES[name] !== undefined),
  };
}

export const KNOBS: readonly Knob[] = [
  {
    of: 'OpenSSL',
    note: 'OPENSSL_ia32cap(3). Releases before 3.5 read the first two of the numbers.',
    write: writeOpenssl,
  },
  {
    of: 'Java (HotSpot)',
    note: 'java -XX:+PrintFlagsFinal, JDK 8 to 21. The JVM reports that it picked the variable up.',
    write: writeJava,
  },
  {
    of: 'Go',
    note: 'release notes of Go 1.12; also read by golang.org/x/sys/cpu. A program that is built for a higher GOAMD64, or is too old for a name, reports an unknown feature and goes on. AVX-512 names: from Go 1.24 on.',
    write: writeGo,
  },
  {
    of: '.NET',
    note: ".NET 8 and 9 read EnableAVX512F, .NET 10 EnableAVX512 and fewer, larger groups; both are given. Code compiled ahead of time for a CPU isn't reached.",
    write: writeDotnet,
  },
  {
    of: 'NumPy',
    note: "NumPy's troubleshooting guide, 1.20 and later. Names of another release bring a warning that Python doesn't show by default.",
    write: writeNumpy,
  },
  {
    of: 'OpenBLAS',
    note: 'its README, for builds with DYNAMIC_ARCH. The kernels of a CPU type that lacks what is hidden.',
    write: writeOpenblas,
  },
  {
    of: 'Node.js',
    note: 'node --v8-options, Node.js 18 and later; only on the command line, NODE_OPTIONS refuses them.',
    write: writeNode,
  },
];
