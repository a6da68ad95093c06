/**
 * Which state components CPUs of a model offer, for hosts whose leaf 0xD isn't at hand: lists of flags
 * and of QEMU's properties have no places. From dumps of real CPUs with leaf 0xD (InstLatX64), in which
 * no two of one model place a component differently. Sizes and places are those of COMPONENTS: one
 * layout a vendor, but for Zen 2.
 */
import { COMPONENTS, type ComponentRow } from './components.js';

export interface XsaveDesign {
  readonly vendor: string;
  readonly family: number;
  readonly models: readonly number[];
  /**
   * XCR0 as leaf 0xD.0 EDX:EAX offers it, each value that was seen: parts of one model differ where
   * firmware or fuses take AVX, MPX or protection keys away.
   */
  readonly offered: readonly bigint[];
  /** All that leaf 0xD.1 EDX:ECX was seen to offer. */
  readonly supervisor: bigint;
  /** Components that aren't where the vendor's other CPUs have them. */
  readonly elsewhere?: Readonly<Record<number, { readonly size: number; readonly offset: number }>>;
}

/** Zen 2 offers PKRU, larger and lower than any other CPU, without having protection keys. */
const ZEN2 = { 9: { size: 64, offset: 832 } } as const;

export const XSAVE_DESIGNS: readonly XsaveDesign[] = [
  // Bulldozer to Excavator
  { vendor: 'AuthenticAMD', family: 21, models: [0, 1, 2, 16, 19, 48, 56, 96, 101, 112], offered: [0x4000000000000007n], supervisor: 0n },
  // Jaguar, Puma
  { vendor: 'AuthenticAMD', family: 22, models: [0, 38, 48], offered: [0x7n], supervisor: 0n },
  // Zen, Zen+
  { vendor: 'AuthenticAMD', family: 23, models: [0, 1, 8, 17, 24, 32, 80], offered: [0x7n], supervisor: 0n },
  // Zen 2
  { vendor: 'AuthenticAMD', family: 23, models: [49, 96, 104, 113, 132, 144, 145, 160], offered: [0x207n], supervisor: 0n, elsewhere: ZEN2 },
  { vendor: 'AuthenticAMD', family: 23, models: [71], offered: [0x4000000000000207n], supervisor: 0n, elsewhere: { ...ZEN2, 62: { size: 128, offset: 896 } } },
  // Zen 3
  { vendor: 'AuthenticAMD', family: 25, models: [1, 33, 68, 80], offered: [0x207n], supervisor: 0x1800n },
  // Zen 4
  { vendor: 'AuthenticAMD', family: 25, models: [17, 24, 97, 116, 117, 120, 124, 160], offered: [0x2e7n], supervisor: 0x1800n },
  // Zen 5
  { vendor: 'AuthenticAMD', family: 26, models: [2, 8, 17, 36, 68, 96, 104, 112], offered: [0x2e7n], supervisor: 0x1800n },
  { vendor: 'CentaurHauls', family: 6, models: [15], offered: [0x7n], supervisor: 0n },
  { vendor: 'CentaurHauls', family: 6, models: [71], offered: [0x2ffn], supervisor: 0x1800n },
  // Zhaoxin
  { vendor: 'CentaurHauls', family: 7, models: [11], offered: [0x7n, 0x207n], supervisor: 0x10000n },
  // Penryn
  { vendor: 'GenuineIntel', family: 6, models: [23], offered: [0x3n], supervisor: 0n },
  // Sandy Bridge to Broadwell
  { vendor: 'GenuineIntel', family: 6, models: [42, 45, 60, 61, 62, 63, 69, 70, 71, 79, 86], offered: [0x7n], supervisor: 0n },
  { vendor: 'GenuineIntel', family: 6, models: [58], offered: [0x3n, 0x7n], supervisor: 0n },
  // Skylake to Comet Lake
  { vendor: 'GenuineIntel', family: 6, models: [78, 166], offered: [0x1fn], supervisor: 0x100n },
  { vendor: 'GenuineIntel', family: 6, models: [94], offered: [0x3n, 0x1fn], supervisor: 0x100n },
  { vendor: 'GenuineIntel', family: 6, models: [142, 158], offered: [0x1bn, 0x1fn], supervisor: 0x100n },
  { vendor: 'GenuineIntel', family: 6, models: [165], offered: [0x1fn, 0x21fn], supervisor: 0x100n },
  // Skylake-SP, Cascade Lake, Cooper Lake
  { vendor: 'GenuineIntel', family: 6, models: [85], offered: [0xffn, 0x2ffn], supervisor: 0x100n },
  // Knights Landing
  { vendor: 'GenuineIntel', family: 6, models: [87], offered: [0xe7n], supervisor: 0n },
  // Goldmont, Goldmont Plus: MPX without AVX
  { vendor: 'GenuineIntel', family: 6, models: [92, 95, 122], offered: [0x1bn], supervisor: 0x100n },
  // Cannon Lake
  { vendor: 'GenuineIntel', family: 6, models: [102], offered: [0x2ffn], supervisor: 0x100n },
  // Ice Lake
  { vendor: 'GenuineIntel', family: 6, models: [106], offered: [0x2e7n], supervisor: 0x100n },
  { vendor: 'GenuineIntel', family: 6, models: [108], offered: [0xe7n], supervisor: 0n },
  { vendor: 'GenuineIntel', family: 6, models: [126], offered: [0x2e7n], supervisor: 0x2100n },
  // Lakefield, Tremont
  { vendor: 'GenuineIntel', family: 6, models: [138, 150, 156], offered: [0x3n], supervisor: 0x100n },
  // Tiger Lake
  { vendor: 'GenuineIntel', family: 6, models: [140, 141], offered: [0x2e7n], supervisor: 0x3900n },
  // Rocket Lake
  { vendor: 'GenuineIntel', family: 6, models: [167], offered: [0xffn, 0x2ffn], supervisor: 0x2100n },
  // Sapphire Rapids, Emerald Rapids, Granite Rapids
  { vendor: 'GenuineIntel', family: 6, models: [143, 207], offered: [0x602e7n], supervisor: 0xdd00n },
  { vendor: 'GenuineIntel', family: 6, models: [173], offered: [0x602e7n], supervisor: 0x1dd00n },
  // Alder Lake to Panther Lake; early Alder Lake had AVX-512
  { vendor: 'GenuineIntel', family: 6, models: [151], offered: [0x207n, 0x2e7n], supervisor: 0x19900n },
  { vendor: 'GenuineIntel', family: 6, models: [154, 170, 181, 183, 186, 190, 191, 215], offered: [0x207n], supervisor: 0x19900n },
  { vendor: 'GenuineIntel', family: 6, models: [189, 197, 198, 204, 213], offered: [0x207n], supervisor: 0x1d900n },
  // Dhyana
  { vendor: 'HygonGenuine', family: 24, models: [0, 1, 2, 16], offered: [0x7n], supervisor: 0n },
];

/** What CPUs of a model offer; undefined where no dump of one is known. */
export function findXsaveDesign(
  vendor: string,
  family: number,
  model: number,
): XsaveDesign | undefined {
  return XSAVE_DESIGNS.find(
    (row) => row.vendor === vendor && row.family === family && row.models.includes(model),
  );
}

export interface ComponentPlace {
  /** Bytes, in the standard format. */
  readonly size: number;
  readonly offset: number;
  /** To 64 bytes in the compacted format. */
  readonly aligned: boolean;
}

const AMD_PLACES: ReadonlySet<string> = new Set(['AuthenticAMD', 'HygonGenuine']);

/** Where CPUs of a model have a user component; undefined where none of them was seen to offer it. */
export function placeInDesign(design: XsaveDesign, bit: number): ComponentPlace | undefined {
  const row: ComponentRow | undefined = COMPONENTS.find((component) => component.bit === bit);
  const isOffered = design.offered.some((mask) => ((mask >> BigInt(bit)) & 1n) === 1n);
  const offset = AMD_PLACES.has(design.vendor) ? row?.offsetAmd : row?.offsetIntel;
  if (row === undefined || !isOffered || offset === undefined) return undefined;
  return { size: row.size, offset, aligned: row.aligned, ...design.elsewhere?.[bit] };
}
