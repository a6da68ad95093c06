import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { baselineOf } from '../../src/baseline/baseline.js';
import { rr as rrTarget } from '../../src/export/rr.js';
import { baselineOfPlans, INTEL_512, models } from '../baseline/clusters.js';
import { HASWELL, V3 } from '../hosts.js';
import { asFile, isHere } from './tools.js';

const rr = asFile(rrTarget);

function optionsOf(content: string | Uint8Array): string[] {
  const line = `${content}`.split('\n').find((text) => text.startsWith('--'));
  return line?.split(' ') ?? [];
}

describe('rr', () => {
  // By the manuals: leaf 7 EBX[9] ERMS, [0] FSGSBASE; leaf 1 ECX[25] AES, [1] PCLMULQDQ, [30] RDRAND.
  it('clears the bits of what the baseline lacks', () => {
    const baseline = baselineOfPlans([HASWELL, { ...HASWELL, name: 'b', features: V3 }]);
    expect(optionsOf(rr.write(baseline, {}).content)).toEqual([
      '--disable-cpuid-features',
      `0x${(2 ** 25 + 2 + 2 ** 30).toString(16)},0x0`,
      '--disable-cpuid-features-ext',
      '0x201,0x0,0x0',
    ]);
  });
  it('says which features it can not reach', () => {
    const { lost, content } = rr.write(baselineOf(models('haswell', 'epyc-milan')), {});
    expect(lost[0]).toMatch(/go on seeing .*sse4a.*clzero/);
    expect(content).toContain('sse4a');
  });
  it('has no options, and says so, where there is nothing to mask', () => {
    const { content } = rr.write(baselineOfPlans([HASWELL]), {});
    expect(optionsOf(content)).toEqual([]);
    expect(content).toContain('There is nothing that rr could mask.');
  });
  it.skipIf(!isHere('rr'))('takes the options', () => {
    const options = optionsOf(rr.write(baselineOfPlans([HASWELL, INTEL_512]), {}).content);
    const run = (wanted: readonly string[]) =>
      spawnSync('rr', ['record', ...wanted, '--', '/bin/true'], { encoding: 'utf8' }).stderr;
    expect(run(options)).not.toContain('Invalid option');
    expect(run(['--disable-cpuid-features-ext', '0xzz'])).toContain('Invalid option');
  });
});
