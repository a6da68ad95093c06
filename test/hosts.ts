/** Hosts made by hand: the fake sits where CPUID would answer. */
import { type FeatureName, ROWS } from '../src/catalogue/index.js';
import { type Capabilities, describeHost } from '../src/model/capabilities.js';
import {
  brandRows,
  encodeSignature,
  mergeRows,
  rowsFromFeatures,
  vendorRow,
} from '../src/model/from-features.js';
import type { Cpu, Host, HostKind, SystemFacts } from '../src/model/host.js';
import { type LeafRow, leafTable } from '../src/model/leaves.js';
import { USER_VISIBLE } from '../src/model/prerequisites.js';
import { ALL_KNOWN, ALL_KNOWN_64, NO_REGISTERS, type Registers } from '../src/model/registers.js';

export type Place = readonly [size: number, offset: number];

export interface HostPlan {
  readonly name?: string;
  readonly kind?: HostKind;
  readonly features: readonly FeatureName[];
  /** Features of which nothing is told. */
  readonly untold?: readonly FeatureName[];
  /** Value of avx10_version. */
  readonly avx10?: number;
  /** Value of ace_ai_version. */
  readonly ace?: number;
  /** XCR0 (kind system) or the supported mask (kind cpu); absent: 0. */
  readonly mask?: bigint;
  /** XCR0 isn't told. */
  readonly maskUntold?: true;
  /** By component bit. */
  readonly places?: Readonly<Record<number, Place>>;
  /** 0xD.0 EBX and ECX; absent: not told. */
  readonly areaBytes?: number;
  readonly vendor?: string;
  readonly signature?: readonly [family: number, model: number, stepping: number];
  readonly brand?: string;
  readonly lineBytes?: number;
  /** More than 48 bring la57 along, but where `withoutLa57` says that a hypervisor hides it. */
  readonly linearBits?: number;
  readonly withoutLa57?: true;
  readonly physicalBits?: number;
  readonly system?: SystemFacts;
  /** Of a host with AMX; as Intel SDM vol. 2A has palette 1, but for what is given. */
  readonly tiles?: Tiles | 'untold';
  /** Further registers; they win. */
  readonly leaves?: readonly LeafRow[];
}

export interface Tiles {
  readonly bytes?: number;
  readonly rowBytes?: number;
  readonly count?: number;
  readonly rows?: number;
  /** Bytes of a row that one multiplication takes. */
  readonly multiplied?: number;
}

/** Registers of a leaf; of the others nothing is told. */
export function leafRow(leaf: number, subleaf: number, registers: Partial<Registers>): LeafRow {
  const known = { ...NO_REGISTERS };
  for (const register of Object.keys(registers) as (keyof Registers)[]) known[register] = ALL_KNOWN;
  return { ...NO_REGISTERS, ...registers, leaf, subleaf, known };
}

function tileRows({ features, tiles = {} }: HostPlan): LeafRow[] {
  if (tiles === 'untold' || !features.includes('amx_tile')) return [];
  const { bytes = 1024, rowBytes = 64, count = 8, rows = 16, multiplied = 64 } = tiles;
  return [
    // Subleaf 2 is ACE's (ACE specification 1.15, 3.2).
    leafRow(0x1d, 0, { eax: features.includes('ace_ai') ? 2 : 1 }),
    leafRow(0x1d, 1, {
      eax: bytes * 2 ** 16 + bytes * count,
      ebx: count * 2 ** 16 + rowBytes,
      ecx: rows,
    }),
    leafRow(0x1e, 0, { ebx: multiplied * 2 ** 8 + 16 }),
  ];
}

/** What every 64-bit CPU has, in the catalogue's names. */
export const V1: readonly FeatureName[] = [
  'fpu',
  'tsc',
  'pae',
  'cx8',
  'cmov',
  'clflush',
  'mmx',
  'fxsr',
  'sse',
  'sse2',
  'lm',
  'syscall',
];
export const V2: readonly FeatureName[] = [
  ...V1,
  'cx16',
  'lahf_lm',
  'popcnt',
  'pni',
  'ssse3',
  'sse4_1',
  'sse4_2',
];
export const XSAVE: readonly FeatureName[] = ['xsave', 'osxsave', 'xsaveopt'];
export const V3: readonly FeatureName[] = [
  ...V2,
  ...XSAVE,
  'avx',
  'avx2',
  'bmi1',
  'bmi2',
  'f16c',
  'fma',
  'abm',
  'movbe',
];
export const V4: readonly FeatureName[] = [
  ...V3,
  'xsavec',
  'avx512f',
  'avx512bw',
  'avx512cd',
  'avx512dq',
  'avx512vl',
];

/** What a CPU with AVX10 has beyond V4, XSAVE apart. */
export const AVX10_PARTS = [
  'avx10',
  'avx10_version',
  'avx512_bf16',
  'avx512_bitalg',
  'avx512_fp16',
  'avx512_vbmi2',
  'avx512_vnni',
  'avx512_vpopcntdq',
  'avx512ifma',
  'avx512vbmi',
  'vaes',
  'vpclmulqdq',
  'pclmulqdq',
  'aes',
] as const;

export const YMM: Readonly<Record<number, Place>> = { 2: [256, 576] };
export const INTEL_AVX512: Readonly<Record<number, Place>> = {
  ...YMM,
  5: [64, 1088],
  6: [512, 1152],
  7: [1024, 1664],
};
export const AMD_AVX512: Readonly<Record<number, Place>> = {
  ...YMM,
  5: [64, 832],
  6: [512, 896],
  7: [1024, 1408],
};

function cpuRows(plan: HostPlan): LeafRow[] {
  const present = new Set(plan.features);
  if ((plan.linearBits ?? 48) > 48 && plan.withoutLa57 !== true) present.add('la57');
  const untold = new Set(plan.untold ?? []);
  const tells = (name: FeatureName) => !untold.has(name);
  const features = rowsFromFeatures(
    present,
    (row) => USER_VISIBLE.has(row.class) && tells(row.name),
    new Map<FeatureName, number>([
      ['avx10_version', plan.avx10 ?? 1],
      ['ace_ai_version', plan.ace ?? 1],
    ]),
  );
  const [family, model, stepping] = plan.signature ?? [6, 63, 2];
  const leaf1: LeafRow = {
    leaf: 1,
    subleaf: 0,
    ecx: 0,
    edx: 0,
    eax: encodeSignature({ family, model, stepping }),
    ebx: (((plan.lineBytes ?? 64) / 8) << 8) >>> 0,
    known: { eax: ALL_KNOWN, ebx: 0xff00, ecx: 0, edx: 0 },
  };
  const widths: LeafRow = {
    leaf: 0x80000008,
    subleaf: 0,
    ebx: 0,
    ecx: 0,
    edx: 0,
    eax: ((plan.linearBits ?? 48) << 8) | (plan.physicalBits ?? 46),
    known: { eax: 0xffff, ebx: 0, ecx: 0, edx: 0 },
  };
  const mask = plan.mask ?? 0n;
  const told = plan.areaBytes === undefined ? 0 : ALL_KNOWN;
  const area: LeafRow = {
    leaf: 0xd,
    subleaf: 0,
    eax: Number(mask & 0xffffffffn),
    edx: Number(mask >> 32n),
    ebx: plan.areaBytes ?? 0,
    ecx: plan.areaBytes ?? 0,
    known: { eax: ALL_KNOWN, ebx: told, ecx: told, edx: ALL_KNOWN },
  };
  const components = Object.entries(plan.places ?? {}).map(
    ([bit, [size, offset]]): LeafRow => ({
      leaf: 0xd,
      subleaf: Number(bit),
      eax: size,
      ebx: offset,
      ecx: 0,
      edx: 0,
    }),
  );
  return mergeRows([
    vendorRow(plan.vendor ?? 'GenuineIntel'),
    ...(plan.brand === undefined ? [] : brandRows(plan.brand)),
    leaf1,
    widths,
    ...features,
    ...(plan.maskUntold ? [] : [area]),
    ...components,
    ...tileRows(plan),
    ...(plan.leaves ?? []),
  ]);
}

export function cpuOf(plan: HostPlan, logical: readonly number[] = [0]): Cpu {
  const leaves = leafTable(cpuRows(plan));
  if ((plan.kind ?? 'system') !== 'system' || plan.maskUntold) return { logical, leaves };
  return { logical, leaves, xcr0: { value: plan.mask ?? 0n, known: ALL_KNOWN_64 } };
}

/** A host that tells all of the plan's features and, but for `untold`, the absence of the others. */
export function hostOf(plan: HostPlan, others: readonly HostPlan[] = []): Host {
  return {
    name: plan.name ?? 'host',
    format: 'made by hand',
    kind: plan.kind ?? 'system',
    cpus: [plan, ...others].map((one, place) => cpuOf(one, [place])),
    // A kernel since 5.9 says in AT_HWCAP2 that tasks may use FSGSBASE instructions.
    system: { hwcap2: 2n, ...plan.system },
    remarks: [],
  };
}

export function seen(plan: HostPlan, others: readonly HostPlan[] = []): Capabilities {
  return describeHost(hostOf(plan, others));
}

/** A Haswell server as Linux runs it. */
export const HASWELL: HostPlan = {
  name: 'haswell-1',
  features: [...V3, 'erms', 'aes', 'pclmulqdq', 'fsgsbase', 'rdrand'],
  mask: 0x7n,
  places: YMM,
  areaBytes: 832,
};

/** With AVX-512 by Intel's layout. */
export const INTEL_512: HostPlan = {
  name: 'intel-512',
  features: V4,
  mask: 0xe7n,
  places: INTEL_AVX512,
  areaBytes: 2688,
};

export const INTEL_AMX: HostPlan = {
  name: 'amx',
  features: [...V4, 'amx_tile', 'amx_int8', 'amx_bf16', 'xgetbv1', 'xfd'],
  mask: 0x600e7n,
  places: { ...INTEL_AVX512, 17: [64, 2752], 18: [8192, 2816] },
  areaBytes: 11_008,
};

export const userVisible = ROWS.filter((row) => USER_VISIBLE.has(row.class));
