import { describe, expect, test } from 'vitest';
import { ruleOf } from '../../src/rules/index.js';
import { HASWELL, hostOf, INTEL_512 } from '../hosts.js';
import { compareHosts } from '../judge/between.js';

const named = (plan: typeof HASWELL, name: string) => hostOf({ ...plan, name });

function adviceOf(code: string, from: ReturnType<typeof hostOf>, to: ReturnType<typeof hostOf>) {
  return compareHosts(from, to).findings.find((one) => one.code === code)?.advice;
}

const POOR = { ...HASWELL, features: HASWELL.features.filter((name) => name !== 'avx2') };

describe('advice', () => {
  test('names the hosts as they are typed', () => {
    const advice = adviceOf('instruction-missing', named(HASWELL, 'web-7'), named(POOR, 'web-8'));
    expect(advice).toContain('"cpugate baseline web-7 web-8 -o both.json"');
  });

  test.each([
    ['are alike', 'web', 'web'],
    ['are no single words', 'web 7', 'web-8'],
    ['would be options', '-o', 'web-8'],
    ['a shell would take for more', 'web;reboot', 'web-8'],
    ['steer a terminal', '\u001b[2Jweb', 'web-8'],
  ])('names none where their names %s', (_, from, to) => {
    const advice = adviceOf('instruction-missing', named(HASWELL, from), named(POOR, to));
    expect(advice).toContain('"cpugate baseline FROM TO -o both.json"');
  });

  test('names what to clear at boot: the features whose state only the target enables', () => {
    // AVX-512's three components and the protection keys' are behind these flags (Linux cpuid-deps.c, Intel SDM 13.1).
    const advice = adviceOf('xsave-area-grows', named(HASWELL, 'a'), named(INTEL_512, 'b'));
    const enabled = ['avx512f', 'pku'].filter((name) => INTEL_512.features.includes(name as never));
    expect(enabled).toContain('avx512f');
    expect(advice).toContain(`clearcpuid=${enabled.join(',')}.`);
  });

  test('speaks of any two hosts where a finding is explained', () => {
    expect(ruleOf('instruction-missing').advice).toContain('cpugate baseline FROM TO');
    expect(ruleOf('xsave-area-grows').advice).toContain('the features whose state is new there');
  });
});
