/**
 * What CRIU writes into cpuinfo.img about an x86 CPU. Source: cpu_dump_cpuinfo in its
 * criu/arch/x86/cpu.c, images/cpuinfo.proto.
 */
import type { CriuCpuinfo } from '../model/criu-cpuinfo.js';
import type { Host } from '../model/host.js';
import type { Known64 } from '../model/registers.js';
import type { Signature } from '../model/signature.js';
import type { Stored } from './record.js';
import { missingInView, viewAsCriu } from './view.js';

export type CriuCpuinfoResult =
  | { readonly outcome: 'complete'; readonly cpuinfo: CriuCpuinfo }
  | { readonly outcome: 'incomplete'; readonly missing: readonly string[] }
  /** CRIU complains, and writes an empty record of an "Intel" CPU all the same. */
  | { readonly outcome: 'unsupported-vendor'; readonly vendor: string };

function storedOrAbsent<T>(value: Stored<T>): T | undefined {
  return value === 'not-stored' ? undefined : (value as T);
}

/** What `criu cpuinfo dump` writes on this host. */
export function criuCpuinfo(host: Host): CriuCpuinfoResult {
  if (host.criu !== undefined) return { outcome: 'complete', cpuinfo: host.criu };
  const view = viewAsCriu(host);
  if (view.unsupportedVendor !== undefined)
    return { outcome: 'unsupported-vendor', vendor: view.unsupportedVendor };
  const missing = missingInView(view);
  if (missing.length > 0) return { outcome: 'incomplete', missing };
  const mask = view.xfeaturesMask as Known64;
  const cpuinfo: CriuCpuinfo = {
    vendor: view.vendor as CriuCpuinfo['vendor'],
    ...(view.signature as Signature),
    capabilityVersion: view.capabilityVersion,
    words: view.words.map(({ value }) => value),
    modelId: storedOrAbsent(view.modelId),
    xfeaturesMask: mask.value,
    xsaveSize: view.xsaveSize as number,
    xsaveSizeMax: view.xsaveSizeMax as number,
  };
  return { outcome: 'complete', cpuinfo };
}
