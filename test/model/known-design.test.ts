import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FeatureName, ROWS } from '../../src/catalogue/index.js';
import { openInput } from '../../src/formats/format.js';
import { readHost } from '../../src/formats/index.js';
import { procCpuinfo } from '../../src/formats/proc-cpuinfo.js';
import { type Capabilities, describeHost } from '../../src/model/capabilities.js';
import {
  encodeSignature,
  mergeRows,
  partialRow,
  rowsFromFeatures,
  vendorRow,
} from '../../src/model/from-features.js';
import type { Cpu, Host } from '../../src/model/host.js';
import { withKnownDesign } from '../../src/model/known-design.js';
import { leafTable, readRegister } from '../../src/model/leaves.js';
import { ABSENT, PRESENT, presenceInMask, UNKNOWN } from '../../src/model/xsave.js';
import {
  type CpuinfoPlan,
  cpuinfoText,
  guestOf,
  PLANS,
  withoutFlag,
} from '../formats/cpuinfo-text.js';

async function hostOf(plan: CpuinfoPlan, kernel?: string): Promise<Host> {
  return readHost('cpuinfo', new TextEncoder().encode(cpuinfoText(plan)), { kernel });
}

async function seen(plan: CpuinfoPlan, kernel?: string): Promise<Capabilities> {
  return describeHost(await hostOf(plan, kernel));
}

/** Bit, size, offset of the components behind YMM state: Intel SDM vol. 1, 13.5; AMD APM vol. 2, 11.5. */
const INTEL_512 = [
  [5, 64, 1088],
  [6, 512, 1152],
  [7, 1024, 1664],
] as const;
const AMD_512 = [
  [5, 64, 832],
  [6, 512, 896],
  [7, 1024, 1408],
] as const;
const INTEL_MPX = [
  [3, 64, 960],
  [4, 64, 1024],
] as const;

describe('features that came later than the CPU', () => {
  it.each<[keyof typeof PLANS, FeatureName[]]>([
    [
      'bulldozer',
      ['apx', 'sm3', 'sm4', 'gfni', 'vaes', 'waitpkg', 'rdpid', 'pcommit', 'cvt16', 'avx_vnni'],
    ],
    [
      'haswell',
      ['apx', 'gfni', 'vaes', 'rdpid', 'movdiri', 'clzero', 'rdpru', 'pcommit', 'sha512'],
    ],
    ['skylakeX', ['apx', 'gfni', 'vaes', 'avx512_vnni', 'avx512_bf16', 'serialize', 'sm3']],
    [
      'iceLake',
      ['apx', 'waitpkg', 'movdiri', 'serialize', 'tsxldtrk', 'avx_vnni', 'sha512', 'rdpru'],
    ],
    ['zen', ['apx', 'rdpid', 'rdpru', 'vaes', 'gfni', 'sm3', 'pcommit']],
    ['zen2', ['apx', 'vaes', 'gfni', 'movdiri', 'avx_vnni', 'cvt16', 'sha512']],
    ['zen3', ['apx', 'gfni', 'avx_vnni', 'movdiri', 'serialize', 'sha512']],
    ['zen4', ['apx', 'avx_vnni', 'movdiri', 'avx_ifma', 'sha512']],
    ['zen5', ['apx', 'avx_ifma', 'sha512', 'amx_tile', 'avx512_bmm']],
  ])('%s', async (name, features) => {
    const host = await seen(PLANS[name]);
    for (const feature of features)
      expect([feature, host.hardware(feature)]).toEqual([feature, ABSENT]);
    expect(presenceInMask(host.xsave.enabled, 19)).toBe(ABSENT);
  });
  it('that it may have and that have no flag stay unknown', async () => {
    const host = await seen(PLANS.sierraForest);
    for (const feature of ['avx_ifma', 'cmpccxadd', 'sha512'] as const)
      expect([feature, host.hardware(feature)]).toEqual([feature, UNKNOWN]);
  });
  it('that it may have and whose flag its kernel may lack stay unknown', async () => {
    const host = await seen(withoutFlag(PLANS.zen2, 'rdpru'));
    expect(host.hardware('rdpru')).toBe(UNKNOWN);
    const told = await seen(withoutFlag(PLANS.zen2, 'rdpru'), '5.10');
    expect(told.hardware('rdpru')).toBe(ABSENT);
  });
  it.each([
    ['a guest, whatever its model', guestOf(PLANS.haswell)],
    ['a model that nobody knows', PLANS.unknown],
    ['a vendor that nobody knows', { ...PLANS.haswell, vendor: 'SomebodyElse' }],
  ])('are unknown of %s', async (_, plan) => {
    const host = await seen(plan);
    for (const feature of ['apx', 'sha512', 'waitpkg'] as const)
      expect([feature, host.hardware(feature)]).toEqual([feature, UNKNOWN]);
  });
  it('of a printed flag nothing is taken away', async () => {
    const host = await seen({ ...PLANS.bulldozer, flags: `${PLANS.bulldozer.flags} gfni` });
    expect(host.hardware('gfni')).toBe(PRESENT);
  });
});

describe('places of state components', () => {
  it.each<[string, CpuinfoPlan, readonly (readonly [number, number, number])[], number]>([
    ['Bulldozer', PLANS.bulldozer, [], 832],
    ['Haswell', PLANS.haswell, [], 832],
    ['Skylake with MPX', PLANS.skylake, INTEL_MPX, 1088],
    ['Skylake-X', PLANS.skylakeX, [...INTEL_MPX, ...INTEL_512, [9, 8, 2688]], 2696],
    ['Ice Lake', PLANS.iceLake, [...INTEL_512, [9, 8, 2688]], 2696],
    [
      'Sapphire Rapids',
      PLANS.sapphireRapids,
      [...INTEL_512, [9, 8, 2688], [17, 64, 2752], [18, 8192, 2816]],
      11008,
    ],
    ['Zen', PLANS.zen, [], 832],
    ['Zen 3', PLANS.zen3, [[9, 8, 2432]], 2440],
    ['Zen 4', PLANS.zen4, [...AMD_512, [9, 8, 2432]], 2440],
    ['Zen 5', PLANS.zen5, [...AMD_512, [9, 8, 2432]], 2440],
    ['a guest of that model', guestOf(PLANS.zen4), [...AMD_512, [9, 8, 2432]], 2440],
  ])('%s', async (_, plan, places, bytes) => {
    // The guest's kernel settles what its model can't.
    const { xsave } = await seen(plan, '6.12');
    expect(
      xsave.components
        .filter(({ bit }) => bit > 2)
        .map(({ bit, size, offset }) => [bit, size, offset]),
    ).toEqual(places);
    if (!plan.flags.includes('hypervisor')) expect(xsave.areaBytes).toBe(bytes);
  });
  it('of a model that nobody knows stay unknown', async () => {
    const { xsave } = await seen(PLANS.unknown, '6.12');
    const opmask = xsave.components.find(({ bit }) => bit === 5);
    expect(opmask).toMatchObject({ size: undefined, offset: undefined });
    expect(xsave.areaBytes).toBeUndefined();
  });
  it('tell what the kernel enabled, not what the CPU offers', async () => {
    const off = {
      ...PLANS.skylakeX,
      flags: PLANS.skylakeX.flags.replaceAll(/ (avx512\w+|pku|ospke|mpx)/g, ''),
    };
    const { xsave } = await seen(off, '5.10');
    expect(xsave.enabled.value).toBe(7n);
    expect(xsave.areaBytes).toBe(832);
  });
  // Intel SDM vol. 1, 13.4.3: one behind the other, by number; nothing of Linux's is in IA32_XSS there.
  it.each([
    ['Skylake', PLANS.skylake, 832 + 64 + 64],
    ['Skylake-X', PLANS.skylakeX, 832 + 64 + 64 + 64 + 512 + 1024 + 8],
    ['Zen', PLANS.zen, 832],
  ])('%s: the compacted size follows from them', async (_, plan, bytes) => {
    expect((await seen(plan)).xsave.compactedBytes).toBe(bytes);
  });
  it('the compacted size is unknown where the kernel may save supervisor state as well', async () => {
    expect((await seen(PLANS.zen4)).xsave.compactedBytes).toBeUndefined();
  });
  it('Zen 2 has PKRU state without its feature, and kernels before 4.15 enabled it', async () => {
    const open = await seen(PLANS.zen2);
    expect(presenceInMask(open.xsave.enabled, 9)).toBe(UNKNOWN);
    expect(open.xsave.areaBytes).toBeUndefined();
    const told = await seen(PLANS.zen2, '4.18');
    expect(presenceInMask(told.xsave.enabled, 9)).toBe(ABSENT);
    expect(told.xsave.areaBytes).toBe(832);
  });
});

describe('is said as such', () => {
  it('of a machine', async () => {
    const host = await hostOf(PLANS.skylakeX);
    expect(host.remarks).toEqual([
      "Features that the source doesn't mention and that came with later designs than GenuineIntel family 6 model 85 (Skylake-SP/X) count as absent.",
      "The places of its state components weren't read; they are those of every known GenuineIntel family 6 model 85 (Skylake-SP/X).",
    ]);
    expect(describeHost(host).assumedCpu).toBeUndefined();
  });
  it('of a guest', async () => {
    const host = await hostOf(guestOf(PLANS.zen4));
    expect(host.remarks).toEqual([
      "The places of its state components weren't read; they are assumed to be those of AuthenticAMD family 25 model 17 (Zen4/Zen4c), as which it shows itself.",
    ]);
    expect(describeHost(host).assumedCpu).toMatchObject({
      vendor: 'AuthenticAMD',
      signature: { family: 25, model: 17 },
    });
  });
  it('not where nothing was open', async () => {
    const { remarks } = await hostOf(guestOf(PLANS.haswell));
    expect(remarks).toEqual([]);
  });
});

/** A list of features without flags, as QEMU's answers are: leaf 0xD isn't there. */
function listed(features: readonly FeatureName[], xcr0: bigint): Host {
  const present = new Set<FeatureName>(features);
  const rows = [
    ...rowsFromFeatures(present, (row) => row.leaf === 1 || row.leaf === 7),
    vendorRow('GenuineIntel', 0x20),
    partialRow(1, { eax: encodeSignature({ family: 6, model: 106, stepping: 6 }) }),
  ];
  const known = 0xffffffffffffffffn;
  return {
    name: 'list',
    format: 'a list',
    kind: 'cpu',
    cpus: [{ logical: [0], leaves: leafTable(mergeRows(rows)), xcr0: { value: xcr0, known } }],
    remarks: [],
  };
}

describe('whatever flags there are', () => {
  const plans = Object.values(PLANS);
  const anyText = fc
    .tuple(
      fc.constantFrom(...plans),
      fc.constantFrom(...plans),
      fc.boolean(),
      fc.infiniteStream(fc.boolean()),
    )
    .map(([number, { flags }, isGuest, kept]) => {
      const some = flags.split(' ').filter(() => kept.next().value);
      const all = ['fpu', ...some, ...(isGuest ? ['hypervisor'] : [])].join(' ');
      return cpuinfoText({ ...number, flags: all });
    });
  const readBare = (text: string) =>
    procCpuinfo.read(openInput('cpuinfo', new TextEncoder().encode(text)));
  it('what was known stays as it was, and nothing is left to settle', () =>
    fc.assert(
      fc.property(anyText, (text) => {
        const before = readBare(text);
        const after = withKnownDesign(before);
        for (const row of before.cpus[0]?.leaves.rows ?? [])
          for (const register of ['eax', 'ebx', 'ecx', 'edx'] as const) {
            const known = row.known?.[register] ?? 0xffffffff;
            const now = readRegister(
              (after.cpus[0] as Cpu).leaves,
              row.leaf,
              row.subleaf,
              register,
            );
            expect((now.value & known) >>> 0).toBe((row[register] & known) >>> 0);
            expect((now.known & known) >>> 0).toBe(known);
          }
        expect(withKnownDesign(after).cpus).toEqual(after.cpus);
        const [seenBefore, seenAfter] = [describeHost(before), describeHost(after)];
        for (const { name } of ROWS)
          if (seenBefore.effective(name) !== UNKNOWN)
            expect(seenAfter.effective(name)).toBe(seenBefore.effective(name));
      }),
      { numRuns: 100 },
    ));
});

describe('any list of features', () => {
  const FEATURES: readonly FeatureName[] = [
    'fpu',
    'sse',
    'sse2',
    'xsave',
    'osxsave',
    'avx',
    'avx512f',
    'pku',
  ];
  it('has the places of its model', () => {
    const { xsave } = describeHost(withKnownDesign(listed(FEATURES, 0x2e7n)));
    expect(xsave.areaBytes).toBe(2696);
  });
  it('keeps what it tells itself', () => {
    const host = listed(FEATURES, 0x2e7n);
    const cpu = host.cpus[0];
    if (cpu === undefined) throw new Error('no CPU');
    const own = { leaf: 0xd, subleaf: 9, eax: 8, ebx: 4096, ecx: 0, edx: 0 };
    const told = { ...host, cpus: [{ ...cpu, leaves: leafTable([...cpu.leaves.rows, own]) }] };
    expect(describeHost(withKnownDesign(told)).xsave.areaBytes).toBe(4104);
  });
  it('of a named model is what it is', () => {
    const host: Host = { ...listed(FEATURES, 0x2e7n), kind: 'model' };
    expect(withKnownDesign(host)).toBe(host);
  });
});
