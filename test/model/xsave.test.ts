/**
 * The XSAVE side of one CPU. Numbers are Intel SDM vol. 1, 13.1 to 13.4, and vol. 2A, CPUID leaf 0xD, and what published
 * dumps of Skylake-SP and Zen 2 hold.
 */
import { describe, expect, it } from 'vitest';
import type { FeatureName } from '../../src/catalogue/index.js';
import type { Cpu, HostKind } from '../../src/model/host.js';
import { type LeafRow, leafTable } from '../../src/model/leaves.js';
import { ALL_KNOWN_64, type Known64 } from '../../src/model/registers.js';
import {
  ABSENT,
  LEGACY_AREA_BYTES,
  offeredMask,
  PRESENT,
  type Presence,
  presenceInMask,
  readXsave,
  standardAreaBytes,
  stateComponent,
  UNKNOWN,
} from '../../src/model/xsave.js';

const ALL = 0xffffffff;
const NONE = { eax: 0, ebx: 0, ecx: 0, edx: 0 };

function row(subleaf: number, told: Partial<LeafRow>): LeafRow {
  return { leaf: 0xd, subleaf, ...NONE, ...told };
}

/** Leaf 0xD of Skylake-SP: AVX, MPX, AVX-512, PKRU. */
const SKYLAKE: readonly LeafRow[] = [
  row(0, { eax: 0x2ff, ebx: 2696, ecx: 2696 }),
  row(1, { eax: 0xf, ebx: 2568 }),
  row(2, { eax: 256, ebx: 576 }),
  row(3, { eax: 64, ebx: 960 }),
  row(4, { eax: 64, ebx: 1024 }),
  row(5, { eax: 64, ebx: 1088 }),
  row(6, { eax: 512, ebx: 1152 }),
  row(7, { eax: 1024, ebx: 1664 }),
  row(9, { eax: 8, ebx: 2688 }),
];

function changed(rows: readonly LeafRow[], subleaf: number, told: Partial<LeafRow>): LeafRow[] {
  return rows.map((one) => (one.subleaf === subleaf ? { ...one, ...told } : one));
}

function cpuOf(rows: readonly LeafRow[], xcr0?: bigint | Known64): Cpu {
  const known = typeof xcr0 === 'bigint' ? { value: xcr0, known: ALL_KNOWN_64 } : xcr0;
  // A leaf 0, so that what isn't among the rows is known to be zeros where leaf 0xD is.
  const table = leafTable([{ leaf: 0, subleaf: 0, ...NONE, eax: 0x20 }, ...rows]);
  return { logical: [0], leaves: table, ...(known === undefined ? {} : { xcr0: known }) };
}

function hardware(absent: readonly FeatureName[] = [], unknown: readonly FeatureName[] = []) {
  return (name: FeatureName): Presence =>
    absent.includes(name) ? ABSENT : unknown.includes(name) ? UNKNOWN : PRESENT;
}

/** What Skylake-SP lacks of what brings state. */
const LACKED: readonly FeatureName[] = ['amx_tile', 'apx', 'lwp', 'avx10', 'ace_ai'];
const skylake = hardware(LACKED);

function read(
  rows: readonly LeafRow[],
  {
    xcr0,
    kind = 'cpu',
    has = skylake,
  }: { xcr0?: bigint | Known64; kind?: HostKind; has?: typeof skylake } = {},
) {
  return readXsave(cpuOf(rows, xcr0), kind, has);
}

describe('a mask', () => {
  it.each([
    [0b100n, ALL_KNOWN_64, PRESENT],
    [0b000n, ALL_KNOWN_64, ABSENT],
    [0b011n, ALL_KNOWN_64, ABSENT],
    [0b000n, 0b011n, UNKNOWN],
    [0b000n, 0b100n, ABSENT],
  ])('%s of which %s is known has component 2: %i', (value, known, presence) => {
    expect(presenceInMask({ value, known }, 2)).toBe(presence);
  });

  it('of what the CPU offers is EDX and EAX of subleaf 0', () => {
    const { leaves } = cpuOf([row(0, { eax: 7, edx: 0x40000000 })]);
    expect(offeredMask(leaves)).toEqual({ value: 0x4000000000000007n, known: ALL_KNOWN_64 });
    const partly = cpuOf([row(0, { eax: 7, known: { eax: ALL, ebx: ALL, ecx: ALL, edx: 0 } })]);
    expect(offeredMask(partly.leaves)).toEqual({ value: 7n, known: 0xffffffffn });
  });
});

describe('the place of a component', () => {
  const { leaves } = cpuOf([
    ...SKYLAKE,
    row(17, { eax: 64, ebx: 2752, ecx: 2 }),
    row(10, { eax: 8, ecx: 1 }),
    row(18, { eax: 8192, ebx: 2816, ecx: 6, known: { eax: ALL, ebx: 0, ecx: 0, edx: ALL } }),
    row(19, { eax: 128, ebx: 960, known: { eax: 0xff, ebx: 0xffff, ecx: 1, edx: ALL } }),
    row(62, { eax: 128, ebx: 832, ecx: 0, known: { eax: ALL, ebx: ALL, ecx: 2, edx: 0 } }),
  ]);
  it.each([
    [0, 'x87', 160, 0, false],
    [1, 'sse', 256, 160, false],
    [2, 'ymm_hi128', 256, 576, false],
    [6, 'zmm_hi256', 512, 1152, false],
    [9, 'pkru', 8, 2688, false],
    [17, 'xtile_cfg', 64, 2752, true],
    [18, 'xtile_data', 8192, undefined, undefined],
    [19, 'apx', undefined, undefined, undefined],
    [62, 'lwp', 128, 832, false],
    [21, 'component 21', undefined, undefined, undefined],
  ])('%i (%s)', (bit, name, size, offset, aligned) => {
    expect(stateComponent(leaves, bit)).toEqual({ bit, name, size, offset, aligned });
  });

  it('is what the CPU says of AVX state, where it says something', () => {
    const { leaves: other } = cpuOf([row(2, { eax: 320, ebx: 640, ecx: 2 })]);
    expect(stateComponent(other, 2)).toMatchObject({ size: 320, offset: 640, aligned: true });
  });

  it('is known of AVX state where its subleaf was cut off, and of nothing else behind the header', () => {
    const cut = cpuOf([row(0, { eax: 0x2e7 })]).leaves;
    expect(stateComponent(cut, 2)).toMatchObject({ size: 256, offset: 576, aligned: false });
    expect(stateComponent(cut, 5)).toMatchObject({
      size: undefined,
      offset: undefined,
      aligned: undefined,
    });
  });

  it("of x87 and SSE state is the manual's, whatever subleaves 0 and 1 hold", () => {
    const { leaves: strange } = cpuOf([
      row(0, { eax: 7, ebx: 832 }),
      row(1, { eax: 15, ebx: 900, ecx: 2 }),
    ]);
    expect(stateComponent(strange, 0)).toMatchObject({ size: 160, offset: 0, aligned: false });
    expect(stateComponent(strange, 1)).toMatchObject({ size: 256, offset: 160, aligned: false });
  });
});

describe('the standard format', () => {
  const at = (bit: number, size?: number, offset?: number) => ({
    bit,
    name: `${bit}`,
    size,
    offset,
    aligned: false,
  });
  it.each([
    ['nothing', [], 576],
    ['legacy state', [at(0, 160, 0), at(1, 256, 160)], 576],
    ['AVX', [at(2, 256, 576)], 832],
    ['what lies last, listed first', [at(9, 8, 2688), at(2, 256, 576)], 2696],
    ['an unknown size', [at(2, 256, 576), at(9, undefined, 2688)], undefined],
    ['an unknown offset', [at(9, 8, undefined), at(2, 256, 576)], undefined],
  ])('with %s', (_, components, bytes) => {
    expect(standardAreaBytes(components)).toBe(bytes);
    expect(LEGACY_AREA_BYTES).toBe(512 + 64);
  });
});

describe('what the OS enables', () => {
  it('is XCR0 where it was read', () => {
    const xsave = read(SKYLAKE, { xcr0: 0x7n });
    expect(xsave).toMatchObject({ basis: 'read', enabled: { value: 7n, known: ALL_KNOWN_64 } });
    expect(xsave.offered.value).toBe(0x2ffn);
    expect(xsave.components.map(({ bit }) => bit)).toEqual([0, 1, 2]);
  });

  it('is what Linux would enable of a CPU, where it was not', () => {
    expect(read(SKYLAKE)).toMatchObject({
      basis: 'derived',
      enabled: { value: 0x2ffn, known: ALL_KNOWN_64 },
    });
  });

  it.each<[string, number, readonly FeatureName[], bigint]>([
    ['without PKU there is no PKRU state (Zen 2)', 0x207, ['pku'], 0x7n],
    ['without AVX-512 and AVX10 there is none of theirs', 0x2e7, ['avx512f', 'avx10'], 0x207n],
    ['AVX10 brings the state of AVX-512, too', 0x2e7, ['avx512f'], 0x2e7n],
    ['x87 and SSE state are always on', 0x3, ['fpu', 'sse'], 0x3n],
    ['without AVX there is no YMM state', 0x7, ['avx'], 0x3n],
    ['LWP is never switched on', 0x7, [], 0x7n],
    ['what nobody has named is not switched on', 0x200007, [], 0x7n],
    ['supervisor state is not in XCR0', 0x907, [], 0x7n],
    ['ACE has no Linux yet', 0x160007, [], 0x60007n],
  ])('of a CPU: %s', (_, offered, absent, enabled) => {
    const xsave = read([row(0, { eax: offered, edx: 0x40000000 })], { has: hardware(absent) });
    expect(xsave.enabled).toEqual({ value: enabled, known: ALL_KNOWN_64 });
  });

  it('is unknown where the feature is, or what the CPU offers', () => {
    const noPku = read(SKYLAKE, { has: hardware(LACKED, ['pku']) });
    expect(noPku.enabled).toEqual({ value: 0xffn, known: ALL_KNOWN_64 & ~0x200n });
    const oneOfTwo = read(SKYLAKE, { has: hardware(['avx10', 'amx_tile', 'apx'], ['avx512f']) });
    expect(oneOfTwo.enabled.known & 0xe0n).toBe(0n);
    expect(oneOfTwo.enabled.value & 0xe0n).toBe(0n);
    const noLeaf = read([], { has: hardware() });
    expect(noLeaf.offered.known).toBe(0n);
    expect(noLeaf.enabled.value).toBe(0n);
    // Managed by Linux: 0 to 7, 9, 17 to 19.
    expect(ALL_KNOWN_64 & ~noLeaf.enabled.known).toBe(0xe02ffn);
    expect(noLeaf.areaBytes).toBeUndefined();
  });

  it.each<[string, HostKind, readonly FeatureName[], bigint | undefined, string]>([
    ['a CPU without XSAVE', 'cpu', ['xsave'], undefined, 'derived'],
    ['a CPU without XSAVE, with an XCR0 that cannot be', 'cpu', ['xsave'], 7n, 'read'],
    ['a system without XSAVE', 'system', ['xsave'], undefined, 'derived'],
    ['a system without OSXSAVE', 'system', ['osxsave'], undefined, 'read'],
    ['a system without OSXSAVE, with an XCR0', 'system', ['osxsave'], 7n, 'read'],
  ])('is nothing on %s', (_, kind, absent, xcr0, basis) => {
    const xsave = read(SKYLAKE, {
      kind,
      has: hardware([...LACKED, ...absent]),
      ...(xcr0 === undefined ? {} : { xcr0 }),
    });
    expect(xsave).toMatchObject({
      basis,
      enabled: { value: 0n, known: ALL_KNOWN_64 },
      areaBytes: 0,
    });
    expect(xsave.components).toEqual([]);
    expect(xsave.offered.value).toBe(absent.includes('xsave') ? 0n : 0x2ffn);
  });

  it('does not hang on OSXSAVE where the OS is another', () => {
    const has = hardware([...LACKED, 'osxsave']);
    expect(read(SKYLAKE, { has }).enabled.value).toBe(0x2ffn);
    expect(read(SKYLAKE, { has, xcr0: 7n }).enabled.value).toBe(7n);
  });

  it('is unknown of a system that does not tell XCR0', () => {
    const xsave = read(SKYLAKE, { kind: 'system' });
    expect(xsave).toMatchObject({ basis: 'read', enabled: { value: 0n, known: 0n } });
    expect(xsave.areaBytes).toBe(2696);
    expect(
      read(SKYLAKE, { kind: 'system', has: hardware(LACKED, ['osxsave']) }).enabled.known,
    ).toBe(0n);
  });
});

describe('sizes', () => {
  it("are the CPU's own where the OS's choice was read", () => {
    const rows = changed(SKYLAKE, 0, { ebx: 1088 });
    expect(read(rows, { xcr0: 0x1fn })).toMatchObject({
      areaBytes: 1088,
      offeredBytes: 2696,
      compactedBytes: 2568,
    });
  });

  it('are added up where EBX is zero or was not told', () => {
    const zero = changed(SKYLAKE, 0, { ebx: 0 });
    const untold = changed(SKYLAKE, 0, { known: { eax: ALL, ebx: 0xffff, ecx: ALL, edx: ALL } });
    for (const rows of [zero, untold]) expect(read(rows, { xcr0: 0x1fn }).areaBytes).toBe(1088);
  });

  it('are unknown where a component may lie behind the others', () => {
    const rows = changed(SKYLAKE, 0, { ebx: 0 });
    const known = ALL_KNOWN_64 & ~0x200n;
    expect(read(rows, { xcr0: { value: 7n, known } }).areaBytes).toBeUndefined();
    // Bit 63 of XCR0 is reserved: it hides none.
    const beside = ALL_KNOWN_64 & ~(1n << 63n);
    expect(read(rows, { xcr0: { value: 7n, known: beside } }).areaBytes).toBe(832);
  });

  it('of a CPU are those of all that it offers, where Linux enables that', () => {
    expect(read(changed(SKYLAKE, 0, { ecx: 3000 })).areaBytes).toBe(3000);
    expect(read(changed(SKYLAKE, 0, { ecx: 0 }))).toMatchObject({
      areaBytes: 2696,
      offeredBytes: undefined,
    });
  });

  it('of a CPU are added up, where Linux enables less', () => {
    // Zen 2: 64 bytes for PKRU that stay unused.
    const zen2 = [
      row(0, { eax: 0x207, ebx: 832, ecx: 896 }),
      row(2, { eax: 256, ebx: 576 }),
      row(9, { eax: 64, ebx: 832 }),
    ];
    expect(read(zen2, { has: hardware(['pku']) })).toMatchObject({
      areaBytes: 832,
      offeredBytes: 896,
    });
  });

  it('are unknown of a CPU whose offer is known in part only', () => {
    const known = { eax: ALL, ebx: ALL, ecx: ALL, edx: 0 };
    const rows = changed(SKYLAKE, 0, { ecx: 3000, known });
    // What EDX would say is nothing that Linux enables: sizes add up to the same.
    expect(read(rows).areaBytes).toBe(2696);
    const hidden = changed(SKYLAKE, 0, { ecx: 3000, known: { ...known, eax: 0xff } });
    expect(read(hidden, { has: hardware(['amx_tile', 'apx']) }).areaBytes).toBeUndefined();
  });

  it('of the compacted format are unknown where subleaf 1 was not told, or holds none', () => {
    const untold = changed(SKYLAKE, 1, { known: { eax: ALL, ebx: 0, ecx: ALL, edx: ALL } });
    expect(read(untold).compactedBytes).toBeUndefined();
    expect(read(changed(SKYLAKE, 1, { ebx: 0 })).compactedBytes).toBeUndefined();
  });
});

/** Intel SDM vol. 2A, leaf 0xD: of a component that isn't offered, its subleaf answers zeros. */
describe('a subleaf that programs see, whatever the OS enables', () => {
  const partly = { eax: 0xff, ebx: ALL, ecx: ALL, edx: ALL };
  const nothing = { eax: 0, ebx: ALL, ecx: ALL, edx: ALL };
  const told = { size: 8, offset: 2688, aligned: false, isKnown: true };
  /** What the catalogue has of it. */
  const assumed = { size: 8, offset: undefined, aligned: false, isKnown: true };

  it.each<[string, readonly LeafRow[], bigint | undefined, object | undefined]>([
    ['offered, and answered', SKYLAKE, 7n, told],
    [
      'offered in another place (Zen 2)',
      changed(SKYLAKE, 9, { eax: 64, ebx: 832 }),
      7n,
      { ...told, size: 64, offset: 832 },
    ],
    ['not enabled, not offered, but answered', changed(SKYLAKE, 0, { eax: 7 }), 7n, told],
    ['offered, its row cut off', SKYLAKE.slice(0, -1), 7n, assumed],
    ['offered, its row all zeros', changed(SKYLAKE, 9, { eax: 0, ebx: 0 }), 7n, assumed],
    ['enabled, its row cut off and the offer too', [], 0x207n, assumed],
    ['perhaps offered, its row cut off', [], 7n, { ...assumed, isKnown: false }],
    ['not offered, its row cut off', [row(0, { eax: 7 })], 7n, undefined],
    ['not offered, its row all zeros', [row(0, { eax: 7 }), row(9, {})], 7n, undefined],
    [
      'not offered, its size told in part',
      [row(0, { eax: 7 }), row(9, { known: partly })],
      7n,
      { ...assumed, isKnown: false },
    ],
    [
      'not offered, its size not told',
      [row(0, { eax: 7 }), row(9, { known: nothing })],
      7n,
      { ...assumed, isKnown: false },
    ],
  ])('PKRU: %s', (_, rows, xcr0, expected) => {
    const { shown } = read(rows, xcr0 === undefined ? {} : { xcr0 });
    const pkru = shown.find(({ bit }) => bit === 9);
    expect(pkru).toEqual(expected === undefined ? undefined : { bit: 9, ...expected });
  });

  it('is of user state behind the header alone, and of all components that a CPU may offer', () => {
    const { shown } = read([], { has: hardware() });
    expect(shown.map(({ bit }) => bit)).toEqual([2, 3, 4, 5, 6, 7, 9, 17, 18, 19, 20, 62]);
    expect(read(SKYLAKE, { xcr0: 7n }).shown.map(({ bit }) => bit)).toEqual([2, 3, 4, 5, 6, 7, 9]);
  });
});
