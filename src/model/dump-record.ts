/** What `cpugate dump` knows at the time of a dump, and CRIU's images don't hold. */
import type { FeatureName } from '../catalogue/index.js';
import type { Host } from './host.js';
import type { StateComponent } from './xsave.js';

export const RECORD_NAME = 'cpugate-record.json';

/** The mask that the dumped tasks ran under; a Baseline is one. */
export interface RecordedMask {
  /** What reports call it. */
  readonly name: string;
  readonly features: readonly FeatureName[];
  readonly avx10Version: number | undefined;
  /** State components that it shows. */
  readonly xcr0: bigint;
  /** Sizes and subleaves of leaf 0xD that its tasks have seen. */
  readonly floors: {
    readonly areaBytes: number | undefined;
    readonly offeredBytes: number | undefined;
    readonly compactedBytes: number | undefined;
    readonly minSigStackBytes: number | undefined;
    /** Undefined: of no component it is known. */
    readonly subleaves: readonly StateComponent[] | undefined;
  };
  /** In what no mask hides, all that its hosts have; absent: not known, and nothing is accepted. */
  readonly accepts?: {
    readonly vendors: readonly string[];
    readonly cacheLineBytes: readonly number[];
    readonly linearAddressBits: readonly number[];
  };
}

/**
 * - cpuid-faulting: every task was armed from its first instruction on.
 * - none: the tasks saw the CPU as it is.
 */
export const ENFORCEMENTS = ['cpuid-faulting', 'none'] as const;
export type Enforcement = (typeof ENFORCEMENTS)[number];

export interface DumpRecord {
  /** Time of the dump, ISO 8601. */
  readonly taken: string;
  /** Version of cpugate that wrote it. */
  readonly cpugate: string;
  /** Of the images that it lies beside (fingerprintImages). */
  readonly fingerprint: string;
  /** The dump's host, as it is without a mask; kernel and glibc are in its system facts. */
  readonly host: Host;
  /** Undefined: none. */
  readonly mask: RecordedMask | undefined;
  readonly enforcement: Enforcement;
  /**
   * Name of a mask that tasks came under while they ran: they are kept to it, but may have asked the CPU
   * before. Undefined: there is none.
   */
  readonly cameUnder?: string | undefined;
  /**
   * Processes that somebody else had stopped, by the numbers of the images: all are stopped for the
   * dump of tasks under a mask, and the images say no more than that. Undefined: the images tell.
   */
  readonly stopped: readonly number[] | undefined;
  /** Version of CRIU that dumped; undefined: it didn't tell. */
  readonly criu: string | undefined;
}
