/**
 * What QEMU's and libvirt's CPU models show beside what tasks see (qemu-models.ts): bits for the guest's
 * kernel alone, and mitigations. QEMU's "enforce" and libvirt's check ask a host for these as well, so a
 * machine doesn't start where one is missing.
 *
 * A row has what QEMU or libvirt's map counts to the model. Facts of QEMU 7.2 (QMP
 * query-cpu-model-expansion) and libvirt 9.0 (src/cpu_map), which the tests ask again where they are installed; of
 * models after these, libvirt's map as of 2025. Not here: "hypervisor", which every guest has, and bits of
 * registers that only kernels can read (rdctl-no and the like, behind arch_capabilities): QEMU shows these
 * where arch_capabilities is on.
 */
import type { FeatureName } from './index.js';

interface ModelRow {
  readonly name: string;
  /** An earlier row that it differs from in "plus" and "minus". */
  readonly like?: string;
  readonly plus?: readonly FeatureName[];
  readonly minus?: readonly FeatureName[];
}

/** In the order of qemu-models.ts. */
const ROWS: readonly ModelRow[] = [
  { name: 'kvm64-v1', plus: ['de', 'pse', 'msr', 'pae', 'mce', 'apic', 'mtrr', 'pge', 'mca', 'pat', 'pse36', 'nx'] },
  { name: 'Conroe-v1', like: 'kvm64-v1' },
  { name: 'Penryn-v1', like: 'Conroe-v1' },
  { name: 'Nehalem-v1', like: 'Penryn-v1' },
  { name: 'Nehalem-v2', like: 'Nehalem-v1', plus: ['spec_ctrl'] },
  { name: 'Westmere-v1', like: 'Conroe-v1', plus: ['arat'] },
  { name: 'Westmere-v2', like: 'Westmere-v1', plus: ['spec_ctrl'] },
  { name: 'SandyBridge-v1', like: 'Westmere-v1', plus: ['x2apic', 'tsc_deadline_timer'] },
  { name: 'SandyBridge-v2', like: 'SandyBridge-v1', plus: ['spec_ctrl'] },
  { name: 'IvyBridge-v1', like: 'SandyBridge-v1', plus: ['vme', 'smep'] },
  { name: 'IvyBridge-v2', like: 'IvyBridge-v1', plus: ['spec_ctrl'] },
  { name: 'Haswell-v1', like: 'IvyBridge-v1', plus: ['pcid', 'invpcid'], minus: ['vme'] },
  { name: 'Haswell-v2', like: 'Haswell-v1' },
  { name: 'Haswell-v3', like: 'Haswell-v2', plus: ['spec_ctrl'] },
  { name: 'Haswell-v4', like: 'Haswell-v3' },
  { name: 'Broadwell-v1', like: 'Haswell-v1', plus: ['smap'] },
  { name: 'Broadwell-v2', like: 'Broadwell-v1' },
  { name: 'Broadwell-v3', like: 'Broadwell-v2', plus: ['spec_ctrl'] },
  { name: 'Broadwell-v4', like: 'Broadwell-v3' },
  { name: 'Skylake-Client-v1', like: 'Broadwell-v1', plus: ['vme'] },
  { name: 'Skylake-Client-v2', like: 'Skylake-Client-v1', plus: ['spec_ctrl'] },
  { name: 'Skylake-Client-v3', like: 'Skylake-Client-v2' },
  { name: 'Skylake-Client-v4', like: 'Broadwell-v3' },
  { name: 'Skylake-Server-v1', like: 'Skylake-Client-v1', plus: ['pdpe1gb'] },
  { name: 'Skylake-Server-v2', like: 'Skylake-Server-v1', plus: ['spec_ctrl'] },
  { name: 'Skylake-Server-v3', like: 'Skylake-Server-v2' },
  { name: 'Skylake-Server-v4', like: 'Skylake-Server-v3', minus: ['vme'] },
  { name: 'Skylake-Server-v5', like: 'Skylake-Server-v4' },
  { name: 'Cascadelake-Server-v1', like: 'Skylake-Server-v2', plus: ['spec_ctrl_ssbd'] },
  { name: 'Cascadelake-Server-v2', like: 'Cascadelake-Server-v1', plus: ['arch_capabilities'], minus: ['vme'] },
  { name: 'Cascadelake-Server-v3', like: 'Cascadelake-Server-v2', plus: ['vme'] },
  { name: 'Cascadelake-Server-v4', like: 'Cascadelake-Server-v2' },
  { name: 'Cascadelake-Server-v5', like: 'Cascadelake-Server-v4' },
  { name: 'Cooperlake-v1', like: 'Cascadelake-Server-v3', plus: ['intel_stibp'] },
  { name: 'Cooperlake-v2', like: 'Cooperlake-v1', minus: ['vme'] },
  { name: 'Icelake-Server-v1', like: 'Cascadelake-Server-v1', plus: ['intel_pt', 'wbnoinvd'] },
  { name: 'Icelake-Server-v2', like: 'Icelake-Server-v1' },
  { name: 'Icelake-Server-v3', like: 'Cascadelake-Server-v2', plus: ['wbnoinvd'] },
  { name: 'Icelake-Server-v4', like: 'Icelake-Server-v3' },
  { name: 'Icelake-Server-v5', like: 'Icelake-Server-v4' },
  { name: 'Icelake-Server-v6', like: 'Icelake-Server-v5' },
  { name: 'SapphireRapids-v1', like: 'Icelake-Server-v6', plus: ['vme'] },
  { name: 'GraniteRapids-v1', like: 'SapphireRapids-v1', plus: ['mcdt_no'] },
  { name: 'Denverton-v1', like: 'Cascadelake-Server-v2', plus: ['monitor'], minus: ['pcid', 'invpcid'] },
  { name: 'Denverton-v2', like: 'Denverton-v1', minus: ['monitor'] },
  { name: 'Denverton-v3', like: 'Denverton-v2' },
  { name: 'Snowridge-v1', like: 'Denverton-v1', plus: ['vme', 'core_capabilities'] },
  { name: 'Snowridge-v2', like: 'Snowridge-v1', minus: ['vme'] },
  { name: 'Snowridge-v3', like: 'Snowridge-v2' },
  { name: 'Snowridge-v4', like: 'Denverton-v1' },
  { name: 'Opteron_G1-v1', like: 'Conroe-v1' },
  { name: 'Opteron_G2-v1', like: 'Opteron_G1-v1', plus: ['svm'] },
  { name: 'Opteron_G3-v1', like: 'Opteron_G2-v1', plus: ['monitor'] },
  { name: 'Opteron_G4-v1', like: 'Opteron_G2-v1', plus: ['pdpe1gb', 'npt', 'nrip_save'] },
  { name: 'Opteron_G5-v1', like: 'Opteron_G4-v1' },
  { name: 'EPYC-v1', like: 'Opteron_G5-v1', plus: ['vme', 'monitor', 'arat', 'smep', 'smap', 'fxsr_opt', 'cr8_legacy', 'osvw', 'topoext'] },
  { name: 'EPYC-v2', like: 'EPYC-v1', plus: ['amd_ibpb'] },
  { name: 'EPYC-v3', like: 'EPYC-v2', plus: ['perfctr_core'], minus: ['vme'] },
  { name: 'EPYC-Rome-v1', like: 'EPYC-v3', plus: ['vme', 'wbnoinvd', 'amd_stibp'] },
  { name: 'EPYC-Rome-v2', like: 'EPYC-Rome-v1', plus: ['amd_ibrs', 'amd_ssbd'], minus: ['vme'] },
  { name: 'EPYC-Milan-v1', like: 'EPYC-Rome-v2', plus: ['vme', 'pcid', 'invpcid', 'svme_addr_chk'] },
  { name: 'EPYC-Milan-v2', like: 'EPYC-Milan-v1', plus: ['amd_stibp_always_on', 'amd_psfd', 'no_nested_data_bp', 'null_sel_clr_base'] },
  { name: 'EPYC-Genoa-v1', like: 'EPYC-Milan-v2', plus: ['vnmi', 'autoibrs'] },
  { name: 'Dhyana-v1', like: 'EPYC-v2' },
  { name: 'Dhyana-v2', like: 'Dhyana-v1', minus: ['vme'] },
];

function expand(): ReadonlyMap<string, ReadonlySet<FeatureName>> {
  const models = new Map<string, ReadonlySet<FeatureName>>();
  for (const { name, like, plus = [], minus = [] } of ROWS) {
    const features = new Set(like === undefined ? [] : models.get(like));
    for (const feature of plus) features.add(feature);
    for (const feature of minus) features.delete(feature);
    models.set(name, features);
  }
  return models;
}

const models = expand();

/** By the name of a row of QEMU_MODELS. */
export function modelKernelFeatures(name: string): ReadonlySet<FeatureName> {
  const features = models.get(name);
  if (features === undefined) throw new Error(`nothing is known of the model ${name}`);
  return features;
}

/** All that some model has; their places are those of bits in KernelBits (baseline/kernel-bits.ts). */
export const MODEL_KERNEL_FEATURES: readonly FeatureName[] = [
  ...new Set([...models.values()].flatMap((features) => [...features])),
];
