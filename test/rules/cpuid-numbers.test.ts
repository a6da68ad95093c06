/** Rules about what CPUID tells beside features, and about what the kernel alone tells. */
import { describe, expect, it } from 'vitest';
import { maskOf } from '../../src/baseline/under-mask.js';
import type { FeatureName } from '../../src/catalogue/index.js';
import type { SystemFacts } from '../../src/model/host.js';
import type { TileGeometry } from '../../src/model/tile-geometry.js';
import { addressWidth } from '../../src/rules/address-width.js';
import { dataMissing } from '../../src/rules/data-missing.js';
import { featureAdded } from '../../src/rules/feature-added.js';
import { highestLeaf } from '../../src/rules/highest-leaf.js';
import { instructionMissing } from '../../src/rules/instruction-missing.js';
import { kernelFeatureMissing } from '../../src/rules/kernel-feature-missing.js';
import { splitLock } from '../../src/rules/split-lock.js';
import { tileGeometry } from '../../src/rules/tile-geometry.js';
import { tscRateDiffers } from '../../src/rules/tsc-rate-differs.js';
import { xsaveAreaGrows } from '../../src/rules/xsave-area-grows.js';
import { MOST_LEAVES, withTiles } from '../amx.js';
import { baselineOfPlans } from '../baseline/clusters.js';
import { HASWELL, type HostPlan, hostOf, INTEL_AVX512, leafRow, seen, V4 } from '../hosts.js';
import { compareHosts } from '../judge/between.js';
import { faultOf } from '../sentences.js';
import { ask } from './ask.js';
import { type Case, table } from './table.js';

/** In every mode, what two hosts that differ in one thing come to. */
const severityIn = (mode: 'portable' | 'strict' | 'instructions', code: string) => {
  return (from: Partial<HostPlan>, to: Partial<HostPlan>) =>
    compareHosts(
      hostOf({ ...HASWELL, name: 'a', ...from }),
      hostOf({ ...HASWELL, name: 'b', ...to }),
      {
        mode,
      },
    ).findings.find((finding) => finding.code === code)?.severity;
};

const plus = (...names: FeatureName[]) => ({ features: [...HASWELL.features, ...names] });
const flags = (...cpuinfoFlags: string[]): { system: SystemFacts } => ({
  system: { cpuinfoFlags },
});

describe('ring-3 MONITOR and MWAIT', () => {
  /** Knights Landing. */
  const phi = {
    ...plus('monitor'),
    vendor: 'GenuineIntel',
    signature: [6, 0x57, 1] as const,
  };
  const on = { ...phi, system: { hwcap2: 3n } };
  const off = { ...phi, system: { hwcap2: 2n } };
  table(kernelFeatureMissing, [
    [
      'the kernel of the target keeps it off: blocker',
      on,
      off,
      [{ severity: 'blocker', feature: 'ring3mwait', effect: expect.stringContaining('SIGILL') }],
    ],
    ['the other way: nothing', off, on, []],
    ['a target of another model never has it', on, plus('monitor'), [{ feature: 'ring3mwait' }]],
    ['both have it: nothing', on, on, []],
  ]);
  it('is unknown where the target does not tell', () => {
    const bare = { ...seen({ ...HASWELL, ...phi }), kernelFact: () => 1 as const };
    expect(ask(dataMissing, seen({ ...HASWELL, ...on }), bare)).toMatchObject([
      { severity: 'unknown', feature: 'ring3mwait' },
    ]);
  });
  it('is nothing that tasks under a mask have seen', () => {
    const mask = maskOf('mask', baselineOfPlans([{ ...HASWELL, ...on }]));
    const { findings } = compareHosts(
      hostOf({ ...HASWELL, ...on }),
      hostOf({ ...HASWELL, ...off }),
      { mask },
    );
    expect(findings.filter(({ feature }) => feature === 'ring3mwait')).toEqual([]);
  });
  it('can be allowed by its name', () => {
    const report = compareHosts(hostOf({ ...HASWELL, ...on }), hostOf({ ...HASWELL, ...off }), {
      allow: ['ring3mwait'],
    });
    expect(report.verdict).toBe('compatible');
    expect(report.allowed).toEqual([{ name: 'ring3mwait', used: true }]);
  });
});

describe('split-lock', () => {
  table(splitLock, [
    [
      'only the target detects them: a note',
      flags('fpu'),
      flags('split_lock_detect'),
      [{ severity: 'info', remedy: 'none' }],
    ],
    ['only the source does: nothing', flags('split_lock_detect'), flags('fpu'), []],
    ['both do: nothing', flags('split_lock_detect'), flags('split_lock_detect'), []],
    ['the source does not tell: nothing', {}, flags('split_lock_detect'), []],
  ]);
});

describe('tsc-rate-differs', () => {
  const rate = (ecx: number) => ({
    leaves: [MOST_LEAVES, leafRow(0x15, 0, { eax: 1, ebx: 100, ecx })],
  });
  table(tscRateDiffers, [
    [
      'another rate: a note',
      rate(27_000_000),
      rate(21_000_000),
      [{ severity: 'info', effect: expect.stringContaining('2700 MHz on a and 2100 MHz on b') }],
    ],
    ['the same: nothing', rate(27_000_000), rate(27_000_000), []],
    // KVM's tsc_tolerance_ppm is 250.
    ['less than 250 ppm apart: nothing', rate(27_000_000), rate(27_006_000), []],
    ['more than that', rate(27_000_000), rate(27_008_000), [{ severity: 'info' }]],
    ['the target does not tell: nothing', rate(27_000_000), {}, []],
  ]);
  it.each([
    ['portable', 'info'],
    ['strict', 'blocker'],
    ['instructions', 'info'],
  ] as const)('in mode %s: %s', (mode, severity) => {
    const find = severityIn(mode, 'tsc-rate-differs');
    expect(find(rate(27_000_000), rate(21_000_000))).toBe(severity);
  });
});

describe('highest-leaf', () => {
  const ends = (basic: number, structured: number, extended: number) => ({
    leaves: [
      leafRow(0, 0, { eax: basic }),
      leafRow(7, 0, { eax: structured }),
      leafRow(0x80000000, 0, { eax: extended }),
    ],
  });
  const most = ends(0x20, 2, 0x80000021);
  table(highestLeaf, [
    ['basic leaves end earlier', most, ends(0x16, 2, 0x80000021), [{ severity: 'info' }]],
    [
      'all three end earlier: one note',
      most,
      ends(0x16, 0, 0x80000008),
      [
        {
          effect:
            "CPUID ends earlier on b than on a: the basic leaves at 0x16, not 0x20; leaf 7's subleaves " +
            'at 0x0, not 0x2; the extended leaves at 0x80000008, not 0x80000021.',
        },
      ],
    ],
    ['they end later: nothing', ends(0x16, 0, 0x80000008), most, []],
    ['they end alike: nothing', most, most, []],
    ['the target does not tell: nothing', most, {}, []],
  ]);
  it.each([
    ['portable', 'info'],
    ['strict', 'blocker'],
    ['instructions', 'info'],
  ] as const)('in mode %s: %s', (mode, severity) => {
    expect(severityIn(mode, 'highest-leaf')(most, ends(0x16, 2, 0x80000021))).toBe(severity);
  });
});

describe('tile-geometry', () => {
  const usual = withTiles();
  const untold = { ...withTiles('untold'), signature: [6, 0x8f, 8] as const };
  table(tileGeometry, [
    ['the same: nothing', usual, usual, []],
    [
      'shorter rows: blocker',
      usual,
      withTiles({ rowBytes: 32 }),
      [
        {
          severity: 'blocker',
          feature: 'amx_tile',
          remedy: 'launch-mask',
          effect: expect.stringContaining('bytes of a row: 64 → 32'),
        },
      ],
    ],
    ['fewer tiles', usual, withTiles({ count: 4 }), [{ severity: 'blocker' }]],
    ['multiplications of less', usual, withTiles({ multiplied: 32 }), [{ severity: 'blocker' }]],
    [
      'larger tiles: saved ones lie elsewhere',
      usual,
      withTiles({ bytes: 2048, rows: 32 }),
      [{ severity: 'risk' }],
    ],
    [
      'only more in a multiplication: a note',
      usual,
      withTiles({ multiplied: 128 }),
      [{ severity: 'info', remedy: 'none' }],
    ],
    ['the target has no AMX, which is reported itself', usual, {}, []],
    ['the source has none', {}, withTiles({ rowBytes: 32 }), []],
    ['the target does not tell: unknown, not this', usual, untold, []],
  ]);
  it.each([
    ['palettes', 'info', 'highest palette'],
    ['totalBytes', 'risk', 'bytes of all tiles'],
    ['bytesPerTile', 'risk', 'bytes of a tile'],
    ['bytesPerRow', 'risk', 'bytes of a row'],
    ['tiles', 'info', 'tiles'],
    ['rows', 'info', 'rows of a tile'],
    ['multiplierRows', 'info', 'rows in a multiplication'],
    ['multiplierBytes', 'info', 'bytes of a row in a multiplication'],
  ] as const)('of more in %s: %s, and names it', (name, severity, words) => {
    const from = seen({ ...HASWELL, ...usual });
    const tiles = from.tiles as TileGeometry;
    const to = { ...from, name: 'b', tiles: { ...tiles, [name]: tiles[name] + 1 } };
    expect(ask(tileGeometry, from, to)).toMatchObject([
      {
        severity,
        effect: expect.stringContaining(`(${words}: ${tiles[name]} → ${tiles[name] + 1})`),
      },
    ]);
    expect(ask(tileGeometry, to, from)).toMatchObject([{ severity: 'blocker' }]);
  });
  it.each<[string, Partial<HostPlan>, Partial<HostPlan>, number]>([
    ['the target does not tell', usual, untold, 1],
    ['the source does not tell', untold, usual, 1],
    ['the same CPU has the same tiles', usual, withTiles('untold'), 0],
    ['neither uses AMX', { leaves: [MOST_LEAVES] }, { leaves: [MOST_LEAVES] }, 0],
    ['only the target has AMX', {}, untold, 0],
    ['a named model makes no claim', { ...untold, kind: 'model' }, usual, 0],
  ])('is unknown where it counts: %s', (_, from, to, count) => {
    const unknown = ask(
      dataMissing,
      seen({ ...HASWELL, name: 'a', ...from }),
      seen({ ...HASWELL, name: 'b', ...to }),
    ).filter(({ feature }) => feature === 'amx_tile');
    expect(unknown).toHaveLength(count);
  });
});

describe('address-width under a mask', () => {
  const wide = { ...plus('la57'), linearBits: 57 };
  const narrow = { linearBits: 48 };
  const find = (...planned: Partial<HostPlan>[]) => {
    const mask = maskOf('mask', baselineOfPlans(planned.map((one) => ({ ...HASWELL, ...one }))));
    const { accepts: _, ...open } = mask;
    return compareHosts(
      hostOf({ ...HASWELL, ...wide, name: 'a' }),
      hostOf({ ...HASWELL, ...narrow, name: 'b' }),
      { mask: open },
    ).findings.filter(({ code }) => code === 'address-width');
  };
  it('that hides la57 is a note', () => {
    const [found] = find(wide, narrow);
    expect(found).toMatchObject({
      severity: 'info',
      facts: { kind: 'masked' },
      effect: expect.stringContaining('2^47'),
    });
    expect(faultOf(found?.effect ?? '')).toBeUndefined();
  });
  it('that hides it is a risk for what even 48 bits are too wide for', () => {
    const mask = maskOf('mask', baselineOfPlans([{ ...HASWELL, ...narrow }]));
    const { findings } = compareHosts(hostOf(HASWELL), hostOf({ ...HASWELL, linearBits: 47 }), {
      mask,
    });
    expect(findings.filter(({ code }) => code === 'address-width')).toMatchObject([
      { severity: 'risk', facts: { kind: 'asked' } },
    ]);
  });
  it('that shows it is a risk, as without one', () => {
    expect(find(wide)).toMatchObject([{ severity: 'risk', facts: { kind: 'asked' } }]);
  });
});

describe('a host whose CPUs disagree in the XSAVE area', () => {
  const larger: HostPlan = {
    ...HASWELL,
    features: [...HASWELL.features, ...V4.filter((one) => one !== 'xsavec')],
    mask: 0xe7n,
    places: INTEL_AVX512,
    areaBytes: 2688,
  };
  it.each([
    [
      'as a source counts with the smaller',
      seen({ ...HASWELL, name: 'a' }, [larger]),
      seen(larger),
      1,
    ],
    ['as a target counts with the larger', seen(HASWELL), seen(HASWELL, [larger]), 1],
    ['gets no smaller for those that saw the larger', seen(larger), seen(HASWELL, [larger]), 0],
  ])('%s', (_, from, to, count) => {
    expect(ask(xsaveAreaGrows, from, to)).toHaveLength(count);
  });
});

describe('RTM that is lost', () => {
  table(instructionMissing, [
    [
      'stops tasks',
      plus('rtm'),
      {},
      [
        {
          severity: 'blocker',
          effect: 'Restricted transactional memory: fails with SIGILL.',
          facts: { beside: null },
        },
      ],
    ],
    [
      'is a risk where every transaction aborts',
      plus('rtm', 'tsxldtrk'),
      plus('rtm_always_abort'),
      [
        {
          severity: 'risk',
          feature: 'rtm',
          effect: expect.stringContaining('aborts at once'),
          facts: { beside: 'rtm_always_abort' },
        },
        { severity: 'risk', feature: 'tsxldtrk' },
      ],
    ],
  ]);
});

describe('feature-added', () => {
  table(featureAdded, [
    [
      'instructions: no way back',
      {},
      plus('gfni'),
      [
        {
          feature: 'gfni',
          remedy: 'launch-mask',
          effect: expect.stringContaining("can't move back"),
        },
      ],
    ],
    [
      'a hint: a way back',
      {},
      plus('fsrm'),
      [{ feature: 'fsrm', remedy: 'none', effect: expect.not.stringContaining("can't") }],
    ],
    ...(['umip', 'fdp_excptn_only', 'zero_fcs_fds', 'bus_lock_detect'] as const).map(
      (feature): Case => [
        `${feature}: a restriction`,
        {},
        plus(feature),
        [
          {
            feature,
            remedy: 'none',
            effect: expect.stringContaining('Only b has this restriction: '),
          },
        ],
      ],
    ),
  ]);
});

describe('address-width', () => {
  it('is a risk where any task may have asked for more', () => {
    const [found] = ask(addressWidth, seen({ ...HASWELL, linearBits: 57 }), seen(HASWELL));
    expect(found).toMatchObject({
      severity: 'risk',
      facts: { kind: 'asked', before: 57, after: 48 },
    });
  });
  it('can be allowed by its code', () => {
    const report = compareHosts(
      hostOf({ ...HASWELL, linearBits: 57 }),
      hostOf({ ...HASWELL, name: 'b' }),
      { allow: ['address-width'] },
    );
    expect(report.verdict).toBe('compatible');
    expect(report.findings.find(({ code }) => code === 'address-width')).toMatchObject({
      severity: 'info',
      allowedFrom: 'risk',
    });
  });
});
