/**
 * QEMU's versioned CPU models: what each shows to tasks. What one shows to kernels alone (page tables,
 * mitigations) isn't here, so versions can look alike; the later one has the mitigations.
 *
 * All but those with "since" are as QEMU 7.2 expands them (QMP query-cpu-model-expansion), which the
 * tests ask again where QEMU is installed; the later ones are as libvirt's CPU map tells them. A version,
 * once released, never changes.
 */
import type { FeatureName } from './index.js';

/** Every release from this one on knows what has no "since". */
export const QEMU_FLOOR = '7.2';

export interface QemuModel {
  readonly name: string;
  /** Absent: for hosts of any vendor. */
  readonly vendor?: string;
  /** The release that brought it. */
  readonly since?: string;
  /** What libvirt 9.0 calls it. */
  readonly libvirt?: string;
  /** Features that either libvirt's own CPU map or QEMU counts to it, not both. */
  readonly disputed?: readonly FeatureName[];
  readonly features: readonly FeatureName[];
}

interface ModelRow extends Omit<QemuModel, 'features'> {
  /** An earlier row that it differs from in "plus" and "minus". */
  readonly like?: string;
  readonly plus?: readonly FeatureName[];
  readonly minus?: readonly FeatureName[];
}

/** Versions of a model stand together, later ones after earlier ones. */
const ROWS: readonly ModelRow[] = [
  { name: 'kvm64-v1', libvirt: 'kvm64', plus: ['fpu', 'tsc', 'cx8', 'sep', 'cmov', 'clflush', 'mmx', 'fxsr', 'sse', 'sse2', 'pni', 'cx16', 'syscall', 'lm'] },
  { name: 'Conroe-v1', vendor: 'GenuineIntel', libvirt: 'Conroe', like: 'kvm64-v1', plus: ['ssse3', 'lahf_lm'], minus: ['cx16'] },
  { name: 'Penryn-v1', vendor: 'GenuineIntel', libvirt: 'Penryn', like: 'Conroe-v1', plus: ['cx16', 'sse4_1'] },
  { name: 'Nehalem-v1', vendor: 'GenuineIntel', libvirt: 'Nehalem', like: 'Penryn-v1', plus: ['sse4_2', 'popcnt'] },
  { name: 'Nehalem-v2', vendor: 'GenuineIntel', libvirt: 'Nehalem-IBRS', like: 'Nehalem-v1' },
  { name: 'Westmere-v1', vendor: 'GenuineIntel', libvirt: 'Westmere', disputed: ['pclmulqdq'], like: 'Nehalem-v2', plus: ['pclmulqdq', 'aes'] },
  { name: 'Westmere-v2', vendor: 'GenuineIntel', libvirt: 'Westmere-IBRS', disputed: ['pclmulqdq'], like: 'Westmere-v1' },
  { name: 'SandyBridge-v1', vendor: 'GenuineIntel', libvirt: 'SandyBridge', disputed: ['xsaveopt'], like: 'Westmere-v2', plus: ['xsave', 'avx', 'xsaveopt', 'rdtscp'] },
  { name: 'SandyBridge-v2', vendor: 'GenuineIntel', libvirt: 'SandyBridge-IBRS', disputed: ['xsaveopt'], like: 'SandyBridge-v1' },
  { name: 'IvyBridge-v1', vendor: 'GenuineIntel', libvirt: 'IvyBridge', disputed: ['xsaveopt'], like: 'SandyBridge-v2', plus: ['f16c', 'rdrand', 'fsgsbase', 'erms'] },
  { name: 'IvyBridge-v2', vendor: 'GenuineIntel', libvirt: 'IvyBridge-IBRS', disputed: ['xsaveopt'], like: 'IvyBridge-v1' },
  { name: 'Haswell-v1', vendor: 'GenuineIntel', libvirt: 'Haswell', disputed: ['xsaveopt', 'f16c', 'rdrand', 'abm'], like: 'IvyBridge-v2', plus: ['fma', 'movbe', 'bmi1', 'hle', 'avx2', 'bmi2', 'rtm', 'abm'] },
  { name: 'Haswell-v2', vendor: 'GenuineIntel', libvirt: 'Haswell-noTSX', disputed: ['xsaveopt', 'f16c', 'rdrand', 'abm'], like: 'Haswell-v1', minus: ['hle', 'rtm'] },
  { name: 'Haswell-v3', vendor: 'GenuineIntel', libvirt: 'Haswell-IBRS', disputed: ['xsaveopt', 'f16c', 'rdrand', 'abm'], like: 'Haswell-v1' },
  { name: 'Haswell-v4', vendor: 'GenuineIntel', libvirt: 'Haswell-noTSX-IBRS', disputed: ['xsaveopt', 'f16c', 'rdrand', 'abm'], like: 'Haswell-v2' },
  { name: 'Broadwell-v1', vendor: 'GenuineIntel', libvirt: 'Broadwell', disputed: ['xsaveopt', 'f16c', 'rdrand', 'abm'], like: 'Haswell-v3', plus: ['rdseed', 'adx', '3dnowprefetch'] },
  { name: 'Broadwell-v2', vendor: 'GenuineIntel', libvirt: 'Broadwell-noTSX', disputed: ['xsaveopt', 'f16c', 'rdrand', 'abm'], like: 'Broadwell-v1', minus: ['hle', 'rtm'] },
  { name: 'Broadwell-v3', vendor: 'GenuineIntel', libvirt: 'Broadwell-IBRS', disputed: ['xsaveopt', 'f16c', 'rdrand', 'abm'], like: 'Broadwell-v1' },
  { name: 'Broadwell-v4', vendor: 'GenuineIntel', libvirt: 'Broadwell-noTSX-IBRS', disputed: ['xsaveopt', 'f16c', 'rdrand', 'abm'], like: 'Broadwell-v2' },
  { name: 'Skylake-Client-v1', vendor: 'GenuineIntel', libvirt: 'Skylake-Client', disputed: ['mpx'], like: 'Broadwell-v3', plus: ['xsavec', 'xgetbv1'] },
  { name: 'Skylake-Client-v2', vendor: 'GenuineIntel', libvirt: 'Skylake-Client-IBRS', disputed: ['mpx'], like: 'Skylake-Client-v1' },
  { name: 'Skylake-Client-v3', vendor: 'GenuineIntel', libvirt: 'Skylake-Client-noTSX-IBRS', disputed: ['mpx'], like: 'Skylake-Client-v2', minus: ['hle', 'rtm'] },
  { name: 'Skylake-Client-v4', vendor: 'GenuineIntel', like: 'Skylake-Client-v3', plus: ['xsaves'] },
  { name: 'Skylake-Server-v1', vendor: 'GenuineIntel', libvirt: 'Skylake-Server', disputed: ['mpx', 'clflushopt', 'pku'], like: 'Skylake-Client-v2', plus: ['avx512f', 'avx512dq', 'clflushopt', 'clwb', 'avx512cd', 'avx512bw', 'avx512vl', 'pku'] },
  { name: 'Skylake-Server-v2', vendor: 'GenuineIntel', libvirt: 'Skylake-Server-IBRS', disputed: ['mpx', 'pku'], like: 'Skylake-Server-v1', minus: ['clflushopt'] },
  { name: 'Skylake-Server-v3', vendor: 'GenuineIntel', libvirt: 'Skylake-Server-noTSX-IBRS', disputed: ['mpx', 'pku'], like: 'Skylake-Server-v2', minus: ['hle', 'rtm'] },
  { name: 'Skylake-Server-v4', vendor: 'GenuineIntel', like: 'Skylake-Server-v3' },
  { name: 'Skylake-Server-v5', vendor: 'GenuineIntel', like: 'Skylake-Server-v4', plus: ['xsaves'] },
  { name: 'Cascadelake-Server-v1', vendor: 'GenuineIntel', libvirt: 'Cascadelake-Server', disputed: ['mpx', 'pku'], like: 'Skylake-Server-v1', plus: ['avx512_vnni'] },
  { name: 'Cascadelake-Server-v2', vendor: 'GenuineIntel', like: 'Cascadelake-Server-v1' },
  { name: 'Cascadelake-Server-v3', vendor: 'GenuineIntel', libvirt: 'Cascadelake-Server-noTSX', disputed: ['mpx', 'pku'], like: 'Cascadelake-Server-v2', minus: ['hle', 'rtm'] },
  { name: 'Cascadelake-Server-v4', vendor: 'GenuineIntel', like: 'Cascadelake-Server-v3' },
  { name: 'Cascadelake-Server-v5', vendor: 'GenuineIntel', like: 'Cascadelake-Server-v4', plus: ['xsaves'] },
  { name: 'Cooperlake-v1', vendor: 'GenuineIntel', libvirt: 'Cooperlake', like: 'Cascadelake-Server-v2', plus: ['avx512_bf16'] },
  { name: 'Cooperlake-v2', vendor: 'GenuineIntel', like: 'Cooperlake-v1', plus: ['xsaves'] },
  { name: 'Icelake-Server-v1', vendor: 'GenuineIntel', libvirt: 'Icelake-Server', disputed: ['mpx'], like: 'Cascadelake-Server-v2', plus: ['avx512vbmi', 'umip', 'avx512_vbmi2', 'gfni', 'vaes', 'vpclmulqdq', 'avx512_bitalg', 'avx512_vpopcntdq', 'la57'] },
  { name: 'Icelake-Server-v2', vendor: 'GenuineIntel', libvirt: 'Icelake-Server-noTSX', disputed: ['mpx'], like: 'Icelake-Server-v1', minus: ['hle', 'rtm'] },
  { name: 'Icelake-Server-v3', vendor: 'GenuineIntel', like: 'Icelake-Server-v2' },
  { name: 'Icelake-Server-v4', vendor: 'GenuineIntel', like: 'Icelake-Server-v3', plus: ['avx512ifma', 'sha_ni', 'rdpid', 'fsrm'] },
  { name: 'Icelake-Server-v5', vendor: 'GenuineIntel', like: 'Icelake-Server-v4', plus: ['xsaves'] },
  { name: 'Icelake-Server-v6', vendor: 'GenuineIntel', like: 'Icelake-Server-v5' },
  { name: 'SapphireRapids-v1', vendor: 'GenuineIntel', since: '8.0', like: 'Icelake-Server-v6', plus: ['hle', 'rtm', 'bus_lock_detect', 'serialize', 'tsxldtrk', 'amx_bf16', 'avx512_fp16', 'amx_tile', 'amx_int8', 'avx_vnni', 'avx512_bf16', 'fzrm', 'fsrs', 'fsrc', 'xfd'] },
  { name: 'GraniteRapids-v1', vendor: 'GenuineIntel', since: '8.1', like: 'SapphireRapids-v1', plus: ['amx_fp16', 'prefetchiti'] },
  { name: 'Denverton-v1', vendor: 'GenuineIntel', like: 'IvyBridge-v2', plus: ['movbe', 'mpx', 'rdseed', 'clflushopt', 'sha_ni', 'xsavec', 'xgetbv1', '3dnowprefetch'], minus: ['avx', 'f16c'] },
  { name: 'Denverton-v2', vendor: 'GenuineIntel', like: 'Denverton-v1', minus: ['mpx'] },
  { name: 'Denverton-v3', vendor: 'GenuineIntel', like: 'Denverton-v2', plus: ['xsaves'] },
  { name: 'Snowridge-v1', vendor: 'GenuineIntel', libvirt: 'Snowridge', disputed: ['mpx'], like: 'Denverton-v1', plus: ['clwb', 'umip', 'gfni', 'cldemote', 'movdiri', 'movdir64b'] },
  { name: 'Snowridge-v2', vendor: 'GenuineIntel', like: 'Snowridge-v1', minus: ['mpx'] },
  { name: 'Snowridge-v3', vendor: 'GenuineIntel', like: 'Snowridge-v2', plus: ['xsaves'] },
  { name: 'Snowridge-v4', vendor: 'GenuineIntel', like: 'Snowridge-v3' },
  { name: 'Opteron_G1-v1', vendor: 'AuthenticAMD', libvirt: 'Opteron_G1', like: 'kvm64-v1', minus: ['cx16'] },
  { name: 'Opteron_G2-v1', vendor: 'AuthenticAMD', libvirt: 'Opteron_G2', disputed: ['rdtscp'], like: 'kvm64-v1', plus: ['lahf_lm'] },
  { name: 'Opteron_G3-v1', vendor: 'AuthenticAMD', libvirt: 'Opteron_G3', like: 'Opteron_G2-v1', plus: ['popcnt', 'rdtscp', 'abm', 'sse4a', 'misalignsse'] },
  { name: 'Opteron_G4-v1', vendor: 'AuthenticAMD', libvirt: 'Opteron_G4', like: 'SandyBridge-v2', plus: ['abm', 'sse4a', 'misalignsse', '3dnowprefetch', 'xop', 'fma4'], minus: ['xsaveopt'] },
  { name: 'Opteron_G5-v1', vendor: 'AuthenticAMD', libvirt: 'Opteron_G5', like: 'Opteron_G4-v1', plus: ['fma', 'f16c', 'tbm'] },
  { name: 'EPYC-v1', vendor: 'AuthenticAMD', libvirt: 'EPYC', like: 'Skylake-Client-v3', plus: ['clflushopt', 'sha_ni', 'mmxext', 'sse4a', 'misalignsse'], minus: ['erms'] },
  { name: 'EPYC-v2', vendor: 'AuthenticAMD', libvirt: 'EPYC-IBPB', like: 'EPYC-v1' },
  { name: 'EPYC-v3', vendor: 'AuthenticAMD', like: 'EPYC-v2', plus: ['xsaves', 'clzero', 'xsaveerptr'] },
  { name: 'EPYC-Rome-v1', vendor: 'AuthenticAMD', libvirt: 'EPYC-Rome', disputed: ['xsaves'], like: 'EPYC-v3', plus: ['clwb', 'umip', 'rdpid'] },
  { name: 'EPYC-Rome-v2', vendor: 'AuthenticAMD', like: 'EPYC-Rome-v1' },
  { name: 'EPYC-Milan-v1', vendor: 'AuthenticAMD', libvirt: 'EPYC-Milan', like: 'EPYC-Rome-v2', plus: ['erms', 'pku', 'fsrm'] },
  { name: 'EPYC-Milan-v2', vendor: 'AuthenticAMD', since: '8.1', like: 'EPYC-Milan-v1', plus: ['vaes', 'vpclmulqdq', 'lfence_rdtsc'] },
  { name: 'EPYC-Genoa-v1', vendor: 'AuthenticAMD', since: '8.1', like: 'Icelake-Server-v6', plus: ['avx512_bf16', 'mmxext', 'sse4a', 'misalignsse', 'clzero', 'xsaveerptr', 'lfence_rdtsc'] },
  { name: 'Dhyana-v1', vendor: 'HygonGenuine', libvirt: 'Dhyana', like: 'EPYC-v2', minus: ['pclmulqdq', 'aes', 'sha_ni'] },
  { name: 'Dhyana-v2', vendor: 'HygonGenuine', like: 'Dhyana-v1', plus: ['xsaves'] },
];

function expand(): readonly QemuModel[] {
  const models = new Map<string, QemuModel>();
  for (const { like, plus = [], minus = [], ...row } of ROWS) {
    const inherited = like === undefined ? [] : (models.get(like)?.features ?? []);
    const features = inherited.filter((name) => !minus.includes(name)).concat(plus);
    models.set(row.name, { ...row, features });
  }
  return [...models.values()];
}

export const QEMU_MODELS: readonly QemuModel[] = expand();
