/** Levels of x86-64 among hosts: features count, all else is the hosts'. */
import { describe, expect, it } from 'vitest';
import { type Baseline, baselineOf } from '../../src/baseline/baseline.js';
import { clusterOf, mergeClusters } from '../../src/baseline/cluster.js';
import { limitsOf, sizeRemedy } from '../../src/baseline/limits.js';
import { maskable } from '../../src/baseline/maskable.js';
import { poolsOf } from '../../src/baseline/pools.js';
import { countVendors } from '../../src/baseline/stored.js';
import { EVERY_64_BIT_CPU, featureRow, LEVELS } from '../../src/catalogue/index.js';
import { lazyBinding } from '../../src/export/glibc-lazy-binding.js';
import { openInput } from '../../src/formats/format.js';
import { namedProfile } from '../../src/formats/named-profile.js';
import { answerOf } from '../../src/mask/apply.js';
import { compileMask } from '../../src/mask/compile.js';
import { describeHost } from '../../src/model/capabilities.js';
import { PRESENT } from '../../src/model/xsave.js';
import { type HostPlan, seen, V4 } from '../hosts.js';
import { names as modelNames, hostOf as modelOf } from '../profiles/load.js';
import {
  AMD_512,
  fileText,
  INTEL_512,
  joinHosts,
  models,
  PLACELESS_512,
  planned,
  readText,
} from './clusters.js';

const LEVEL_NAMES = LEVELS.map(({ name }) => name);
const ONES = { eax: 0xffffffff, ebx: 0xffffffff, ecx: 0xffffffff, edx: 0xffffffff };

function withLevel(level: string, ...hosts: readonly HostPlan[]): Baseline {
  return baselineOf(mergeClusters([models(level), planned(...hosts)]));
}

/** All that isn't the level's to say. */
function hardwareOf(baseline: Baseline) {
  const { areaBytes, offeredBytes, compactedBytes, minSigStackBytes } = baseline;
  const { vendors, cacheLineBytes, linearAddressBits, enabledAnywhere } = baseline;
  return {
    sizes: [areaBytes, offeredBytes, compactedBytes, minSigStackBytes],
    identity: [vendors, cacheLineBytes, linearAddressBits],
    enabledAnywhere,
  };
}

const FRAMED: HostPlan = { ...INTEL_512, system: { minSigStackBytes: 3632 } };

describe('a level among hosts', () => {
  it.each(LEVEL_NAMES)('%s changes neither sizes nor vendors, lines and widths', (level) => {
    expect(hardwareOf(withLevel(level, FRAMED))).toEqual(hardwareOf(baselineOf(planned(FRAMED))));
    expect(hardwareOf(withLevel(level, FRAMED, AMD_512))).toEqual(
      hardwareOf(baselineOf(planned(FRAMED, AMD_512))),
    );
  });

  it.each([
    ['Intel', INTEL_512, 1664],
    ['AMD', AMD_512, 1408],
  ])('x86-64-v4 has its state where %s hosts have it, and a mask can be made', (_, host, place) => {
    const baseline = withLevel('x86-64-v4', host);
    expect(baseline.level).toBe('x86-64-v4');
    expect(baseline.xcr0).toBe(0xe7n);
    expect(baseline.components.find(({ bit }) => bit === 7)).toMatchObject({ offset: place });
    const { mask } = compileMask(baseline);
    expect(answerOf(mask, 0xd, 0, ONES)).toMatchObject({ eax: 0xe7, ebx: host.areaBytes });
  });

  it('takes no side where the hosts lay state out differently', () => {
    const baseline = withLevel('x86-64-v4', INTEL_512, AMD_512);
    expect(baseline.level).toBe('x86-64-v3');
    const places = baseline.dropped
      .find(({ feature }) => feature === 'avx512f')
      ?.because.flatMap((reason) => (reason.kind === 'layout' ? reason.places : []));
    expect(places?.flatMap(({ hosts }) => hosts)).not.toContain('x86-64-v4');
  });

  it('makes no size up where a host leaves it unknown', () => {
    const baseline = withLevel('x86-64-v4', PLACELESS_512);
    expect(baseline.areaBytes).toBeUndefined();
    expect(limitsOf(baseline).at(-1)?.effect).toContain('unknown for 1 of');
    expect(() => compileMask(baseline)).toThrow(/XSAVE area/);
    expect(withLevel('x86-64-v4', INTEL_512, PLACELESS_512).level).toBe('x86-64-v3');
  });

  it('costs the features above it, in pools too', () => {
    const cluster = mergeClusters([models('x86-64-v4'), planned(INTEL_512)]);
    const { pools } = poolsOf(cluster, { count: 1 });
    expect(pools[0]?.baseline.features).toEqual(baselineOf(cluster).features);
    expect(pools[0]?.baseline.features).toContain('avx512bw');
  });

  it('is of no vendor', () => {
    expect(countVendors(withLevel('x86-64-v2', INTEL_512))).toEqual([
      { vendor: 'GenuineIntel', hosts: 1 },
    ]);
  });

  it('does not make lazy binding doubtful', () => {
    const noXsavec = { ...INTEL_512, features: V4.filter((name) => name !== 'xsavec') };
    expect(lazyBinding(withLevel('x86-64-v3', noXsavec), '2.36').off).toBe(false);
  });

  it('is one after its file was read again', () => {
    const baseline = withLevel('x86-64-v4', INTEL_512);
    const read = readText(fileText(baseline));
    expect(read.baseline.areaBytes).toBe(2696);
    expect(read.baseline.cluster).toEqual(baseline.cluster);
  });
});

describe('a level that wants to join', () => {
  it('does, where its features are in it, and has the layout of the hosts', () => {
    const v4: HostPlan = {
      ...INTEL_512,
      features: V4.filter((name) => !['pku', 'ospke'].includes(name)),
    };
    const before = withLevel('x86-64-v4', v4);
    expect(joinHosts(before, [describeHost(modelOf('x86-64-v4'))])).toMatchObject({
      accepted: true,
      verdict: 'compatible',
    });
    expect(joinHosts(before, [describeHost(modelOf('x86-64-v3'))]).accepted).toBe(false);
  });
  it('is not sure where the baseline itself leaves the size open', () => {
    const before = baselineOf(models('x86-64-v4'));
    expect(joinHosts(before, [seen(INTEL_512)]).accepted).toBe(false);
  });
});

describe('levels alone', () => {
  it('leave open where AVX-512 state lies: no mask, and what to do is said', () => {
    const cluster = models('x86-64-v4');
    expect(() => compileMask(baselineOf(cluster))).toThrow(
      expect.objectContaining({ code: 'size-unknown', remedy: sizeRemedy(cluster) }),
    );
    expect(sizeRemedy(cluster)).toContain('HOST... x86-64-v4');
    expect(limitsOf(baselineOf(cluster)).at(-1)?.effect).toContain('a level has none of its own');
  });

  it.each(LEVEL_NAMES)('%s is nothing but features, and no CPU is that', (level) => {
    expect(modelOf(level).onlyFeatures).toBe(true);
    const cpus = modelNames.filter((name) => !LEVEL_NAMES.includes(name as never));
    expect(cpus.filter((name) => modelOf(name).onlyFeatures)).toEqual([]);
  });
});

describe('a profile of features alone', () => {
  const text = (more: object) =>
    JSON.stringify({
      schemaVersion: 1,
      kind: 'cpugate-cpu-profile',
      name: 'mine',
      title: 'mine',
      aliases: [],
      features: ['fpu', 'cx8'],
      ...more,
    });
  const read = (more: object) =>
    namedProfile.read(openInput('mine.json', new TextEncoder().encode(text(more))));

  it.each([
    ['vendor', { vendor: 'GenuineIntel', family: 6, model: 85, stepping: 4 }],
    ['cacheLineBytes', { cacheLineBytes: 64 }],
    ['linearAddressBits', { linearAddressBits: 48 }],
  ])('may not have a %s', (name, more) => {
    expect(() => read({ onlyFeatures: true, ...more })).toThrow(
      new RegExp(`${name} is that of a CPU`),
    );
  });
  it('is only what says so: sizes that another profile leaves out are unknown', () => {
    const more = { features: ['fpu', 'cx8'] };
    expect((read(more) as { onlyFeatures?: true }).onlyFeatures).toBeUndefined();
  });
});

describe('what every CPU in long mode has', () => {
  it.each(EVERY_64_BIT_CPU)('is never masked: %s', (name) => {
    expect(() => maskable(name)).toThrow(expect.objectContaining({ code: 'not-maskable' }));
  });
  it('is asked for by no row that could go', () => {
    for (const name of EVERY_64_BIT_CPU)
      for (const { on, kind } of featureRow(name).needs ?? [])
        if (kind === 'architectural' && on !== 'pae') expect(EVERY_64_BIT_CPU).toContain(on);
  });
  it.each(LEVEL_NAMES)('is in %s', (level) => {
    const host = describeHost(modelOf(level));
    expect(EVERY_64_BIT_CPU.filter((name) => host.effective(name) !== PRESENT)).toEqual([]);
  });
  it('is there where a source does not tell it, and a mask shows it', () => {
    const features = V4.filter((name) => name === 'lm' || !EVERY_64_BIT_CPU.includes(name));
    const untold = EVERY_64_BIT_CPU.filter((name) => name !== 'lm');
    const vague = seen({ ...INTEL_512, features, untold });
    const baseline = baselineOf(clusterOf([vague]));
    expect(baseline.features).toEqual(expect.arrayContaining([...EVERY_64_BIT_CPU]));
    // TSC, CX8, SEP, CMOV, CLFLUSH, MMX, FXSR, SSE and SSE2 of leaf 1 EDX.
    expect(answerOf(compileMask(baseline).mask, 1, 0, ONES).edx & 0x07888910).toBe(0x07888910);
  });
  it('has SYSCALL, though a 32-bit program on an Intel CPU did not see it', () => {
    const features = V4.filter((name) => name !== 'syscall');
    expect(seen({ ...INTEL_512, features }).effective('syscall')).toBe(PRESENT);
  });
  it('is absent where a host says so: emulators fault without', () => {
    const features = V4.filter((name) => name !== 'clflush');
    expect(seen({ ...INTEL_512, features }).effective('clflush')).not.toBe(PRESENT);
  });
});
