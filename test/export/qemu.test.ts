import { describe, expect, it } from 'vitest';
import { type Baseline, baselineOf } from '../../src/baseline/baseline.js';
import { VISIBLE } from '../../src/baseline/host-kind.js';
import { EVERY_64_BIT_CPU, type FeatureName, featureRow, ROWS } from '../../src/catalogue/index.js';
import { QEMU_FLOOR, QEMU_MODELS } from '../../src/catalogue/qemu-models.js';
import { qemuCpu, qemuNameSince, qemu as qemuTarget } from '../../src/export/qemu.js';
import { SET_BY_GUEST } from '../../src/export/virtual-model.js';
import { isSince } from '../../src/model/release.js';
import { baselineOfPlans, models } from '../baseline/clusters.js';
import { HASWELL, V2 } from '../hosts.js';
import { corpusExamples, corpusIsHere, exampleOf, MODEL_EXAMPLES } from './examples.js';
import { askQemu, cpuidWords, qemuVersion } from './qemu-tool.js';
import { asFile } from './tools.js';

const qemu = asFile(qemuTarget);

function textOf(baseline: Baseline): string {
  return `${qemu.write(baseline, {}).content}`;
}

function argumentOf(baseline: Baseline): string | undefined {
  return /^-cpu (\S+)$/m.exec(textOf(baseline))?.[1];
}

/** The features that an argument comes to, by the table of models. */
function featuresOf(argument: string): Set<FeatureName> {
  const [name, ...changes] = argument.split(',');
  const features = new Set(QEMU_MODELS.find((model) => model.name === name)?.features);
  for (const change of changes.filter((one) => one !== 'enforce')) {
    const feature = ROWS.find(({ names }) => names?.qemu === change.slice(1))?.name;
    if (feature === undefined) throw new Error(`${change} names nothing`);
    if (change.startsWith('+')) features.add(feature);
    else features.delete(feature);
  }
  return features;
}

const allowed = ({ features }: Baseline) =>
  new Set<FeatureName>([...features, ...EVERY_64_BIT_CPU]);

describe('-cpu', () => {
  it.each([
    ['haswell', 'Haswell-v4,enforce'],
    ['skylake-sp', 'Skylake-Server-v5,+mpx,+clflushopt,enforce'],
    // Erratum 1386: Linux has turned XSAVES off there, so KVM has none to give.
    ['epyc-rome', 'EPYC-Rome-v2,-xsaves,enforce'],
    ['epyc-genoa', 'EPYC-Genoa-v1,enforce'],
    ['nehalem', 'Nehalem-v2,+rdtscp,enforce'],
  ])('of %s is its own model: %s', (name, argument) => {
    expect(argumentOf(baselineOf(models(name)))).toBe(argument);
  });
  it('takes a model that KVM gives on any vendor where there are several', () => {
    expect(argumentOf(baselineOf(models('haswell', 'epyc-rome')))).toMatch(/^kvm64-v1,/);
    const { said } = qemu.write(baselineOf(models('haswell', 'epyc-rome')), {});
    expect(said.join('\n')).toContain('several vendors (AuthenticAMD, GenuineIntel)');
  });
  it.each([
    [['epyc-naples'], false],
    [['epyc-rome', 'epyc-milan'], false],
    [['epyc-naples', 'skylake-sp'], false],
    [['hygon-dhyana'], false],
    // Shadow stacks came with Zen 3.
    [['epyc-milan'], true],
    [['epyc-milan', 'epyc-genoa'], true],
    [['skylake-sp'], true],
  ] as const)('of %j requires XSAVES: %s', (names, isRequired) => {
    const baseline = baselineOf(models(...names));
    const shown = featuresOf(argumentOf(baseline) ?? '');
    expect(shown.has('xsaves')).toBe(isRequired);
    const said = /xsaves left out/.test(textOf(baseline).replace(/\n# /g, ' '));
    expect(said).toBe(!isRequired && baseline.features.includes('xsaves'));
  });
  it('has a second line for older releases where the model or a name came later', () => {
    const text = textOf(baselineOf(models('sapphirerapids')));
    expect(text).toMatch(
      /^# QEMU 7\.2 and later, without fzrm, fsrs, fsrc:\n# -cpu Icelake-Server-v6,/m,
    );
    expect(text).toMatch(/^# QEMU 8\.0 and later:\n-cpu SapphireRapids-v1,/m);
    expect(textOf(baselineOf(models('haswell')))).not.toContain('# -cpu');
  });
  it('says what it leaves out, in the file and to the caller', () => {
    const baseline = baselineOfPlans([
      { ...HASWELL, features: [...HASWELL.features, 'nonstop_tsc', 'rdpru', 'waitpkg', 'sgx'] },
    ]);
    const { content, lost } = qemu.write(baseline, {});
    expect(content).not.toMatch(/^-cpu .*(invtsc|waitpkg|sgx)/m);
    for (const name of ['nonstop_tsc', 'rdpru', 'waitpkg', 'sgx']) {
      expect(lost.join('\n')).toContain(name);
      expect(content).toMatch(new RegExp(`^# .*${name}`, 'm'));
    }
  });
  it("leaves to the guest's system what that sets", () => {
    const { lost } = qemu.write(baselineOf(models('skylake-sp')), {});
    expect(lost.join('\n')).not.toMatch(/osxsave|ospke/);
  });
  it('keeps what every 64-bit CPU has, and says so', () => {
    const baseline = baselineOfPlans([{ name: 'a', features: V2.filter((one) => one !== 'tsc') }]);
    expect(argumentOf(baseline)).not.toContain('-tsc');
    expect(textOf(baseline)).toMatch(/^# tsc, sep stay/m);
  });
  it.each(MODEL_EXAMPLES)('of %s is the baseline as far as QEMU has names', (_, baseline) => {
    const features = featuresOf(argumentOf(baseline) ?? '');
    for (const name of features) expect(allowed(baseline), name).toContain(name);
    const { lost } = qemu.write(baseline, {});
    for (const name of baseline.features)
      if (!features.has(name) && !SET_BY_GUEST.has(name))
        expect(lost.join(' ').split(/[ ,.]+/), name).toContain(name);
  });
  it.skipIf(!corpusIsHere)('shows nothing beyond the baseline of any published dump', () => {
    for (const [title, baseline] of corpusExamples())
      for (const release of [QEMU_FLOOR, '8.0', '8.1'])
        for (const name of featuresOf(qemuCpu(baseline, release).argument))
          expect(allowed(baseline), `${title}: ${name}`).toContain(name);
  });
});

describe('a release of QEMU with two digits', () => {
  it('takes all that earlier ones take', () => {
    const [, baseline] = exampleOf('sapphirerapids');
    expect(qemuCpu(baseline, '8.1').argument).not.toBe(qemuCpu(baseline, QEMU_FLOOR).argument);
    expect(qemuCpu(baseline, '10.0')).toEqual(qemuCpu(baseline, '8.1'));
  });
});

describe('the table of models', () => {
  it('has each once', () =>
    expect(new Set(QEMU_MODELS.map(({ name }) => name)).size).toBe(QEMU_MODELS.length));
  it('has no feature without a name in the release', () => {
    for (const { name, since = QEMU_FLOOR, features } of QEMU_MODELS)
      for (const feature of features)
        expect(isSince(since, qemuNameSince(feature) ?? ''), `${name}: ${feature}`).toBe(true);
  });
});

describe.skipIf(qemuVersion === undefined)('QEMU itself', () => {
  const here = Number(qemuVersion);
  const known = QEMU_MODELS.filter(({ since = QEMU_FLOOR }) => Number(since) <= here);

  it('expands each model to what the table has', () => {
    const { returned } = askQemu(
      ['-machine', 'none'],
      known.map(({ name }) => ({
        execute: 'query-cpu-model-expansion',
        arguments: { type: 'full', model: { name } },
      })),
    );
    known.forEach(({ name, features }, place) => {
      const { model } = returned[place] as { model: { props: Record<string, unknown> } };
      const shown = VISIBLE.filter(
        (one) => model.props[featureRow(one).names?.qemu ?? ''] === true,
      );
      expect([...features].sort(), name).toEqual([...shown].sort());
    });
  });

  it('has the names, in the release that is told', () => {
    const { returned } = askQemu(
      ['-machine', 'none'],
      [
        {
          execute: 'query-cpu-model-expansion',
          arguments: { type: 'full', model: { name: 'base' } },
        },
      ],
    );
    const { model } = returned[0] as { model: { props: Record<string, unknown> } };
    for (const name of VISIBLE) {
      const since = qemuNameSince(name);
      if (since === undefined) continue;
      const spelled = featureRow(name).names?.qemu ?? '';
      expect(Object.hasOwn(model.props, spelled), spelled).toBe(Number(since) <= here);
    }
  });

  const tried = [
    ['x86-64-v3'],
    ['opteron-g4'],
    ['hygon-dhyana'],
    ['epyc-milan'],
    ['cascadelake'],
    ['sapphirerapids'],
    ['icelake-sp', 'sapphirerapids'],
    ['haswell', 'epyc-rome'],
  ].map((names) => exampleOf(...names));
  it.each(tried)('gives a guest of %s the bits of the baseline and no other', (_, baseline) => {
    const release = here >= 8.1 ? '8.1' : QEMU_FLOOR;
    const { argument, shown } = qemuCpu(baseline, release);
    const words = cpuidWords(argument.replace(',enforce', ',check=off'));
    const guest = VISIBLE.filter((name) => {
      const { leaf, subleaf, reg, bit } = featureRow(name);
      const word = words.get(`${leaf}.${subleaf}.${reg}`) ?? 0;
      return typeof bit === 'number' && (word >>> bit) % 2 === 1;
    });
    expect(guest.filter((name) => !allowed(baseline).has(name))).toEqual([]);
    expect(guest).toEqual(expect.arrayContaining([...shown]));
    // Leaf 0xD: the state that the guest can enable.
    const xcr0 = (BigInt(words.get('13.0.edx') ?? 0) << 32n) | BigInt(words.get('13.0.eax') ?? 0);
    expect(xcr0).toBe(baseline.xcr0);
  });

  it('starts where it can give all, and refuses where it cannot', () => {
    const start = (argument: string) =>
      askQemu(['-accel', 'tcg', '-machine', 'pc', '-m', '32', '-cpu', argument], []);
    expect(start(argumentOf(baselineOf(models('x86-64-v2'))) ?? '')).toMatchObject({ status: 0 });
    const refused = start(argumentOf(baselineOf(models('cascadelake'))) ?? '');
    expect(refused.status).not.toBe(0);
    expect(refused.errors).toContain("doesn't support requested feature");
  });
});
