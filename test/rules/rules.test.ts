import { describe, expect, it } from 'vitest';
import { type Capabilities, describeHost } from '../../src/model/capabilities.js';
import { knownOf, type LeafRow, leafTable } from '../../src/model/leaves.js';
import { PRESENT } from '../../src/model/xsave.js';
import { addressWidth } from '../../src/rules/address-width.js';
import { cacheLineDiffers } from '../../src/rules/cache-line-differs.js';
import { compactedAreaGrows } from '../../src/rules/compacted-area-grows.js';
import { cpusDiffer } from '../../src/rules/cpus-differ.js';
import { dataMissing } from '../../src/rules/data-missing.js';
import { featureAdded } from '../../src/rules/feature-added.js';
import { hintMissing } from '../../src/rules/hint-missing.js';
import { identityDiffers } from '../../src/rules/identity-differs.js';
import { instructionMissing } from '../../src/rules/instruction-missing.js';
import { kernelFeatureMissing } from '../../src/rules/kernel-feature-missing.js';
import { signalFrameGrows } from '../../src/rules/signal-frame-grows.js';
import { stateAdded } from '../../src/rules/state-added.js';
import { stateLayout } from '../../src/rules/state-layout.js';
import { stateMissing } from '../../src/rules/state-missing.js';
import { stateNotEnabled } from '../../src/rules/state-not-enabled.js';
import { vendorDiffers } from '../../src/rules/vendor-differs.js';
import { xsaveAreaGrows } from '../../src/rules/xsave-area-grows.js';
import { xsaveAreaShrinks } from '../../src/rules/xsave-area-shrinks.js';
import {
  AMD_AVX512,
  AVX10_PARTS,
  HASWELL,
  type HostPlan,
  hostOf,
  INTEL_AVX512,
  seen,
  V2,
  V3,
  V4,
  YMM,
} from '../hosts.js';
import { ask } from './ask.js';
import { table } from './table.js';

const without = (...names: string[]) => ({
  features: HASWELL.features.filter((name) => !names.includes(name)),
});
const plus = (...names: HostPlan['features'][number][]) => ({
  features: [...HASWELL.features, ...names],
});

const SKYLAKE_SP: Partial<HostPlan> = {
  features: [...HASWELL.features, ...V4, 'xgetbv1', 'pku', 'ospke'],
  mask: 0x2e7n,
  places: { ...INTEL_AVX512, 9: [8, 2688] },
  areaBytes: 2696,
};
const ZEN4: Partial<HostPlan> = {
  ...SKYLAKE_SP,
  vendor: 'AuthenticAMD',
  places: { ...AMD_AVX512, 9: [8, 2432] },
  areaBytes: 2440,
};

describe('instruction-missing', () => {
  table(instructionMissing, [
    [
      'an instruction set goes: blocker with SIGILL',
      {},
      without('fma'),
      [{ severity: 'blocker', feature: 'fma', effect: expect.stringContaining('SIGILL') }],
    ],
    ['the target has it: nothing', {}, {}, []],
    ['the source lacks it: nothing', without('fma'), plus('adx'), []],
    [
      'TZCNT runs as BSF: said to be silent',
      {},
      without('bmi1'),
      [
        {
          severity: 'blocker',
          feature: 'bmi1',
          effect: expect.stringMatching(/^Silently wrong: TZCNT/),
        },
      ],
    ],
    [
      'LZCNT runs as BSR: said to be silent',
      {},
      without('abm'),
      [
        {
          severity: 'blocker',
          feature: 'abm',
          effect: expect.stringMatching(/^Silently wrong: LZCNT/),
        },
      ],
    ],
    [
      'an XSAVE instruction counts',
      {},
      without('xsaveopt'),
      [{ severity: 'blocker', feature: 'xsaveopt' }],
    ],
    ['a hint does not', {}, without('erms'), []],
    [
      'mmxext is a part of SSE: a note',
      plus('mmxext'),
      {},
      [{ severity: 'info', feature: 'mmxext' }],
    ],
    [
      'elision prefixes are ignored: a risk',
      plus('hle'),
      {},
      [{ severity: 'risk', feature: 'hle' }],
    ],
    [
      'the AVX10 version may not fall',
      { ...SKYLAKE_SP, features: [...(SKYLAKE_SP.features ?? []), ...AVX10_PARTS], avx10: 2 },
      { ...SKYLAKE_SP, features: [...(SKYLAKE_SP.features ?? []), ...AVX10_PARTS], avx10: 1 },
      [{ severity: 'blocker', feature: 'avx10_version' }],
    ],
    [
      'the AVX10 version may rise',
      { ...SKYLAKE_SP, features: [...(SKYLAKE_SP.features ?? []), ...AVX10_PARTS], avx10: 1 },
      { ...SKYLAKE_SP, features: [...(SKYLAKE_SP.features ?? []), ...AVX10_PARTS], avx10: 2 },
      [],
    ],
    [
      'the version of ACE may not fall',
      { ...ACE(), ace: 2 },
      { ...ACE(), ace: 1 },
      [{ severity: 'blocker', feature: 'ace_ai_version' }],
    ],
    ['the version of ACE may rise', { ...ACE(), ace: 1 }, { ...ACE(), ace: 2 }, []],
    [
      'ACE faults where the OS keeps no block scale register (XCR0 bit 20)',
      ACE(),
      { ...ACE(), mask: 0x602e7n },
      [{ feature: 'ace_ai' }, { feature: 'ace_ai_version' }],
    ],
    [
      'and no task can use it where the source keeps none',
      { ...ACE(), mask: 0x602e7n },
      {
        ...ACE(),
        mask: 0x602e7n,
        features: (ACE().features ?? []).filter((one) => !/^ace_ai/.test(one)),
      },
      [],
    ],
  ]);
  it('a prerequisite takes what needs it along, and the effect says why', () => {
    const findings = ask(
      instructionMissing,
      seen(HASWELL),
      seen({ ...HASWELL, ...without('avx') }),
    );
    expect(findings.map((one) => one.feature)).toEqual(['fma', 'avx', 'f16c', 'avx2']);
    expect(findings.find((one) => one.feature === 'avx2')?.effect).toContain(
      'avx, which it needs, is missing',
    );
  });
  it('what the OS does not enable counts as absent', () => {
    const findings = ask(
      instructionMissing,
      seen(HASWELL),
      seen({ ...HASWELL, mask: 0x3n, areaBytes: 576 }),
    );
    expect(findings.map((one) => one.feature)).toEqual(['fma', 'avx', 'f16c', 'avx2']);
    expect(findings[1]?.effect).toContain('ymm_hi128 off in XCR0');
  });
});

/** A CPU with AI Compute Extensions, under an OS that enables all that they need. */
function ACE(): Partial<HostPlan> {
  return {
    ...SKYLAKE_SP,
    features: [
      ...(SKYLAKE_SP.features ?? []),
      ...AVX10_PARTS,
      'xgetbv1',
      'xsaves',
      'xfd',
      'amx_tile',
      'avx10_v2_aux',
      'ace_ai',
      'ace_ai_version',
    ],
    mask: 0x1602e7n,
    places: { ...INTEL_AVX512, 9: [8, 2688], 17: [64, 2752], 18: [8192, 2816], 20: [128, 11008] },
    areaBytes: 11136,
  };
}

describe('kernel-feature-missing', () => {
  table(kernelFeatureMissing, [
    [
      'FSGSBASE instructions fault: blocker',
      {},
      without('fsgsbase'),
      [{ severity: 'blocker', feature: 'fsgsbase' }],
    ],
    [
      'a kernel that does not set CR4.FSGSBASE has none',
      {},
      { system: { hwcap2: 0n } },
      [{ severity: 'blocker', feature: 'fsgsbase' }],
    ],
    ['a kernel that says so in AT_HWCAP2 has', {}, { system: { hwcap2: 2n } }, []],
    ['RDTSCP faults: blocker', plus('rdtscp'), {}, [{ severity: 'blocker', feature: 'rdtscp' }]],
    ['RDPID faults: blocker', plus('rdpid'), {}, [{ severity: 'blocker', feature: 'rdpid' }]],
    [
      'a shadow stack is a risk',
      plus('shstk', 'xsavec', 'xsaves'),
      plus('xsavec', 'xsaves'),
      [{ severity: 'risk', feature: 'shstk' }],
    ],
    ['UMIP going makes nothing fault', plus('umip'), {}, [{ severity: 'info', feature: 'umip' }]],
    ['more at the target: nothing', {}, plus('rdtscp', 'umip'), []],
  ]);
});

describe('hint-missing', () => {
  table(hintMissing, [
    [
      'ERMS differs by firmware alone: a note',
      {},
      without('erms'),
      [{ severity: 'info', feature: 'erms' }],
    ],
    ['nothing is lost', {}, plus('fsrm'), []],
  ]);
});

describe('state-missing', () => {
  table(stateMissing, [
    [
      'PKRU is off at the target',
      { ...plus('pku', 'ospke'), mask: 0x207n, places: { ...YMM, 9: [8, 2688] }, areaBytes: 2696 },
      {},
      [{ severity: 'blocker', component: 'pkru' }],
    ],
    [
      'AVX-512 state goes as three components',
      SKYLAKE_SP,
      { ...plus('pku', 'ospke'), mask: 0x207n, places: { ...YMM, 9: [8, 2688] } },
      [{ component: 'opmask' }, { component: 'zmm_hi256' }, { component: 'hi16_zmm' }],
    ],
    ['the target enables as much', SKYLAKE_SP, SKYLAKE_SP, []],
    ['the target enables more', {}, SKYLAKE_SP, []],
    ["the target doesn't tell: not this rule's", {}, { maskUntold: true }, []],
  ]);
});

describe('state-added', () => {
  table(stateAdded, [
    [
      'PKRU only at the target',
      {},
      { ...plus('pku'), mask: 0x207n, places: { ...YMM, 9: [8, 2688] } },
      [{ severity: 'info', component: 'pkru' }],
    ],
    ['the same on both', SKYLAKE_SP, SKYLAKE_SP, []],
  ]);
});

describe('xsave-area-grows', () => {
  table(xsaveAreaGrows, [
    [
      'without XSAVEC at the source: blocker',
      {},
      SKYLAKE_SP,
      [{ severity: 'blocker', effect: expect.stringMatching(/832 to 2696.*memory corruption/) }],
    ],
    ['with XSAVEC at the source: risk', plus('xsavec'), SKYLAKE_SP, [{ severity: 'risk' }]],
    [
      'XSAVEC not told: unknown',
      { ...HASWELL, untold: ['xsavec'] },
      SKYLAKE_SP,
      [{ severity: 'unknown' }],
    ],
    ['as large: nothing', {}, {}, []],
    ['smaller: nothing', SKYLAKE_SP, {}, []],
    [
      'no XSAVE at the source: nobody sized anything',
      { features: V2, mask: 0n, areaBytes: undefined as never, places: {} },
      SKYLAKE_SP,
      [],
    ],
  ]);
});

describe('compacted-area-grows', () => {
  const MPX = { 3: [64, 960], 4: [64, 1024] } as const;
  const noMpx: Partial<HostPlan> = {
    features: V4,
    mask: 0xe7n,
    places: INTEL_AVX512,
    areaBytes: 2688,
  };
  const mpx: Partial<HostPlan> = { ...noMpx, mask: 0xffn, places: { ...INTEL_AVX512, ...MPX } };
  const mpxOff: Partial<HostPlan> = { ...mpx, mask: 0xe7n };
  const avx: Partial<HostPlan> = { ...HASWELL, ...plus('xsavec') };
  const glibc = (version: string) => ({ system: { glibc: { version } } });
  const blocker = {
    severity: 'blocker',
    remedy: 'launch-mask',
    facts: { what: 'moved', before: 2432, after: 2496, state: 'hi16_zmm', glibc: 'own' },
  } as const;
  table(compactedAreaGrows, [
    ['MPX moves AVX-512 behind the room: blocker', noMpx, mpx, [blocker]],
    ['the source shows MPX, enabled or not: nothing', mpxOff, mpx, []],
    ['the target shows MPX and leaves it off: nothing', noMpx, mpxOff, []],
    ['the other way: nothing', mpx, noMpx, []],
    ['as the same: nothing', noMpx, noMpx, []],
    [
      'the glibc of the source is one of those: blocker',
      { ...noMpx, ...glibc('2.36') },
      mpx,
      [blocker],
    ],
    [
      'it reserves enough since 2.40, others do not: risk',
      { ...noMpx, ...glibc('2.41') },
      mpx,
      [{ severity: 'risk', facts: { what: 'moved', before: 2432, glibc: 'other' } }],
    ],
    ['2.39 may be either: blocker', { ...noMpx, ...glibc('2.39') }, mpx, [blocker]],
    [
      'AVX-512 comes behind: risk',
      avx,
      noMpx,
      [{ severity: 'risk', facts: { what: 'behind', before: 832, state: 'opmask' } }],
    ],
    ['PKRU comes behind, which glibc does not save: nothing', noMpx, SKYLAKE_SP, []],
    ['without XSAVEC at the source: said by others', {}, noMpx, []],
    ['without XSAVEC at the target: said by others', noMpx, { ...mpx, features: V3 }, []],
    [
      'XSAVEC not told: unknown',
      { ...noMpx, features: V4.filter((name) => name !== 'xsavec'), untold: ['xsavec'] },
      mpx,
      [{ severity: 'unknown', facts: { what: 'unknown' } }],
    ],
    [
      'of the target it is not told what it enables: unknown',
      noMpx,
      { ...mpx, maskUntold: true },
      [{ severity: 'unknown' }],
    ],
    [
      'no OSXSAVE at the source, so glibc saves with FXSAVE: nothing',
      { ...noMpx, features: V4.filter((name) => name !== 'osxsave'), mask: 0n, places: {} },
      mpx,
      [],
    ],
    [
      'leaf 0xD not told at a target without XSAVE: nothing',
      noMpx,
      { features: V2, mask: 0n, areaBytes: undefined as never, places: {} },
      [],
    ],
  ]);

  it('says that a larger number in CPUID is larger, where both systems say it', () => {
    const said = (compactedBytes: number, basis: 'read' | 'derived' = 'read') => {
      const host = seen({ ...HASWELL, ...noMpx });
      return { ...host, xsave: { ...host.xsave, compactedBytes, basis } };
    };
    const found = ask(compactedAreaGrows, said(2432), said(2440));
    expect(found).toMatchObject([
      { severity: 'info', remedy: 'none', facts: { what: 'number', after: 2440 } },
    ]);
    expect(compactedAreaGrows.severityIn('strict', found[0]!)).toBe('blocker');
    expect(ask(compactedAreaGrows, said(2440), said(2432))).toEqual([]);
    expect(ask(compactedAreaGrows, said(2432), said(2440, 'derived'))).toEqual([]);
  });
});

describe('xsave-area-shrinks', () => {
  table(xsaveAreaShrinks, [
    ['smaller: a note', SKYLAKE_SP, {}, [{ severity: 'info' }]],
    ['as large: nothing', {}, {}, []],
    ['no XSAVE at the target: said by others', {}, { features: V2, mask: 0n }, []],
  ]);
});

describe('state-layout', () => {
  table(stateLayout, [
    [
      'AVX-512 and PKRU lie elsewhere on AMD: a risk each',
      SKYLAKE_SP,
      ZEN4,
      [
        {
          severity: 'risk',
          component: 'opmask',
          effect: expect.stringMatching(/64 bytes at 1088 on a, 64 bytes at 832 on b/),
        },
        { severity: 'risk', component: 'zmm_hi256' },
        { severity: 'risk', component: 'hi16_zmm' },
        {
          severity: 'risk',
          component: 'pkru',
          effect: expect.stringMatching(/8 bytes at 2688 on a, 8 bytes at 2432 on b/),
        },
      ],
    ],
    [
      'another size alone counts',
      { mask: 0x207n, places: { ...YMM, 9: [64, 832] } },
      { mask: 0x207n, places: { ...YMM, 9: [8, 832] } },
      [{ component: 'pkru' }],
    ],
    ['the same places: nothing', SKYLAKE_SP, SKYLAKE_SP, []],
    ["a place that isn't told is not this rule's", SKYLAKE_SP, { ...SKYLAKE_SP, places: YMM }, []],
    ['a component of one side only: nothing', {}, SKYLAKE_SP, []],
  ]);
});

describe('signal-frame-grows', () => {
  const frame = (bytes: number) => ({ system: { minSigStackBytes: bytes } });
  table(signalFrameGrows, [
    ['beyond MINSIGSTKSZ: risk', frame(1776), frame(3632), [{ severity: 'risk' }]],
    ['within MINSIGSTKSZ: nothing', frame(1200), frame(1776), []],
    ['smaller: nothing', frame(3632), frame(1776), []],
    ['not told: nothing', {}, frame(3632), []],
  ]);
});

describe('vendor-differs', () => {
  table(vendorDiffers, [
    ['Intel to AMD: risk', {}, { vendor: 'AuthenticAMD' }, [{ severity: 'risk' }]],
    [
      'AMD to Hygon: one design',
      { vendor: 'AuthenticAMD' },
      { vendor: 'HygonGenuine' },
      [{ severity: 'info' }],
    ],
    ['the same: nothing', {}, {}, []],
  ]);
});

describe('cache-line-differs', () => {
  table(cacheLineDiffers, [
    ['64 to 128 bytes: risk', {}, { lineBytes: 128 }, [{ severity: 'risk' }]],
    ['the same: nothing', {}, {}, []],
  ]);
});

describe('address-width', () => {
  table(addressWidth, [
    ['57 to 48 linear bits: risk', { linearBits: 57 }, {}, [{ severity: 'risk', remedy: 'boot' }]],
    ['fewer physical bits: a note', { physicalBits: 52 }, {}, [{ severity: 'info' }]],
    ['more of both: nothing', {}, { linearBits: 57, physicalBits: 52 }, []],
  ]);
});

describe('identity-differs', () => {
  table(identityDiffers, [
    [
      'another model: a note',
      {},
      { signature: [6, 85, 4] },
      [{ severity: 'info', effect: expect.stringContaining('model 0x55') }],
    ],
    [
      'another stepping: a note',
      { signature: [6, 85, 4] },
      { signature: [6, 85, 7] },
      [
        {
          severity: 'info',
          effect: expect.stringMatching(/model 0x55, stepping 4\).*model 0x55, stepping 7\)/),
        },
      ],
    ],
    [
      'a CPU without a name is called by its vendor',
      { vendor: 'GenuineIntel' },
      { signature: [6, 85, 4], vendor: 'GenuineIntel' },
      [{ severity: 'info', effect: expect.stringContaining('to GenuineIntel CPU (family') }],
    ],
    ['another name: a note', { brand: 'A' }, { brand: 'B' }, [{ severity: 'info' }]],
    ['the same: nothing', { brand: 'A' }, { brand: 'A' }, []],
  ]);
  it('names no stepping that is not known', () => {
    const { signature, ...host } = seen(HASWELL);
    const from = { ...host, signature: { family: 6, model: 85, stepping: undefined } };
    const [finding] = ask(identityDiffers, from, { ...host, signature });
    expect(finding?.effect).toMatch(/ from GenuineIntel CPU \(family 0x6, model 0x55\) to /);
  });
});

describe('feature-added', () => {
  table(featureAdded, [
    [
      'more at the target: a note each',
      {},
      plus('adx', 'fsrm'),
      [
        { severity: 'info', feature: 'adx' },
        { severity: 'info', feature: 'fsrm' },
      ],
    ],
    ['kernel features are nobody’s concern', {}, plus('smep'), []],
    ['less at the target: nothing', {}, without('fma'), []],
  ]);
});

describe('state-not-enabled', () => {
  const zen2 = {
    kind: 'cpu',
    features: V3,
    vendor: 'AuthenticAMD',
    mask: 0x207n,
    places: { ...YMM, 9: [64, 832] },
    areaBytes: 896,
  } as const;
  table(stateNotEnabled, [
    [
      'Zen 2 offers PKRU without pku: left off',
      zen2,
      {},
      [
        {
          severity: 'info',
          component: 'pkru',
          effect: expect.stringContaining('Linux leaves it off'),
        },
      ],
    ],
    ['with pku it is on', { ...zen2, features: [...V3, 'pku'] }, {}, []],
    ['what an OS says it enabled is enabled', { ...zen2, kind: 'system' }, {}, []],
    [
      'LWP is never enabled',
      { ...zen2, mask: 0x4000000000000007n, places: { ...YMM, 62: [128, 832] }, areaBytes: 960 },
      {},
      [{ component: 'lwp' }],
    ],
  ]);
  it('and what Linux leaves off is compared as absent', () => {
    const zen3 = {
      ...HASWELL,
      kind: 'cpu',
      vendor: 'AuthenticAMD',
      features: [...V3, 'pku'],
      mask: 0x207n,
      places: { ...YMM, 9: [8, 2432] },
      areaBytes: 2440,
    } as const;
    expect(ask(stateMissing, seen({ ...zen2, name: 'rome' }), seen(zen3))).toEqual([]);
    expect(ask(stateLayout, seen({ ...zen2, name: 'rome' }), seen(zen3))).toEqual([]);
    expect(ask(stateMissing, seen(zen3), seen(zen2))).toMatchObject([{ component: 'pkru' }]);
    expect(seen(zen2).xsave.areaBytes).toBe(832);
  });
});

describe('data-missing', () => {
  table(dataMissing, [
    ['all told: nothing', {}, {}, []],
    [
      "a feature of the source that the target doesn't tell",
      {},
      { untold: ['fma'], ...without('fma') },
      [
        {
          severity: 'unknown',
          feature: 'fma',
          effect: expect.stringMatching(/^Unknown for b: .*leaf 0x1\.0 ECX\[12\]/),
        },
      ],
    ],
    [
      'told by neither',
      { untold: ['fma'], ...without('fma') },
      { untold: ['fma'], ...without('fma') },
      [{ feature: 'fma' }],
    ],
    ['not told by the source, absent at the target', { untold: ['adx'] }, {}, [{ feature: 'adx' }]],
    [
      'not told by the source, present at the target: harmless',
      { untold: ['adx'] },
      plus('adx'),
      [],
    ],
    ['not told by the target, absent at the source: harmless', {}, { untold: ['adx'] }, []],
    [
      "a hint that isn't told matters to nobody",
      {},
      { untold: ['fsrm', 'erms'], ...without('erms') },
      [],
    ],
    [
      "the area's size",
      {},
      { areaBytes: undefined as never, places: {}, mask: 0x207n, ...plus('pku') },
      [{ component: 'xsave' }],
    ],
    [
      'a kernel that does not tell of FSGSBASE',
      {},
      { system: { hwcap2: undefined as never } },
      [{ feature: 'fsgsbase' }],
    ],
    [
      'the place of a shared component',
      SKYLAKE_SP,
      { ...SKYLAKE_SP, places: { ...INTEL_AVX512 } },
      [{ component: 'pkru' }],
    ],
    [
      'XSAVE sizes where the source has no XSAVE: harmless',
      { features: V2, mask: 0n },
      { areaBytes: undefined as never, places: {}, mask: 0x207n },
      [],
    ],
  ]);
  const avx10 = (version: number, name: string): HostPlan => ({
    ...SKYLAKE_SP_PLAN(),
    name,
    features: [...SKYLAKE_SP_PLAN().features, ...AVX10_PARTS],
    avx10: version,
  });
  // No twin, on which it would be the same.
  const OTHER_MODEL: HostPlan = { ...avx10(1, 'b'), signature: [6, 0xad, 1] };
  /** Of the version, CPUID 0x24.0 EBX[7:0], only the low four bits. */
  const partly = (plan: HostPlan) => {
    const host = hostOf(plan);
    const cut = (row: LeafRow): LeafRow =>
      row.leaf === 0x24 ? { ...row, known: { ...knownOf(row), ebx: ~0xf0 >>> 0 } } : row;
    return describeHost({
      ...host,
      cpus: host.cpus.map((cpu) => ({ ...cpu, leaves: leafTable(cpu.leaves.rows.map(cut)) })),
    });
  };
  it.each([
    ['the source tells a part', 'a', partly(avx10(1, 'a')), seen(avx10(1, 'b'))],
    ['the target tells a part', 'b', seen(avx10(2, 'a')), partly(avx10(2, 'b'))],
    ['both tell a part', 'a and b', partly(avx10(1, 'a')), partly(OTHER_MODEL)],
  ])('names the version of AVX10 of which %s', (_, who, from, to) => {
    for (const host of [from, to]) expect(host.effective('avx10_version')).toBe(PRESENT);
    expect(ask(dataMissing, from, to)).toMatchObject([
      {
        severity: 'unknown',
        feature: 'avx10_version',
        effect: expect.stringContaining(`Unknown for ${who}: `),
      },
    ]);
  });
  it('a lower version of AVX10 is missed where the source may not enable its state', () => {
    const versions = (before: number, after: number) =>
      ask(
        dataMissing,
        seen({ ...avx10(before, 'a'), maskUntold: true }),
        seen(avx10(after, 'b')),
      ).filter(({ feature }) => feature === 'avx10_version');
    expect(versions(2, 1)).toMatchObject([
      { severity: 'unknown', effect: expect.stringContaining('Unknown for a: ') },
    ]);
    expect(versions(1, 1)).toEqual([]);
    expect(versions(1, 2)).toEqual([]);
  });
  it('names every component that may be off at the target', () => {
    const findings = ask(
      dataMissing,
      seen(SKYLAKE_SP_PLAN()),
      seen({ ...SKYLAKE_SP_PLAN(), maskUntold: true }),
    );
    expect(findings.map((one) => one.component).filter(Boolean)).toEqual(
      expect.arrayContaining(['ymm_hi128', 'opmask', 'pkru', 'xsave']),
    );
  });
});

function SKYLAKE_SP_PLAN(): HostPlan {
  return { ...HASWELL, ...SKYLAKE_SP };
}

describe('cpus-differ', () => {
  it('a host whose CPUs disagree is a risk and counts with the intersection', () => {
    const mixed = seen({ ...HASWELL, name: 'mixed' }, [{ ...HASWELL, ...without('fma') }]);
    expect(ask(cpusDiffer, mixed, seen(HASWELL))).toMatchObject([
      {
        severity: 'risk',
        feature: 'fma',
        effect: expect.stringMatching(
          /The logical CPUs of mixed differ in fma: CPU 0 against CPU 1\. /,
        ),
      },
    ]);
    expect(ask(instructionMissing, seen(HASWELL), mixed)).toMatchObject([{ feature: 'fma' }]);
    expect(ask(instructionMissing, mixed, seen({ ...HASWELL, ...without('fma') }))).toEqual([]);
  });
  it('a layout that differs between CPUs is no layout', () => {
    const mixed = seen(SKYLAKE_SP_PLAN(), [
      { ...SKYLAKE_SP_PLAN(), places: { ...AMD_AVX512, 9: [8, 2688] } },
    ]);
    expect(
      ask(cpusDiffer, mixed, mixed)
        .map((one) => one.effect)
        .join(),
    ).toContain('XSAVE layout');
    expect(ask(dataMissing, mixed, mixed).map((one) => one.component)).toContain('opmask');
  });
  it('names no feature that no CPU has, for a prerequisite that only one has', () => {
    // /proc/cpuinfo: nothing is known of avx512_fp16, on either CPU; one has no AVX-512 at all.
    const big = { ...SKYLAKE_SP_PLAN(), untold: ['avx512_fp16'] as const };
    const little = { ...HASWELL, untold: ['avx512_fp16'] as const };
    const names = (host: Capabilities) => host.differences.map(({ what }) => what);
    const mixed = names(seen({ ...big, name: 'mixed' }, [little]));
    expect(mixed).toContain('avx512f');
    expect(mixed).not.toContain('avx512_fp16');
    // Where one CPU may have it, and the other is known not to, it is named.
    const known = names(seen({ ...big, name: 'mixed' }, [{ ...little, untold: [] }]));
    expect(known).toContain('avx512_fp16');
  });
  it('CPUs alike are no finding', () => {
    expect(ask(cpusDiffer, seen(HASWELL, [HASWELL]), seen(HASWELL))).toEqual([]);
  });
});
