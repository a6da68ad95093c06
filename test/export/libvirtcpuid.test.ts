import { describe, expect, it } from 'vitest';
import { baselineOf } from '../../src/baseline/baseline.js';
import {
  libvirtcpuidName,
  libvirtcpuid as libvirtcpuidTarget,
} from '../../src/export/libvirtcpuid.js';
import { baselineOfPlans, INTEL_512, models, PLACELESS_512 } from '../baseline/clusters.js';
import { HASWELL } from '../hosts.js';
import { asFile } from './tools.js';

const libvirtcpuid = asFile(libvirtcpuidTarget);

function maskOf(content: string | Uint8Array): string[] {
  const found = /^VIRT_CPUID_MASK=(.*)\n$/.exec(`${content}`);
  return found?.[1]?.split(',') ?? [];
}

describe('libvirtcpuid', () => {
  it('masks what the baseline lacks, and shows the area of the largest host', () => {
    const { content } = libvirtcpuid.write(baselineOfPlans([HASWELL, INTEL_512]), {});
    const mask = maskOf(content);
    expect(mask).toEqual(expect.arrayContaining(['avx512f', 'avx512vl', 'pku', 'ospke']));
    expect(mask).not.toContain('avx2');
    expect(mask.at(-1)).toBe('xsavearea=2696');
  });
  // A line without "=" ends every program on the host.
  it('writes nothing but the setting', () => {
    const { content } = libvirtcpuid.write(baselineOf(models('nehalem', 'graniterapids')), {});
    expect(content).toMatch(/^VIRT_CPUID_MASK=[a-z0-9_,=]+\n$/);
  });
  it.each([
    ['avx512_bf16', 'avx512_bf16'],
    ['avx_vnni', '7_1_eax_4'],
    ['amx_tile', '7_0_edx_24'],
    ['osxsave', '1_0_ecx_27'],
    ['rdpru', '80000008_0_ebx_4'],
    ['xgetbv1', 'xgetbv1'],
  ] as const)('calls %s %s', (name, wanted) => expect(libvirtcpuidName(name)).toBe(wanted));
  it.each(['avx_ne_convert', 'avx10_version', 'lfence_rdtsc', 'ptwrite'] as const)(
    'has no reach to %s',
    (name) => expect(libvirtcpuidName(name)).toBeUndefined(),
  );
  it('says what it can not reach, and that leaf 0xD tells more', () => {
    const { lost } = libvirtcpuid.write(baselineOf(models('haswell', 'epyc-milan')), {});
    expect(lost.join('\n')).toMatch(/can't mask lfence_rdtsc[\s\S]*Leaf 0xD goes on/);
  });
  it('gives no size that not all hosts tell', () => {
    const { content, lost } = libvirtcpuid.write(baselineOfPlans([HASWELL, PLACELESS_512]), {});
    expect(content).not.toContain('xsavearea');
    expect(lost.join('\n')).toContain('xsavearea= is left out');
  });
});
