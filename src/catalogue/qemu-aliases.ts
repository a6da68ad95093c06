/**
 * Names of QEMU's CPU models beside their versions (qemu-models.ts). A name with a suffix is one version for
 * good; a plain one is what the machine type makes of it, version 1 for all machine types of today.
 * Facts of QEMU 7.2 ("-cpu help", query-cpu-model-expansion), which the tests ask again; the last is Proxmox VE's
 * own, from 8.0 on (PVE/QemuServer/CPUConfig.pm).
 */
import type { FeatureName } from './index.js';
import { QEMU_MODELS } from './qemu-models.js';

interface OtherModel {
  readonly name: string;
  /** A model of qemu-models.ts, or one above. */
  readonly like: string;
  readonly plus: readonly FeatureName[];
}

/** For hosts that have them already; never written by an export. */
const OTHERS: readonly OtherModel[] = [
  { name: 'qemu64-v1', like: 'kvm64-v1', plus: ['lahf_lm'] },
  { name: 'core2duo-v1', like: 'Conroe-v1', plus: ['cx16'] },
  { name: 'KnightsMill-v1', like: 'Broadwell-v2', plus: ['avx512f', 'avx512cd', 'avx512er', 'avx512pf', 'avx512_4fmaps', 'avx512_4vnniw', 'avx512_vpopcntdq'] },
  { name: 'x86-64-v2-AES', like: 'qemu64-v1', plus: ['aes', 'popcnt', 'pni', 'sse4_1', 'sse4_2', 'ssse3'] },
];

export interface VirtualCpuModel {
  /** The version that the name stands for. */
  readonly name: string;
  readonly vendor?: string;
  readonly features: ReadonlySet<FeatureName>;
  /** The name had no version: a machine type may mean another. */
  readonly isPlain: boolean;
}

let models: ReadonlyMap<string, VirtualCpuModel> | undefined;

function build(): ReadonlyMap<string, VirtualCpuModel> {
  const found = new Map<string, VirtualCpuModel>();
  const add = (name: string, model: VirtualCpuModel) => {
    if (!found.has(name)) found.set(name, model);
  };
  for (const { name, vendor, features } of QEMU_MODELS)
    found.set(name, {
      name,
      ...(vendor === undefined ? {} : { vendor }),
      features: new Set(features),
      isPlain: false,
    });
  for (const { name, like, plus } of OTHERS) {
    const base = found.get(like);
    if (base !== undefined)
      found.set(name, { name, features: new Set([...base.features, ...plus]), isPlain: false });
  }
  for (const { name, libvirt } of QEMU_MODELS) {
    const model = found.get(name);
    if (libvirt !== undefined && model !== undefined && `${libvirt}-v1` !== name) add(libvirt, model);
  }
  for (const [name, model] of [...found]) {
    const plain = /^(.+)-v1$/.exec(name)?.[1];
    if (plain !== undefined) add(plain, { ...model, isPlain: true });
  }
  return found;
}

/** By its name as QEMU, or Proxmox, takes it; case matters there. */
export function virtualCpuModel(name: string): VirtualCpuModel | undefined {
  models ??= build();
  return models.get(name);
}

export function virtualCpuNames(): readonly string[] {
  models ??= build();
  return [...models.keys()];
}
