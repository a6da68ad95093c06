import { describe, expect, it } from 'vitest';
import {
  type baselineOf,
  costsOf,
  hiddenComponents,
  levelOf,
  ownAreaBytes,
} from '../../src/baseline/baseline.js';
import { clusterOf, mergeClusters, NAMES_KEPT } from '../../src/baseline/cluster.js';
import { kindId } from '../../src/baseline/host-kind.js';
import { limitsOf } from '../../src/baseline/limits.js';
import type { FeatureName } from '../../src/catalogue/index.js';
import { HASWELL, type HostPlan, seen, V1, V2, V3 } from '../hosts.js';
import { AMD_512, baselineOfPlans, INTEL_512, models, PLACELESS_512, planned } from './clusters.js';

const OLD: HostPlan = { name: 'old-1', features: V2, areaBytes: 0 };

function reasonsOf(baseline: ReturnType<typeof baselineOf>, name: FeatureName) {
  return baseline.dropped.find(({ feature }) => feature === name)?.because;
}

describe('the baseline of one host', () => {
  it('is what the host has', () => {
    const baseline = baselineOfPlans([HASWELL]);
    expect([...baseline.features].sort()).toEqual([...HASWELL.features].filter(isVisible).sort());
    expect(baseline).toMatchObject({ level: 'x86-64-v3', xcr0: 7n, areaBytes: 832, dropped: [] });
  });
  it('keeps state whose place it does not tell: no other host can differ', () => {
    const baseline = baselineOfPlans([PLACELESS_512]);
    expect(baseline.features).toContain('avx512f');
    expect(baseline.components.find(({ bit }) => bit === 5)).toMatchObject({ size: undefined });
    expect(ownAreaBytes(baseline)).toBeUndefined();
  });
});

function isVisible(name: FeatureName): boolean {
  // Of those that tests/hosts.ts uses, only the kernel sees this.
  return name !== 'pae';
}

describe('features', () => {
  it('are those of all hosts', () => {
    const { features, level } = baselineOfPlans([HASWELL, OLD]);
    expect(features).not.toContain('avx');
    expect(features).toContain('sse4_2');
    expect(level).toBe('x86-64-v2');
  });
  it('fall with what they need, and every reason is told', () => {
    const noAvx: HostPlan = {
      ...HASWELL,
      name: 'no-avx',
      features: HASWELL.features.filter((name) => !['avx', 'avx2', 'fma', 'f16c'].includes(name)),
    };
    const baseline = baselineOfPlans([HASWELL, noAvx, { ...noAvx, name: 'no-avx-2' }]);
    expect(reasonsOf(baseline, 'avx2')).toEqual([
      { kind: 'lacking', hosts: ['no-avx', 'no-avx-2'], count: 2 },
      { kind: 'prerequisite', feature: 'avx' },
    ]);
    expect(baseline.features).toContain('xsave');
  });
  it('that a host does not tell are given up, and it is said so', () => {
    const vague: HostPlan = {
      ...HASWELL,
      name: 'vague',
      features: HASWELL.features.filter((name) => name !== 'erms'),
      untold: ['erms', 'fsrm'],
    };
    const baseline = baselineOfPlans([HASWELL, vague]);
    expect(reasonsOf(baseline, 'erms')).toEqual([{ kind: 'unknown', hosts: ['vague'], count: 1 }]);
    expect(baseline.untold).toEqual(['fsrm']);
  });
  it('that the user masks take along what needs them', () => {
    const baseline = baselineOfPlans([HASWELL], { without: ['avx'] });
    expect(baseline.features).not.toContain('fma');
    expect(reasonsOf(baseline, 'avx')).toEqual([{ kind: 'asked' }]);
    expect(reasonsOf(baseline, 'avx2')).toEqual([{ kind: 'prerequisite', feature: 'avx' }]);
    expect(baseline).toMatchObject({ xcr0: 3n, areaBytes: 832, level: 'x86-64-v2' });
  });
  it('have the lowest AVX10 version of all', () => {
    const needs: FeatureName[] = [
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
      'aes',
      'pclmulqdq',
      'avx10',
      'avx10_version',
    ];
    const plan = { ...INTEL_512, features: [...INTEL_512.features, ...needs] };
    const baseline = baselineOfPlans([
      { ...plan, avx10: 2 },
      { ...plan, avx10: 1, name: 'first' },
    ]);
    expect(baseline.features).toContain('avx10_version');
    expect(baseline.avx10Version).toBe(1);
  });
});

describe('XSAVE', () => {
  it('shows the largest area of any host, and only the common components', () => {
    const baseline = baselineOfPlans([HASWELL, INTEL_512]);
    expect(baseline).toMatchObject({ xcr0: 7n, areaBytes: 2696, enabledAnywhere: 0x2e7n });
    expect(ownAreaBytes(baseline)).toBe(832);
    expect(hiddenComponents(baseline)).toEqual(['opmask', 'zmm_hi256', 'hi16_zmm', 'pkru']);
  });
  it('drops a component that hosts lay out differently, with its features', () => {
    const baseline = baselineOfPlans([INTEL_512, AMD_512]);
    expect(baseline.features).not.toContain('avx512f');
    expect(baseline.features).not.toContain('pku');
    expect(baseline).toMatchObject({ xcr0: 7n, areaBytes: 2696, level: 'x86-64-v3' });
    expect(reasonsOf(baseline, 'pku')).toEqual([
      {
        kind: 'layout',
        component: 'pkru',
        places: [
          { size: 8, offset: 2432, aligned: false, hosts: ['amd-512'], count: 1 },
          { size: 8, offset: 2688, aligned: false, hosts: ['intel-512'], count: 1 },
        ],
      },
    ]);
    expect(reasonsOf(baseline, 'avx512bw')).toContainEqual({
      kind: 'prerequisite',
      feature: 'avx512f',
    });
  });
  it('keeps it where that is asked for, without a place', () => {
    const baseline = baselineOfPlans([INTEL_512, AMD_512], { keepLayoutConflicts: true });
    expect(baseline.features).toContain('avx512bw');
    expect(baseline.xcr0).toBe(0x2e7n);
    expect(baseline.components.find(({ name }) => name === 'pkru')).toMatchObject({
      size: undefined,
      offset: undefined,
    });
    expect(limitsOf(baseline).map(({ code }) => code)).toContain('layout-differs');
  });
  it('says both that hosts lack a component and that the others lay it out differently', () => {
    const baseline = baselineOfPlans([INTEL_512, AMD_512, HASWELL]);
    expect(reasonsOf(baseline, 'pku')?.map(({ kind }) => kind)).toEqual(['lacking', 'layout']);
  });
  it('takes no place for granted that one of two hosts does not tell', () => {
    const baseline = baselineOfPlans([INTEL_512, PLACELESS_512]);
    expect(baseline.features).not.toContain('avx512f');
    expect(reasonsOf(baseline, 'avx512f')).toContainEqual({
      kind: 'layout-unknown',
      component: 'opmask',
      hosts: ['flags-512'],
      count: 1,
    });
    expect(baseline.areaBytes).toBeUndefined();
    expect(limitsOf(baseline).map(({ code }) => code)).toContain('sizes-unknown');
  });
  it('is gone where a host has none, and the sizes are still those of the others', () => {
    const baseline = baselineOfPlans([HASWELL, OLD]);
    expect(baseline).toMatchObject({ xcr0: 0n, components: [], areaBytes: 832 });
  });
  it('leaves out what a CPU offers and Linux leaves off, but reserves room for it', () => {
    // As AMD Zen 2: PKRU at 832 without protection keys.
    const zen2: HostPlan = {
      ...HASWELL,
      name: 'zen2',
      kind: 'cpu',
      mask: 0x207n,
      places: { 2: [256, 576], 9: [64, 832] },
      areaBytes: 896,
    };
    expect(baselineOfPlans([zen2])).toMatchObject({ xcr0: 7n, areaBytes: 896 });
  });
  it('never shows less than the floors', () => {
    const floors = { areaBytes: 2696, minSigStackBytes: 3632 };
    const plan = { ...HASWELL, system: { minSigStackBytes: 1776 } };
    expect(baselineOfPlans([plan], { floors })).toMatchObject(floors);
  });
});

describe('what a baseline cannot give', () => {
  it('is always said of XGETBV, and of vendors, lines and widths where they differ', () => {
    const codes = (plans: readonly HostPlan[]) =>
      limitsOf(baselineOfPlans(plans)).map(({ code }) => code);
    expect(codes([HASWELL])).toEqual(['xgetbv', 'unasked-instructions']);
    expect(
      codes([HASWELL, { ...HASWELL, vendor: 'AuthenticAMD', lineBytes: 128, linearBits: 57 }]),
    ).toEqual([
      'xgetbv',
      'unasked-instructions',
      'vendor-differs',
      'cache-line-differs',
      'address-width-differs',
    ]);
  });
});

describe('levels', () => {
  it.each([
    [[], undefined],
    [V1, 'x86-64-v1'],
    [V2, 'x86-64-v2'],
    [V3, 'x86-64-v3'],
    [V3.filter((name) => name !== 'sse4_1'), 'x86-64-v1'],
  ] as const)('%#: %s', (features, level) => {
    expect(levelOf(features)).toBe(level);
  });
});

describe('a cluster', () => {
  it('counts hosts of one kind together and keeps the first names', () => {
    const hosts = Array.from({ length: 500 }, (_, n) => ({
      ...HASWELL,
      name: `web-${String(499 - n).padStart(3, '0')}`,
    }));
    const [group] = [...planned(...hosts).values()];
    expect(group?.count).toBe(500);
    expect(group?.names).toEqual(
      Array.from({ length: NAMES_KEPT }, (_, n) => `web-${String(n).padStart(3, '0')}`),
    );
  });
  it('takes no control characters from names', () => {
    const [group] = [...planned({ ...HASWELL, name: 'a\u001b[2Jb' }).values()];
    expect(group?.names).toEqual(['a\\u001b[2Jb']);
  });
  it('gives a kind the same id in every cluster, and another to another kind', () => {
    const ids = (...plans: HostPlan[]) =>
      [...planned(...plans).values()].map(({ kind }) => kindId(kind));
    expect(ids(HASWELL)).toEqual(ids({ ...HASWELL, name: 'other' }));
    expect(ids(HASWELL, OLD)).toContain(ids(OLD)[0]);
    expect(ids(HASWELL)[0]).toMatch(/^[0-9a-f]{12}$/);
    expect(ids(HASWELL)).not.toEqual(ids({ ...HASWELL, areaBytes: 840 }));
  });
  it('keeps C library versions apart by kind', () => {
    const withGlibc = (version: string) => seen({ ...HASWELL, system: { glibc: { version } } });
    const cluster = mergeClusters([
      clusterOf([withGlibc('2.36')]),
      clusterOf([withGlibc('2.31'), withGlibc('2.36')]),
    ]);
    expect([...cluster.values()][0]?.glibcVersions).toEqual(['2.31', '2.36']);
  });
});

describe('the cost of a kind of hosts', () => {
  it('is what the others would gain', () => {
    const costs = costsOf(models('haswell', 'skylake-sp', 'cascadelake'));
    const gained = Object.fromEntries(costs.map(({ group, gained }) => [group.names[0], gained]));
    expect(gained.haswell).toContain('avx512f');
    expect(gained.haswell).toContain('mpx');
    expect(gained['skylake-sp']).toEqual([]);
    expect(gained.cascadelake).toEqual([]);
  });
  it('shows layouts that only this kind has', () => {
    const costs = costsOf(
      planned(
        INTEL_512,
        { ...INTEL_512, name: 'b', features: [...INTEL_512.features, 'erms'] },
        AMD_512,
      ),
    );
    const amd = costs.find(({ group }) => group.names[0] === 'amd-512');
    expect(amd?.gained).toContain('avx512vl');
    expect(amd?.gained).toContain('pku');
  });
});
