import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Baseline, baselineOf } from '../../src/baseline/baseline.js';
import { clusterOf } from '../../src/baseline/cluster.js';
import { predictCriu } from '../../src/criu/predict.js';
import { criu as criuTarget } from '../../src/export/criu.js';
import { criuImage } from '../../src/formats/criu-image.js';
import { openInput } from '../../src/formats/format.js';
import { readHost } from '../../src/formats/index.js';
import { describeHost } from '../../src/model/capabilities.js';
import type { Host } from '../../src/model/host.js';
import { baselineOfPlans, INTEL_512, models } from '../baseline/clusters.js';
import { HASWELL } from '../hosts.js';
import { asFile } from './tools.js';

const criu = asFile(criuTarget);

const fixtures = new URL('../fixtures/', import.meta.url);
const load = (name: string) =>
  readHost(name, new Uint8Array(readFileSync(new URL(name, fixtures))));
const baselineOfHosts = (hosts: readonly Host[]) => baselineOf(clusterOf(hosts.map(describeHost)));

function imageOf(baseline: Baseline): Host {
  const { content } = criu.write(baseline, {});
  return criuImage.read(openInput('cpuinfo.img', content as Uint8Array));
}

const DUMPS = ['haswell-guest', 'skylake-server-guest', 'epyc-milan-guest'].map(
  (name) => `dumps/${name}.cpuid-1-r.txt`,
);
/** CRIU's own, of hosts that it knows. */
const IMAGES = readdirSync(new URL('criu/', fixtures))
  .filter((name) => /^(?:haswell|haswell\+pku|sandybridge|skylake-server|epyc)\.img$/.test(name))
  .map((name) => `criu/${name}`);

describe('criu', () => {
  it.each([
    ['dumps', DUMPS],
    ["CRIU's own records", IMAGES],
  ])('writes an image that CRIU accepts on every host: %s', async (_, names) => {
    const hosts = await Promise.all(names.map(load));
    expect(hosts.length).toBeGreaterThan(2);
    const image = imageOf(baselineOfHosts(hosts));
    for (const host of hosts) {
      expect(predictCriu(image, host, 'fpu,ins'), host.name).toEqual({
        outcome: 'accepts',
        exit: 0,
      });
      expect(predictCriu(image, host, 'none,cpu').outcome, host.name).toBe('refuses');
    }
  });
  it('that CRIU refuses on a host below the baseline', async () => {
    const [haswell, skylake] = await Promise.all(
      ['haswell', 'skylake-server'].map((name) => load(`criu/${name}.img`)),
    );
    const image = imageOf(baselineOfHosts([skylake as Host]));
    expect(predictCriu(image, haswell as Host, 'fpu,ins')).toMatchObject({ outcome: 'refuses' });
    expect(predictCriu(image, haswell as Host, 'none,ins')).toMatchObject({
      reason: 'CPU instruction capabilities do not match run time',
    });
  });
  it('holds the sizes where all hosts have the same, and says where they have not', () => {
    const alike = criu.write(baselineOfPlans([INTEL_512, { ...INTEL_512, name: 'b' }]), {});
    const record = criuImage.read(openInput('x', alike.content as Uint8Array)).criu;
    // CRIU's mask lacks SSE on every host.
    expect(record).toMatchObject({ xfeaturesMask: 0x2e5n, xsaveSize: 2696, vendor: 'intel' });
    expect(alike.said.join('\n')).not.toContain('The size of the XSAVE area');
    const mixed = criu.write(baselineOfPlans([INTEL_512, HASWELL]), {});
    const other = criuImage.read(openInput('x', mixed.content as Uint8Array)).criu;
    expect(other).toMatchObject({ xfeaturesMask: 5n, xsaveSize: undefined });
    expect(mixed.said.join('\n')).toContain('those of the hosts differ or are unknown');
  });
  it('is called by the hosts that it stands for, of the vendor that most are of', () => {
    const image = imageOf(baselineOf(models('haswell', 'epyc-milan', 'epyc-rome')));
    expect(image.criu).toMatchObject({ modelId: 'baseline of 3 hosts', vendor: 'amd', family: 0 });
  });
  it('says what CRIU has no place for, and which CPUs it does not know', () => {
    const { said } = criu.write(
      baselineOfPlans([
        { ...HASWELL, vendor: 'CentaurHauls', features: [...HASWELL.features, 'avx_vnni'] },
      ]),
      {},
    );
    expect(said.join('\n')).toMatch(/no place for avx_vnni[\s\S]*CPUs of CentaurHauls/);
  });
});
