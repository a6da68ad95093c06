/**
 * A host: something that answers CPUID. Readers make it, decisions use it, nobody changes it.
 */
import type { CriuCpuinfo } from './criu-cpuinfo.js';
import type { LeafTable } from './leaves.js';
import type { Known64 } from './registers.js';

/** Logical CPUs that answered alike, but for the fields that tell one CPU from another. */
export interface Cpu {
  /** Linux's numbers, or the order in the dump; ascending, never empty. */
  readonly logical: readonly number[];
  readonly leaves: LeafTable;
  /** XGETBV(0), or what the source says the OS enabled; absent: not told. */
  readonly xcr0?: Known64;
  /** XGETBV(1): components in use when it was read. */
  readonly xinuse?: bigint;
}

/**
 * - system: an OS was there, and what it enabled is told (bits can still be unknown).
 * - cpu: a CPU's answers without an OS to trust; what Linux would enable is derived.
 * - model: a named profile: holds exactly what it lists.
 */
export type HostKind = 'system' | 'cpu' | 'model';

/** What an OS adds to a CPU. Absent: not told. */
export interface SystemFacts {
  /** uname -r. */
  readonly kernel?: string;
  readonly microcode?: string;
  /** Flags of /proc/cpuinfo, as printed. */
  readonly cpuinfoFlags?: readonly string[];
  readonly hwcap?: bigint;
  readonly hwcap2?: bigint;
  /** AT_MINSIGSTKSZ: bytes of the largest signal frame, from Linux 5.14 on. */
  readonly minSigStackBytes?: number;
  readonly glibc?: {
    readonly version: string;
    /** Lowest x86-64 level (1 … 4) that libc.so.6 says it needs. */
    readonly isaLevel?: number;
  };
  /** Components that a task may ask for (ARCH_GET_XCOMP_SUPP). */
  readonly xcompSupported?: bigint;
  readonly cpuidFaulting?: {
    readonly works: boolean;
    /** How that was found out, or why not. */
    readonly reason: string;
  };
  /** The hypervisor's signature ("KVMKVMKVM"); empty string: none. */
  readonly hypervisor?: string;
}

export interface Host {
  /** What messages call it: file name, "localhost", name of a profile. */
  readonly name: string;
  /** The format that it was read from, or "localhost", "named profile". */
  readonly format: string;
  readonly kind: HostKind;
  /** At least one. */
  readonly cpus: readonly Cpu[];
  readonly system?: SystemFacts;
  /**
   * No CPU, a set of features, as the levels of x86-64 are: it says nothing of vendor, cache lines,
   * widths, sizes or layouts, and among hosts it takes theirs.
   */
  readonly onlyFeatures?: true;
  /** The words of a CRIU image, as they stand there. */
  readonly criu?: CriuCpuinfo;
  /** What the reader noticed: lines passed over, contradictions; for people. */
  readonly remarks: readonly string[];
}
