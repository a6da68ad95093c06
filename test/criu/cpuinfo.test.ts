import { describe, expect, it } from 'vitest';
import { criuCpuinfo } from '../../src/criu/cpuinfo.js';
import { viewAsCriu } from '../../src/criu/view.js';
import { CRIU_WORDS, nameBit } from '../../src/criu/words.js';
import type { CriuCpuinfo } from '../../src/model/criu-cpuinfo.js';
import type { Cpu, Host, HostKind } from '../../src/model/host.js';
import { type LeafRow, leafTable } from '../../src/model/leaves.js';
import { ALL_KNOWN_64 } from '../../src/model/registers.js';

/** EBX, ECX, EDX of leaf 0. */
const VENDORS = {
  GenuineIntel: [0x756e6547, 0x6c65746e, 0x49656e69],
  AuthenticAMD: [0x68747541, 0x444d4163, 0x69746e65],
  HygonGenuine: [0x6f677948, 0x656e6975, 0x6e65476e],
  CentaurHauls: [0x746e6543, 0x736c7561, 0x48727561],
} as const;

interface Plan {
  readonly vendor?: keyof typeof VENDORS;
  readonly kind?: HostKind;
  readonly maxLeaf?: number;
  readonly eax1?: number;
  /** "leaf.subleaf register" to value. */
  readonly set?: Readonly<Record<string, number>>;
  /** Leaves that the source doesn't tell. */
  readonly untold?: readonly string[];
  /** The 48 letters; fewer end with NUL. */
  readonly name?: string;
  readonly xcr0?: bigint;
}

const LEAVES = ['1.0', '6.0', '7.0', 'd.0', 'd.1', 'f.0', 'f.1', '80000001.0', '80000007.0'];
const MORE = ['80000008.0', '8000000a.0'];

/** x87, FXSR: without them no CPU runs CRIU. */
const EDX1 = 0x01000001;
const XSAVE = 0x0c000000;
const AVX = 0x10000000;

function cpuOf(plan: Plan): Cpu {
  const { vendor = 'GenuineIntel', maxLeaf = 0xf, eax1 = 0x000306f2, name = 'A CPU' } = plan;
  const [ebx, ecx, edx] = VENDORS[vendor];
  const letters = name.padEnd(48, '\0');
  const word = (at: number) =>
    [3, 2, 1, 0].reduce((sum, byte) => sum * 256 + letters.charCodeAt(at + byte), 0);
  const rows: LeafRow[] = [
    { leaf: 0, subleaf: 0, eax: maxLeaf, ebx, ecx, edx },
    { leaf: 0x80000000, subleaf: 0, eax: 0x8000000a, ebx: 0, ecx: 0, edx: 0 },
    ...[0, 16, 32].map((at, place) => ({
      leaf: 0x80000002 + place,
      subleaf: 0,
      eax: word(at),
      ebx: word(at + 4),
      ecx: word(at + 8),
      edx: word(at + 12),
    })),
  ];
  for (const key of [...LEAVES, ...MORE]) {
    if (plan.untold?.includes(key)) continue;
    const [leaf, subleaf] = key.split('.').map((part) => Number.parseInt(part, 16));
    const value = (register: string, otherwise = 0) =>
      plan.set?.[`${key} ${register}`] ?? otherwise;
    rows.push({
      leaf: leaf as number,
      subleaf: subleaf as number,
      eax: value('eax', key === '1.0' ? eax1 : 0),
      ebx: value('ebx'),
      ecx: value('ecx'),
      edx: value('edx', key === '1.0' ? EDX1 : 0),
    });
  }
  const xcr0 = plan.xcr0 === undefined ? {} : { xcr0: { value: plan.xcr0, known: ALL_KNOWN_64 } };
  return { logical: [0], leaves: leafTable(rows), ...xcr0 };
}

function hostOf(plan: Plan, ...others: readonly Plan[]): Host {
  const cpus = [plan, ...others].map(cpuOf).map((cpu, place) => ({ ...cpu, logical: [place] }));
  return { name: 'host', format: 'made by hand', kind: plan.kind ?? 'system', cpus, remarks: [] };
}

function record(plan: Plan): CriuCpuinfo {
  const result = criuCpuinfo(hostOf(plan));
  if (result.outcome !== 'complete') throw new Error(JSON.stringify(result));
  return result.cpuinfo;
}

const bit = (word: number | undefined, place: number) => ((word ?? 0) >>> place) & 1;

describe('words', () => {
  it('stand where CRIU has them, each from its register', () => {
    const { words } = record({
      set: {
        '1.0 edx': 0x01000011,
        '80000001.0 edx': 0x22,
        '1.0 ecx': 0x33,
        '80000001.0 ecx': 0x44,
        '7.0 ebx': 0x55,
        'd.0 eax': 0x3,
        'd.1 eax': 0x66,
        '7.0 ecx': 0x77,
        'f.1 edx': 0x7,
        '80000008.0 ebx': 0x99,
        '6.0 eax': 0xaa,
        '8000000a.0 edx': 0xbb,
        'f.0 edx': 0x2,
        '80000007.0 ebx': 0xdd,
        '7.0 edx': 0xee,
      },
    });
    // REP_GOOD, NOPL and CPUID (bits 16, 20, 25) are Linux's own.
    const linux = 0x02110000;
    expect(words).toEqual([
      ...[0x01000011, 0x22, 0, linux, 0x33, 0, 0x44, 0, 0, 0x55, 0x66, 0x77],
      ...[0x7, 0x99, 0xaa, 0xbb, 0x2, 0xdd, 0xee],
    ]);
  });

  it('have no bits of leaves above the highest', () => {
    const set = { '7.0 ebx': 0x20, '6.0 eax': 1, '1.0 ecx': XSAVE };
    const { words } = record({ maxLeaf: 6, set });
    expect([words[9], words[14]]).toEqual([0, 1]);
    // And without leaf 0xD no XSAVE; what the OS set stays.
    expect(words[4]).toBe(0x08000000);
    expect(record({ maxLeaf: 0xd, set: { ...set, 'd.0 eax': 3 } }).words[4]).toBe(XSAVE);
  });

  it('hold leaf 0xF.1 only where leaf 0xF.0 counts the last cache', () => {
    expect(record({ set: { 'f.1 edx': 7, 'f.0 edx': 0 } }).words[12]).toBe(0);
  });

  it.each([
    ['Intel, family 6', 'GenuineIntel', 0x000306f2, 1],
    ['Intel, family 15', 'GenuineIntel', 0x00000f43, 0],
    ['Intel, family 19', 'GenuineIntel', 0x00400f10, 0],
    ['AMD, family 25', 'AuthenticAMD', 0x00a00f11, 1],
    ['Hygon, family 24', 'HygonGenuine', 0x00900f01, 1],
    ['AMD K8 before stepping C', 'AuthenticAMD', 0x00000f40, 0],
    ['AMD K8 of stepping C', 'AuthenticAMD', 0x00000f48, 1],
    ['AMD K8 between', 'AuthenticAMD', 0x00000f51, 0],
    ['AMD K8 of stepping E', 'AuthenticAMD', 0x00020f32, 1],
  ] as const)('REP_GOOD of %s', (_, vendor, eax1, good) => {
    expect(bit(record({ vendor, eax1 }).words[3], 16)).toBe(good);
  });

  it('lose what CRIU clears', () => {
    const set = { '1.0 edx': 0x81000001, '7.0 ebx': 0x200 };
    expect(record({ vendor: 'AuthenticAMD', eax1: 0x00a00f11, set }).words[0]).toBe(0x01000001);
    expect(record({ set }).words[0]).toBe(0x81000001);
    expect(record({ eax1: 0xf43, set }).words[9]).toBe(0);
    expect(record({ set }).words[9]).toBe(0x200);
  });
});

describe('identity', () => {
  it.each([
    ['GenuineIntel', 0x00050657, 'intel', 6, 0x55, 7],
    ['GenuineIntel', 0x00000f43, 'intel', 15, 4, 3],
    ['AuthenticAMD', 0x00a20f12, 'amd', 0x19, 0x21, 2],
    ['AuthenticAMD', 0x00020f32, 'amd', 15, 0x23, 2],
    ['HygonGenuine', 0x00900f01, 'amd', 0x18, 0, 1],
    ['GenuineIntel', 0x00000543, 'intel', 5, 4, 3],
  ] as const)('%s %i', (vendor, eax1, name, family, model, stepping) => {
    expect(record({ vendor, eax1 })).toMatchObject({ vendor: name, family, model, stepping });
  });

  it.each([
    ['  Intel(R) Xeon(R)', 'Intel(R) Xeon(R)'],
    ['AMD EPYC  ', 'AMD EPYC  '],
    [`${'x'.repeat(47)}y`, `${'x'.repeat(47)}y`],
    ['', undefined],
    ['   ', undefined],
  ])('the name "%s"', (name, modelId) => {
    expect(record({ name }).modelId).toBe(modelId);
  });
});

describe('state', () => {
  const FEATURES = { avx: AVX, mpx: 0x4000, avx512f: 0x10000, pku: 0x8 };
  /** SSE (bit 1) and BNDREGS (3) are never in the mask. */
  it.each([
    [0x7, ['avx'], 0x5],
    [0x2e7, ['avx', 'avx512f', 'pku'], 0x2e5],
    [0x2ff, ['avx', 'avx512f', 'pku', 'mpx'], 0x2f5],
    [0x1b, ['mpx'], 0x11],
    [0x602e7, ['avx', 'avx512f', 'pku'], 0x2e5],
    [0x2e7, ['avx', 'pku'], 0x205],
    [0x207, ['avx'], 0x5],
    [0x7, [], 0x1],
  ] as const)('%i with %j gives %i', (offered, features, mask) => {
    const has = (name: keyof typeof FEATURES) =>
      (features as readonly string[]).includes(name) ? FEATURES[name] : 0;
    const set = {
      '1.0 ecx': XSAVE | has('avx'),
      '7.0 ebx': has('mpx') | has('avx512f'),
      '7.0 ecx': has('pku'),
      'd.0 eax': offered,
    };
    expect(record({ set, xcr0: 3n }).xfeaturesMask).toBe(BigInt(mask));
  });

  const AVX512_OFFERED = {
    '1.0 ecx': XSAVE | AVX,
    'd.0 eax': 0xe7,
    'd.0 ebx': 576,
    'd.0 ecx': 2688,
  };

  it('has the sizes of the OS that was there', () => {
    const { xsaveSize, xsaveSizeMax } = record({ set: AVX512_OFFERED, xcr0: 3n });
    expect([xsaveSize, xsaveSizeMax]).toEqual([576, 2688]);
  });

  it('has the sizes that Linux would make where no OS is to be trusted', () => {
    const { xsaveSize, xsaveSizeMax } = record({ kind: 'cpu', set: AVX512_OFFERED });
    // x87, SSE and AVX: AVX-512's state without its instructions stays off.
    expect([xsaveSize, xsaveSizeMax]).toEqual([832, 2688]);
  });

  it('is empty without XSAVE', () => {
    const { xfeaturesMask, xsaveSize, xsaveSizeMax } = record({});
    expect([xfeaturesMask, xsaveSize, xsaveSizeMax]).toEqual([0n, 0, 0]);
  });

  it('is left as it was where x87 or SSE are not offered', () => {
    const set = { '1.0 ecx': XSAVE, 'd.0 eax': 0x5, 'd.0 ebx': 576, 'd.0 ecx': 832 };
    const { xfeaturesMask, xsaveSize, xsaveSizeMax } = record({ set, xcr0: 3n });
    expect([xfeaturesMask, xsaveSize, xsaveSizeMax]).toEqual([0x5n, 0, 0]);
  });

  it('mirrors Linux, not the OS under a dump, in OSXSAVE and OSPKE', () => {
    const set = { '1.0 ecx': 0x04000000, '7.0 ecx': 0x8, 'd.0 eax': 3, 'd.0 ecx': 576 };
    const dump = record({ kind: 'cpu', set });
    expect([dump.words[4], dump.words[11]]).toEqual([XSAVE, 0x18]);
    const live = record({ set: { ...set, 'd.0 ebx': 576 } });
    expect([live.words[4], live.words[11]]).toEqual([0x04000000, 0x8]);
  });
});

describe('what is not told', () => {
  const XSAVING = { '1.0 ecx': XSAVE, 'd.0 eax': 3, 'd.0 ebx': 576, 'd.0 ecx': 576 };

  it.each([
    ['6.0', {}, ['leaf 0x6.0 EAX']],
    ['80000008.0', {}, ['leaf 0x80000008.0 EBX']],
    ['d.1', { set: XSAVING }, ['leaf 0xd.1 EAX']],
    ['d.1', {}, undefined],
    ['d.1', { maxLeaf: 0xc }, undefined],
    ['f.1', { set: { 'f.0 edx': 0 } }, undefined],
    ['f.1', { set: { 'f.0 edx': 2 } }, ['leaf 0xf.1 EDX']],
    ['d.0', {}, undefined],
    [
      'd.0',
      { set: { '1.0 ecx': XSAVE | AVX } },
      ['ymm_hi128', "the XSAVE area's size", "the XSAVE area's largest size"],
    ],
  ] as const)('leaf %s: %j', (leaf, plan, missing) => {
    const result = criuCpuinfo(hostOf({ ...plan, untold: [leaf] }));
    if (missing === undefined) expect(result.outcome).toBe('complete');
    else expect(result).toEqual({ outcome: 'incomplete', missing });
  });

  it('is what logical CPUs show differently', () => {
    const result = criuCpuinfo(hostOf({ set: { '7.0 ebx': 0x28 } }, { set: { '7.0 ebx': 0x20 } }));
    expect(result).toEqual({ outcome: 'incomplete', missing: ['bmi1'] });
  });
});

describe('other hosts', () => {
  it('of vendors that CRIU does not know: an empty record of an Intel CPU', () => {
    const host = hostOf({ vendor: 'CentaurHauls', set: { '7.0 ebx': 0x20 } });
    expect(criuCpuinfo(host)).toEqual({ outcome: 'unsupported-vendor', vendor: 'CentaurHauls' });
    expect(viewAsCriu(host)).toMatchObject({ vendor: 'intel', modelId: 'not-stored' });
    expect(viewAsCriu(host).words.every(({ value, known }) => value === 0 && known > 0)).toBe(true);
  });

  it('that were read from an image keep its record', () => {
    const criu = { ...record({}), words: [1, 2, 3], family: 77 };
    expect(criuCpuinfo({ ...hostOf({}), criu })).toEqual({ outcome: 'complete', cpuinfo: criu });
  });
});

describe('names of bits', () => {
  it.each([
    [9, 5, 'avx2'],
    [3, 16, 'rep_good'],
    [3, 20, 'nopl'],
    [18, 24, 'amx_tile'],
    [1, 4, 'leaf 0x80000001.0 EDX[4]'],
    [2, 0, 'word 2[0]'],
  ])('word %i bit %i is %s', (word, place, name) => {
    expect(nameBit(word, place)).toBe(name);
  });

  it('has 19 words', () => {
    expect(CRIU_WORDS).toHaveLength(19);
  });
});
