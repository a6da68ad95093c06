import { describe, expect, it } from 'vitest';
import { baselineOf } from '../../src/baseline/baseline.js';
import { gvisorName } from '../../src/catalogue/gvisor-names.js';
import { gvisor as gvisorTarget } from '../../src/export/gvisor.js';
import { baselineOfPlans, INTEL_512, models } from '../baseline/clusters.js';
import { HASWELL } from '../hosts.js';
import { asFile, pythonYamlIsHere, readYaml } from './tools.js';

const gvisor = asFile(gvisorTarget);

const KEY = 'dev.gvisor.internal.cpufeatures';

function listOf(content: string | Uint8Array): string[] {
  const found = /^dev\.gvisor\.internal\.cpufeatures: "(.*)"$/m.exec(`${content}`);
  return found?.[1]?.split(',') ?? [];
}

describe('gvisor', () => {
  it('lists what the baseline has, and nothing else', () => {
    const list = listOf(gvisor.write(baselineOfPlans([HASWELL, INTEL_512]), {}).content);
    expect(list).toEqual(expect.arrayContaining(['fpu', 'pni', 'avx2', 'xsave', 'osxsave', 'lm']));
    expect(list.join()).not.toMatch(/avx512|pku/);
  });
  // Two of gVisor's own names are misspelt, and one feature it doesn't name at all.
  it.each([
    ['clflushopt', 'clfushopt'],
    ['shstk', 'cet_ss'],
    ['zero_fcs_fds', 'fpcsds'],
    ['avx512ifma', undefined],
    ['avx_vnni', undefined],
    ['uintr', undefined],
    ['fsrm', 'fsrm'],
  ] as const)('calls %s %s', (name, wanted) => expect(gvisorName(name)).toBe(wanted));
  it('says what sandboxes go on seeing: bits without a name in leaves that are passed on', () => {
    const { lost } = gvisor.write(baselineOf(models('haswell', 'sapphirerapids')), {});
    expect(lost[0]).toMatch(/go on seeing them/);
    expect(lost[0]).toContain('avx512ifma');
    // gVisor answers zero to leaf 7.1.
    expect(lost[0]).not.toContain('avx_vnni');
  });
  it.skipIf(!pythonYamlIsHere)('is YAML', () => {
    const { content } = gvisor.write(baselineOf(models('haswell')), {});
    expect(readYaml(`${content}`)).toEqual({ [KEY]: listOf(content).join() });
  });
});
