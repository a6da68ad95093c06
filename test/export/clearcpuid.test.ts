import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { baselineOf } from '../../src/baseline/baseline.js';
import { VISIBLE } from '../../src/baseline/host-kind.js';
import type { FeatureName } from '../../src/catalogue/index.js';
import {
  clearcpuid as clearcpuidTarget,
  LONGEST_VALUE,
  namesToClear,
} from '../../src/export/clearcpuid.js';
import { baselineOfPlans, INTEL_512, models } from '../baseline/clusters.js';
import { HASWELL, V3 } from '../hosts.js';
import { asFile, settingsOf } from './tools.js';

const clearcpuid = asFile(clearcpuidTarget);

function parameterOf(content: string | Uint8Array): string | undefined {
  return settingsOf(content).clearcpuid;
}

describe('clearcpuid', () => {
  it('names what some host has beyond the baseline', () => {
    const baseline = baselineOfPlans([HASWELL, { ...HASWELL, name: 'b', features: V3 }]);
    expect(parameterOf(clearcpuid.write(baseline, {}).content)?.split(',').sort()).toEqual([
      'aes',
      'erms',
      'fsgsbase',
      'pclmulqdq',
      'rdrand',
    ]);
  });
  it('leaves to Linux what falls with another', () => {
    const value = parameterOf(clearcpuid.write(baselineOfPlans([HASWELL, INTEL_512]), {}).content);
    expect(value?.split(',')).toEqual(expect.arrayContaining(['avx512f', 'pku']));
    expect(value).not.toMatch(/avx512(bw|cd|dq|vl)|ospke/);
  });
  it('is empty, and says so, where hosts have nothing more', () => {
    const { content, lost } = clearcpuid.write(baselineOfPlans([HASWELL]), {});
    expect(parameterOf(content)).toBeUndefined();
    expect(content).toContain('No host has anything to clear.');
    expect(lost).toEqual([]);
  });
  it('says that CPUID goes on showing the features', () => {
    const { lost } = clearcpuid.write(baselineOfPlans([HASWELL, INTEL_512]), {});
    expect(lost.at(-1)).toMatch(/^CPUID goes on showing .*avx512f/);
  });
  it('puts state before all else where the value has no room for everything', () => {
    const { content, lost } = clearcpuid.write(baselineOf(models('haswell', 'graniterapids')), {});
    expect(parameterOf(content)?.split(',')).toEqual(
      expect.arrayContaining(['avx512f', 'pku', 'amx_tile']),
    );
    expect(lost.join('\n')).toMatch(/xsavec.* left out: the value holds 127 characters/);
  });
  it('never names what Linux runs on', () => {
    const lacking = HASWELL.features.filter((name) => name !== 'cmov');
    const { content, lost } = clearcpuid.write(
      baselineOfPlans([HASWELL, { ...HASWELL, name: 'b', features: lacking }]),
      {},
    );
    expect(parameterOf(content)?.split(',') ?? []).not.toContain('cmov');
    expect(lost.join('\n')).toContain("cmov left out: Linux itself can't do without.");
  });
  it('fits in what Linux reads, whatever is asked for, and loses nothing', () => {
    fc.assert(
      fc.property(fc.subarray([...VISIBLE]), (features: FeatureName[]) => {
        const { names, left } = namesToClear(features);
        expect(names.join(',').length).toBeLessThanOrEqual(LONGEST_VALUE);
        expect(names.every((name) => features.includes(name))).toBe(true);
        expect(left.some((name) => names.includes(name))).toBe(false);
      }),
    );
  });
});
