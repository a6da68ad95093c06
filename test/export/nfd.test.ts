import { describe, expect, it } from 'vitest';
import { baselineOf } from '../../src/baseline/baseline.js';
import { findFeature, ROWS } from '../../src/catalogue/index.js';
import { nfdFlag } from '../../src/catalogue/nfd-labels.js';
import { nfd as nfdTarget } from '../../src/export/nfd.js';
import { nfdImage } from '../../src/export/nfd-image.js';
import { baselineLabel } from '../../src/export/nfd-needs.js';
import { nodeaffinity as nodeaffinityTarget } from '../../src/export/nodeaffinity.js';
import { baselineOfPlans, models } from '../baseline/clusters.js';
import { HASWELL } from '../hosts.js';
import { MODEL_EXAMPLES } from './examples.js';
import { asFile, pythonYamlIsHere, readYaml } from './tools.js';

const nfd = asFile(nfdTarget);
const nodeaffinity = asFile(nodeaffinityTarget);

interface Rule {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly matchFeatures: readonly {
    readonly feature: string;
    readonly matchExpressions: Readonly<Record<string, { readonly op: string }>>;
  }[];
}

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: { readonly rules: readonly Rule[] };
}

const baseline = baselineOfPlans([HASWELL]);

describe('flags of Node Feature Discovery', () => {
  it('are one for a feature', () => {
    const flags = ROWS.map((row) => nfdFlag(row.name)).filter((flag) => flag !== undefined);
    expect(new Set(flags).size).toBe(flags.length);
  });
  /** klauspost/cpuid's words that are nobody else's, and one (SSE4) that others mean otherwise. */
  const OWN = [
    'X87',
    'CMPXCHG8',
    'AMD3DNOW',
    'AMD3DNOWEXT',
    'CETSS',
    'CETIBT',
    'SM3_X86',
    'SM4_X86',
  ];
  it('are names that the catalogue knows for the same feature', () => {
    for (const { name } of ROWS) {
      const flag = nfdFlag(name);
      if (flag !== undefined && !OWN.includes(flag)) expect(findFeature(flag), flag).toBe(name);
    }
  });
});

describe.skipIf(!pythonYamlIsHere)('a rule for Node Feature Discovery', () => {
  const manifest = readYaml(`${nfd.write(baseline, {}).content}`) as Manifest;
  const [first, ...others] = manifest.spec.rules;

  it('is a NodeFeatureRule with a name that Kubernetes takes', () => {
    expect(manifest).toMatchObject({
      apiVersion: 'nfd.k8s-sigs.io/v1alpha1',
      kind: 'NodeFeatureRule',
    });
    expect(manifest.metadata.name).toMatch(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/);
  });
  it('labels nodes that have all flags, those without a label among them', () => {
    expect(first?.labels).toEqual({ [baselineLabel(baseline)]: 'true' });
    expect(first?.matchFeatures).toHaveLength(1);
    const { feature, matchExpressions } = first?.matchFeatures[0] ?? {};
    expect(feature).toBe('cpu.cpuid');
    expect(Object.keys(matchExpressions ?? {})).toEqual(
      expect.arrayContaining(['AVX2', 'FMA3', 'BMI1', 'BMI2', 'LZCNT', 'SSE42', 'SSE4', 'SSE3']),
    );
    expect(Object.values(matchExpressions ?? {}).every(({ op }) => op === 'Exists')).toBe(true);
  });
  it('gives those flags their usual label each', () => {
    const labels = others.map(({ labels }) => Object.keys(labels)[0]);
    expect(labels).toContain('feature.node.kubernetes.io/cpu-cpuid.BMI2');
    expect(labels).not.toContain('feature.node.kubernetes.io/cpu-cpuid.AVX2');
    for (const { labels, matchFeatures } of others)
      expect(Object.keys(labels)[0]).toBe(
        `feature.node.kubernetes.io/cpu-cpuid.${Object.keys(matchFeatures[0]?.matchExpressions ?? {})[0]}`,
      );
  });
  it('sets the label that the node affinity speaks of, which is no longer than 63 characters', () => {
    const label = baselineLabel(baseline);
    expect(nodeaffinity.write(baseline, {}).content).toContain(label);
    expect(label.split('/')[1]?.length).toBeLessThan(64);
  });
  it('names other baselines otherwise, and the same alike', () => {
    expect(baselineLabel(baselineOf(models('nehalem')))).not.toBe(baselineLabel(baseline));
    expect(baselineLabel(baselineOfPlans([{ ...HASWELL, name: 'other' }]))).toBe(
      baselineLabel(baseline),
    );
  });
});

it('says what Node Feature Discovery does not tell', () =>
  expect(nfd.write(baseline, {}).lost.join('\n')).toMatch(
    /no flag for .*fsgsbase[\s\S]*XSAVE area/,
  ));

describe.skipIf(!pythonYamlIsHere)('the artifact of an image', () => {
  it.each(MODEL_EXAMPLES)('of %s asks for the flags of the rule', (_, baseline) => {
    const rule = /matchExpressions:\n((?: +[A-Z0-9_]+: .*\n)+)/.exec(
      `${nfd.write(baseline, {}).content}`,
    )?.[1];
    const flags = [...(rule ?? '').matchAll(/^ +([A-Z0-9_]+):/gm)].map(([, flag]) => flag);
    const [entry] = (
      readYaml(`${asFile(nfdImage).write(baseline, {}).content}`) as {
        compatibilities: { rules: { matchFeatures: { matchExpressions: object }[] }[] }[];
      }
    ).compatibilities;
    const asked = entry?.rules[0]?.matchFeatures[0]?.matchExpressions ?? {};
    expect(Object.keys(asked)).toEqual(flags);
    for (const value of Object.values(asked)) expect(value).toEqual({ op: 'Exists' });
  });
});
