import { describe, expect, it } from 'vitest';
import { type Baseline, baselineOf } from '../../src/baseline/baseline.js';
import { type Join, leaveCluster } from '../../src/baseline/change.js';
import { checkRequirement, explainDrop, featuresOfLevel } from '../../src/baseline/explain-drop.js';
import { findNearest } from '../../src/baseline/nearest.js';
import type { FeatureName } from '../../src/catalogue/index.js';
import { describeHost } from '../../src/model/capabilities.js';
import { HASWELL, type HostPlan, V2, V3 } from '../hosts.js';
import { hostOf as modelOf } from '../profiles/load.js';
import {
  AMD_512,
  baselineOfPlans,
  fileText,
  INTEL_512,
  joinHosts,
  joinPlans,
  models,
  planned,
  readText,
} from './clusters.js';

const counting = ({ findings }: Join) => [
  ...new Set(
    findings
      .filter(({ severity }) => severity !== 'info')
      .map(({ code, severity }) => `${severity} ${code}`),
  ),
];
const modelSeen = (name: string) => describeHost(modelOf(name));

const OLD: HostPlan = { name: 'old-1', features: V2, areaBytes: 0 };

describe('a host that wants to join', () => {
  it('is welcome where it has all and fits', () => {
    const join = joinPlans(baselineOfPlans([HASWELL]), { ...HASWELL, name: 'b' });
    expect(join).toMatchObject({ accepted: true, verdict: 'compatible', lost: [] });
    expect(counting(join)).toEqual([]);
    expect([...join.after.cluster.values()][0]?.count).toBe(2);
  });
  it('is refused where it lowers the baseline, with what would be lost', () => {
    const join = joinPlans(baselineOfPlans([HASWELL]), OLD);
    expect(join.accepted).toBe(false);
    expect(join.lost.map(({ feature }) => feature)).toContain('avx2');
    expect(join.lostState).toEqual(['x87', 'sse', 'ymm_hi128']);
    expect(new Set(counting(join))).toEqual(
      new Set([
        'blocker instruction-missing',
        'blocker state-missing',
        'blocker kernel-feature-missing',
      ]),
    );
  });
  it.each<[FeatureName, 'accepted' | 'risk' | 'blocker']>([
    // Speed, and what takes something away from programs: no task misses it.
    ['fsrm', 'accepted'],
    ['erms', 'accepted'],
    ['umip', 'accepted'],
    // SYSENTER of 32-bit tasks.
    ['sep', 'risk'],
    ['bmi2', 'blocker'],
    ['rdtscp', 'blocker'],
  ])('without %s: %s', (feature, answer) => {
    const features = [...new Set<FeatureName>([...HASWELL.features, feature])];
    const plan = { ...HASWELL, features, untold: [] };
    const lacking = { ...plan, features: features.filter((name) => name !== feature), name: 'b' };
    const join = joinPlans(baselineOfPlans([plan]), lacking);
    expect(join.lost.map((one) => one.feature)).toEqual([feature]);
    expect(join.after.features).not.toContain(feature);
    expect(join.accepted).toBe(answer !== 'blocker');
    const found = join.findings.filter(({ severity }) => severity !== 'info');
    expect(found.map((one) => [one.severity, one.feature])).toEqual(
      answer === 'accepted' ? [] : [[answer, feature]],
    );
  });
  it('is refused where its XSAVE area is above the floor, with the features to hide', () => {
    const join = joinPlans(baselineOfPlans([HASWELL]), INTEL_512_AS_HASWELL);
    expect(join.accepted).toBe(false);
    expect(join.lost).toEqual([]);
    expect(join.findings).toContainEqual(
      expect.objectContaining({
        severity: 'blocker',
        code: 'xsave-area-grows',
        effect: expect.stringMatching(/from 832 to 2696 bytes/),
        remedy: 'launch-mask',
        advice: expect.stringContaining('clearcpuid='),
      }),
    );
  });
  describe('and lays packed state out behind the room that tasks have', () => {
    const mpx = { 3: [64, 960], 4: [64, 1024] } as const;
    const withMpx: HostPlan = {
      ...INTEL_512,
      name: 'mpx',
      mask: 0x2ffn,
      places: { ...INTEL_512.places, ...mpx },
    };
    const codes = (before: Baseline) =>
      joinPlans(before, withMpx)
        .findings.filter(({ code }) => code === 'compacted-area-grows')
        .map(({ severity }) => severity);
    it('is refused', () => {
      const before = baselineOfPlans([INTEL_512]);
      expect(codes(before)).toEqual(['blocker']);
      expect(joinPlans(before, withMpx).accepted).toBe(false);
    });
    it('fits where the mask showed that state, enabled or not', () => {
      const off = { ...withMpx, name: 'off', mask: 0x2e7n };
      expect(codes(baselineOfPlans([INTEL_512, off]))).toEqual([]);
      expect(codes(baselineOfPlans([INTEL_512, withMpx]))).toEqual([]);
    });
    it('is measured by what running tasks saw, not by what hosts show since', () => {
      const off = { ...withMpx, name: 'off', mask: 0x2e7n };
      const { after, accepted } = joinPlans(baselineOfPlans([INTEL_512]), off);
      expect(accepted).toBe(true);
      expect(after.subleaves.map(({ bit }) => bit)).toContain(3);
      expect(codes(after)).toEqual(['blocker']);
    });
    it('is not known to fit where a file of an older release does not say what tasks saw', () => {
      const made = baselineOfPlans([INTEL_512, withMpx]);
      const json = JSON.parse(fileText(made));
      delete json.floors.subleaves;
      expect(codes(readText(JSON.stringify(json)).baseline)).toEqual(['unknown']);
    });
  });
  it('is measured by what running tasks saw, not by hosts that left', () => {
    const grown = baselineOfPlans([HASWELL, INTEL_512_AS_HASWELL]);
    expect(grown.floors.areaBytes).toBe(2696);
    const [key] = [...planned(INTEL_512_AS_HASWELL).keys()];
    const { after } = leaveCluster(grown, key as string, 'intel-512');
    expect(after.areaBytes).toBe(2696);
    expect(joinPlans(after, INTEL_512_AS_HASWELL).accepted).toBe(true);
  });
  it('may have any area where tasks see no XSAVE', () => {
    const join = joinPlans(baselineOfPlans([OLD]), HASWELL);
    expect(join).toMatchObject({ accepted: true, verdict: 'compatible' });
  });
  it('is refused where its area is not told: it could be larger', () => {
    const { areaBytes: _told, ...untold } = { ...HASWELL, mask: 0x207n, name: 'vague' };
    const join = joinPlans(baselineOfPlans([HASWELL]), untold);
    expect(join.verdict).toBe('unknown');
    expect(join.findings).toContainEqual(
      expect.objectContaining({ code: 'data-missing', component: 'xsave' }),
    );
    expect(join.accepted).toBe(false);
  });
  it('is refused where it lays out state differently', () => {
    const join = joinPlans(baselineOfPlans([INTEL_512]), AMD_512);
    expect(join.lostState).toEqual(['opmask', 'zmm_hi256', 'hi16_zmm', 'pkru']);
    expect(join.lost.map(({ feature }) => feature)).toContain('avx512f');
    // It is a risk for tasks that go there, but the baseline would forget what they use.
    expect([join.verdict, join.accepted]).toEqual(['at-risk', false]);
  });
  it('of another vendor or with larger signal frames is a risk, not refused', () => {
    const frames = (minSigStackBytes: number) => ({ system: { minSigStackBytes } });
    const join = joinPlans(baselineOfPlans([{ ...HASWELL, ...frames(2000) }]), {
      ...HASWELL,
      ...frames(3632),
      vendor: 'AuthenticAMD',
      name: 'amd',
    });
    expect(join.accepted).toBe(true);
    expect(counting(join)).toEqual(['risk signal-frame-grows', 'risk vendor-differs']);
    expect(join.after.minSigStackBytes).toBe(3632);
    // Tasks that run have still seen the smaller one.
    expect(join.after.floors.minSigStackBytes).toBe(2000);
  });
  it('with other cache lines or wider addresses is a risk, said once', () => {
    const before = baselineOfPlans([HASWELL]);
    const join = joinPlans(before, { ...HASWELL, name: 'lines', lineBytes: 128 });
    expect(join.accepted).toBe(true);
    expect(counting(join)).toEqual(['risk cache-line-differs']);
    expect(join.limits.map(({ code }) => code)).toEqual(['cache-line-differs']);
    const again = joinPlans(join.after, { ...HASWELL, name: 'more', lineBytes: 128 });
    expect(counting(again)).toEqual([]);
    expect(again.limits).toEqual([]);
    const wider = joinHosts(baselineOf(models('haswell', 'skylake-sp')), [modelSeen('icelake-sp')]);
    expect(counting(wider)).toEqual([]);
    expect(wider.limits.map(({ code }) => code)).toEqual(['address-width-differs']);
  });
});

/** All of HASWELL, and AVX-512 beside it. */
const INTEL_512_AS_HASWELL: HostPlan = {
  ...INTEL_512,
  features: [...new Set([...INTEL_512.features, ...HASWELL.features])],
};

describe('a host that leaves', () => {
  it('gives back what only it lacked', () => {
    const before = baselineOfPlans([HASWELL, OLD]);
    const [key] = [...planned(OLD).keys()];
    const leave = leaveCluster(before, key as string, 'old-1');
    expect(leave.gained).toContain('avx2');
    expect(leave.gainedState).toEqual(['x87', 'sse', 'ymm_hi128']);
    expect(leave.after.level).toBe('x86-64-v3');
  });
  it('of several alike gives back nothing', () => {
    const before = baselineOfPlans([HASWELL, OLD, { ...OLD, name: 'old-2' }]);
    const [key] = [...planned(OLD).keys()];
    const leave = leaveCluster(before, key as string, 'old-1');
    expect(leave.gained).toEqual([]);
    expect(leave.after.cluster.get(key as string)).toMatchObject({ count: 1, names: ['old-2'] });
  });
});

describe('what is required', () => {
  it.each([
    ['x86-64-v1', 8],
    ['x86-64-v2', 15],
    ['x86-64-v3', 24],
    ['x86-64-v4', 29],
  ] as const)('%s is %i features with those of the levels below', (level, count) => {
    expect(featuresOfLevel(level)).toHaveLength(count);
  });
  it('is met or tells each missing feature and whose fault it is', () => {
    const baseline = baselineOfPlans([HASWELL, OLD]);
    expect(checkRequirement(baseline, 'x86-64-v2')).toMatchObject({ met: true, missing: [] });
    const { met, missing } = checkRequirement(baseline, 'x86-64-v3');
    expect(met).toBe(false);
    expect(missing.find(({ feature }) => feature === 'movbe')?.because).toEqual([
      { kind: 'lacking', hosts: ['old-1'], count: 1 },
    ]);
  });
  it('blames all hosts for what none has', () => {
    const [missing] = checkRequirement(baselineOfPlans([HASWELL, OLD]), 'avx512f').missing;
    expect(missing?.because).toContainEqual({
      kind: 'lacking',
      hosts: ['haswell-1', 'old-1'],
      count: 2,
    });
  });
});

describe('why', () => {
  it('goes down to hosts and prerequisites', () => {
    const why = explainDrop(baselineOfPlans([HASWELL, OLD]), 'avx2');
    expect(why).toMatchObject({ feature: 'avx2', kept: false, having: 1, hosts: 2 });
    const [avx] = why.prerequisites;
    expect(avx?.feature).toBe('avx');
    expect(avx?.because).toContainEqual({ kind: 'prerequisite', feature: 'osxsave' });
    expect(avx?.prerequisites.find(({ feature }) => feature === 'osxsave')).toBeDefined();
  });
  it('has nothing to say of what is kept', () => {
    expect(explainDrop(baselineOfPlans([HASWELL]), 'avx2')).toEqual({
      feature: 'avx2',
      kept: true,
      having: 1,
      hosts: 1,
      because: [],
      prerequisites: [],
    });
  });
});

describe('the nearest model', () => {
  const model = (name: string, features: typeof V3) => ({ name, title: '', features });
  it('is the one with the fewest differences, hints last', () => {
    const candidates = [
      model('far', V2),
      model('near', [...V3, 'erms', 'fsrm']),
      model('other', [...V3, 'aes']),
    ];
    expect(findNearest(V3, candidates)).toMatchObject({
      name: 'near',
      plus: [],
      minus: ['erms', 'fsrm'],
    });
    expect(findNearest([...V3, 'aes', 'sha_ni'], candidates)).toMatchObject({
      name: 'other',
      plus: ['sha_ni'],
      minus: [],
    });
    expect(findNearest(V3, [])).toBeUndefined();
  });
  it('of shipped models is the model itself', () => {
    const baseline = baselineOf(models('skylake-sp', 'cascadelake'));
    expect(baseline.features).not.toContain('avx512_vnni');
    const skylake = baselineOf(models('skylake-sp'));
    expect(baseline.features).toEqual(skylake.features);
  });
});
