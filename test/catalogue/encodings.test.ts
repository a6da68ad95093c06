import { describe, expect, it } from 'vitest';
import { baselineOf } from '../../src/baseline/baseline.js';
import { ClusterFold } from '../../src/baseline/cluster.js';
import { kindKey, kindOf } from '../../src/baseline/host-kind.js';
import {
  COMPONENTS,
  type FeatureName,
  featureRow,
  neededState,
  ROWS,
} from '../../src/catalogue/index.js';
import { effectiveFeatures } from '../../src/model/capabilities.js';
import { countingPrerequisites } from '../../src/model/prerequisites.js';
import { INTEL_AVX512, seen } from '../hosts.js';

/**
 * By the opcode columns of the manuals ("VEX.256.66.0F38.W0 …", "EVEX.512…", "VEX.128…  tmm"), typed
 * by hand: Intel SDM vol. 2 and Architecture Instruction Set Extensions, AMD APM vol. 4 and 6 (XOP).
 */
const VEX =
  `avx avx2 fma f16c fma4 xop cvt16 vaes vpclmulqdq avx_vnni avx_vnni_int8 avx_vnni_int16 avx_ifma
  avx_ne_convert sha512 sm3 sm4`.split(/\s+/);
const EVEX =
  `avx512f avx512cd avx512er avx512pf avx512bw avx512dq avx512vl avx512ifma avx512vbmi avx512_vbmi2
  avx512_vnni avx512_bitalg avx512_vpopcntdq avx512_4vnniw avx512_4fmaps avx512_vp2intersect avx512_bf16
  avx512_fp16 avx512_bmm avx10 avx10_version avx10_128 avx10_256 avx10_512 avx10_v1_aux avx10_v2_aux
  amx_avx512 ace_ai ace_ai_version`.split(/\s+/);
const TILE =
  `amx_tile amx_int8 amx_bf16 amx_fp16 amx_complex amx_fp8 amx_tf32 amx_transpose amx_movrs
  amx_int8_alias amx_bf16_alias amx_fp16_alias amx_complex_alias`.split(/\s+/);
/** ANDN, BZHI, BEXTR …, CMPccXADD: VEX or XOP without a vector. */
const GENERAL_REGISTERS = ['bmi1', 'bmi2', 'tbm', 'cmpccxadd'];
/** Legacy opcodes, also where VEX and EVEX forms stand beside them (gfni, aes …). */
const LEGACY =
  `fpu cx8 cmov clflush mmx fxsr sse sse2 pni pclmulqdq ssse3 cx16 sse4_1 sse4_2 movbe popcnt aes xsave
  osxsave rdrand hle rtm mpx rdseed adx pcommit clflushopt clwb sha_ni pku waitpkg gfni movdiri movdir64b
  serialize tsxldtrk rao_int movrs xsaveopt xsavec xgetbv1 ptwrite mmxext lm 3dnowext 3dnow lahf_lm abm
  sse4a lwp mwaitx clzero rdpru rng ace ace2 phe pmm sm2 ccs rng2 phe2 rsa apx apx_nci_ndd_nf`.split(
    /\s+/,
  );

describe('encodings', () => {
  it.each([
    ['vex', VEX],
    ['evex', EVEX],
    ['vex-tile', TILE],
    ['vex-gpr', GENERAL_REGISTERS],
    [undefined, LEGACY],
  ] as const)('%s', (encoding, names) => {
    for (const name of names) expect(featureRow(name as FeatureName).encoding, name).toBe(encoding);
  });
  it('are told of every row that stands for instructions', () => {
    const told = new Set([...VEX, ...EVEX, ...TILE, ...GENERAL_REGISTERS, ...LEGACY]);
    const rows = ROWS.filter(({ class: kind }) => kind === 'isa' || kind === 'state');
    expect(rows.map((row) => row.name).filter((name) => !told.has(name))).toEqual([]);
    expect(ROWS.filter((row) => row.encoding !== undefined && !told.has(row.name))).toEqual([]);
  });
});

describe('the state of an encoding', () => {
  /** The feature that must be there for Linux to enable the component. */
  const reach = (name: FeatureName, found = new Set<string>()): Set<string> => {
    for (const needed of countingPrerequisites(name)) {
      found.add(needed);
      reach(needed, found);
    }
    return found;
  };
  it.each(ROWS.filter((row) => row.encoding !== undefined).map((row) => [row.name, row] as const))(
    '%s needs a feature that brings it',
    (name, row) => {
      const needed = reach(name).add(name);
      for (const bit of neededState(row)) {
        const bringing = COMPONENTS.find((one) => one.bit === bit)?.enabledBy ?? [];
        expect(
          bringing.some((one) => needed.has(one)),
          `component ${bit}`,
        ).toBe(true);
      }
    },
  );
});

/** Intel SDM vol. 2A, tables of exception classes: what must be set in XCR0. */
const NEEDED: readonly (readonly [readonly string[], bigint])[] = [
  [VEX, 0x6n],
  [EVEX, 0xe6n],
  [TILE, 0x60000n],
  // ACE specification 1.15, 3.2: tiles, block scale register and vectors.
  [['ace_ai', 'ace_ai_version'], 0x1600e6n],
];

const PLACES = {
  ...INTEL_AVX512,
  9: [8, 2688],
  17: [64, 2752],
  18: [8192, 2816],
  20: [128, 11008],
} as const;

/** A CPU with every bit there is, under an OS that enabled this. */
function everything(xcr0: bigint) {
  const features = ROWS.map((row) => row.name);
  return seen({
    features,
    kind: 'system',
    mask: xcr0,
    places: PLACES,
    areaBytes: 11136,
    system: { hwcap2: 2n },
  });
}

describe('no vector instruction counts without its state', () => {
  const masks = [0x3n, 0x7n, 0x207n, 0x23n, 0x27n, 0x67n, 0xa7n, 0xc7n, 0xe3n, 0xe7n, 0x2e7n];
  it.each(
    [...masks, 0x60003n, 0x20007n, 0x602e7n, 0x102e7n, 0x1600e3n, 0x160007n, 0x1400e7n].map(
      (mask) => [`0x${mask.toString(16)}`, mask],
    ),
  )('XCR0 %s', (_, given) => {
    const xcr0 = given as bigint;
    const host = everything(xcr0);
    const effective = new Set<string>(effectiveFeatures(host));
    const fold = new ClusterFold();
    const kind = kindOf(host);
    fold.add(kind, kindKey(kind), 'host');
    const shown = new Set<string>(baselineOf(fold.finish()).features);
    for (const [names, needed] of NEEDED)
      for (const name of names)
        if ((xcr0 & needed) !== needed) {
          expect(effective.has(name), name).toBe(false);
          expect(shown.has(name), name).toBe(false);
        }
  });
  it('and every one counts with all of it', () => {
    const all = COMPONENTS.filter(({ kind }) => kind === 'user').map(
      ({ bit }) => 1n << BigInt(bit),
    );
    const host = everything(all.reduce((a, b) => a | b, 0n));
    const effective = new Set<string>(effectiveFeatures(host));
    expect([...VEX, ...EVEX, ...TILE].filter((name) => !effective.has(name))).toEqual([]);
  });
});
