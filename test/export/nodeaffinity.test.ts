import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { baselineOf } from '../../src/baseline/baseline.js';
import type { FeatureName } from '../../src/catalogue/index.js';
import { baselineLabel } from '../../src/export/nfd-needs.js';
import { nodeaffinity as nodeaffinityTarget } from '../../src/export/nodeaffinity.js';
import { baselineOfPlans, models } from '../baseline/clusters.js';
import { HASWELL, V1, V2 } from '../hosts.js';
import { asFile, isHere, pythonYamlIsHere, readYaml } from './tools.js';

const nodeaffinity = asFile(nodeaffinityTarget);

const baseline = baselineOfPlans([HASWELL]);

function keysOf(content: string | Uint8Array): string[] {
  return [...`${content}`.matchAll(/^ +- key: (\S+)$/gm)].map((found) => found[1] ?? '');
}

/** The keys of each term. */
const termsOf = (content: string | Uint8Array): string[][] =>
  `${content}`.split('- matchExpressions:').slice(1).map(keysOf);

describe('node affinity', () => {
  it('asks for the flags that get a label by default', () => {
    expect(keysOf(nodeaffinity.write(baseline, {}).content)).toEqual(
      expect.arrayContaining(
        ['AVX', 'AVX2', 'FMA3', 'AESNI', 'MOVBE', 'XSAVEOPT'].map(
          (flag) => `feature.node.kubernetes.io/cpu-cpuid.${flag}`,
        ),
      ),
    );
  });
  it('asks for nothing that gets none, and names what no label proves', () => {
    const { content, lost } = nodeaffinity.write(baseline, {});
    expect(keysOf(content).join(' ')).not.toMatch(/\.(BMI1|BMI2|LZCNT|POPCNT|SSE\w*|F16C|CLMUL)\b/);
    expect(lost[0]).toMatch(/no label for .*RDRAND/);
    expect(lost[0]).not.toMatch(/BMI|LZCNT|POPCNT|SSE|F16C/);
    expect(content).toContain('no label for');
  });
  it('has the level of x86-64 prove what has no label of its own', () => {
    const [own, rule] = termsOf(nodeaffinity.write(baseline, {}).content);
    expect(own).toContain('feature.node.kubernetes.io/cpu-cpuid.X86_64_V3');
    expect(own).not.toContain('feature.node.kubernetes.io/cpu-cpuid.X86_64_V4');
    // Older releases don't know the level; the rule's label is of all that the baseline has.
    expect(rule).toEqual([baselineLabel(baseline)]);
  });
  it('asks for the level that the baseline reaches in full, no more', () => {
    const levels = (features: readonly FeatureName[]) =>
      keysOf(nodeaffinity.write(baselineOfPlans([{ features }]), {}).content).filter((key) =>
        key.includes('X86_64_V'),
      );
    expect(levels(V2)).toEqual(['feature.node.kubernetes.io/cpu-cpuid.X86_64_V2']);
    expect(levels(V2.filter((name) => name !== 'popcnt'))).toEqual([]);
    expect(levels(V1)).toEqual([]);
  });
  it('misses nothing of the first level, which every node has', () =>
    expect(nodeaffinity.write(baselineOfPlans([{ features: V1 }]), {}).lost.join('\n')).not.toMatch(
      /no label for|SSE|MMX|CMOV/,
    ));
  it('offers no other way in where the level proves nothing', () =>
    expect(
      termsOf(nodeaffinity.write(baselineOfPlans([{ features: V1 }]), {}).content),
    ).toHaveLength(1));
  it('turns no node away for a hint, nor for what the baseline lacks', () => {
    const keys = keysOf(nodeaffinity.write(baseline, {}).content).join(' ');
    expect(keys).not.toMatch(/ERMS|AVX512/);
    const old = nodeaffinity.write(baselineOfPlans([{ features: V2 }, HASWELL]), {});
    expect(keysOf(old.content).join(' ')).not.toContain('AVX');
  });
  it('says what has no flag, and that sizes are not told', () => {
    const text = nodeaffinity.write(baseline, {}).lost.join('\n');
    expect(text).toMatch(/no flag for .*fsgsbase/);
    expect(text).toContain('XSAVE area');
  });

  it.skipIf(!pythonYamlIsHere || !isHere('kubectl', 'version', '--client'))(
    'is a patch that kubectl applies without loss',
    () => {
      const { content } = nodeaffinity.write(baselineOf(models('skylake-sp', 'epyc-rome')), {});
      const deployment = {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'x' },
        spec: {
          selector: { matchLabels: { app: 'x' } },
          template: {
            metadata: { labels: { app: 'x' } },
            spec: { containers: [{ name: 'x', image: 'x' }] },
          },
        },
      };
      const kubectl = (input: unknown, ...args: string[]) =>
        JSON.parse(
          execFileSync('kubectl', [...args, '--local', '-f', '-', '-o', 'json'], {
            input: JSON.stringify(input),
            encoding: 'utf8',
          }),
        );
      const patched = kubectl(deployment, 'patch', '--patch', `${content}`);
      // This reads the object as its type: a misspelt field would be gone.
      const typed = kubectl(patched, 'set', 'env', 'X=1');
      const ours = readYaml(`${content}`) as typeof deployment;
      expect(typed.spec.template.spec.affinity).toEqual(
        (ours.spec.template.spec as Record<string, unknown>).affinity,
      );
    },
  );
});
