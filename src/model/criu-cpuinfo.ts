/**
 * What CRIU writes into cpuinfo.img about an x86 CPU. Source: cpu_dump_cpuinfo in its
 * criu/arch/x86/cpu.c, images/cpuinfo.proto.
 */
import type { Signature } from './capabilities.js';
import { missingInView, type Stored, viewAsCriu } from './criu-view.js';
import type { Host } from './host.js';
import type { Known64 } from './registers.js';

export interface CriuCpuinfo {
  readonly vendor: 'unknown' | 'intel' | 'amd';
  readonly family: number;
  readonly model: number;
  readonly stepping: number;
  /** 1: 12 words; 2: 19 words. */
  readonly capabilityVersion: number;
  readonly words: readonly number[];
  /** A character a byte. */
  readonly modelId: string | undefined;
  /** Absent in images from before CRIU 3.11. */
  readonly xfeaturesMask: bigint | undefined;
  readonly xsaveSize: number | undefined;
  readonly xsaveSizeMax: number | undefined;
}

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
