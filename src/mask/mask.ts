/**
 * A mask as a value: what CPUID shows under it, (live & keep) | set for every leaf, subleaf and
 * register. Its bytes are described in native/include/cpugate_mask.h.
 */
import type { Registers } from '../model/registers.js';

export const ALL_SUBLEAVES = 0xffffffff;

export interface MaskRow {
  readonly leaf: number;
  readonly firstSubleaf: number;
  /** Inclusive; ALL_SUBLEAVES with 0 before it: the leaf ignores ECX. */
  readonly lastSubleaf: number;
  /** The answer differs from CPU to CPU: it is asked where the task runs. */
  readonly perCpu: boolean;
  readonly keep: Registers;
  readonly set: Registers;
}

/** A word of the auxiliary vector becomes (value & keep) | set. */
export interface MaskedWord {
  readonly keep: bigint;
  readonly set: bigint;
}

export interface Mask {
  /** Ordered by leaf and first subleaf, disjoint. What no row covers answers zeros. */
  readonly rows: readonly MaskRow[];
  readonly hwcap: MaskedWord;
  readonly hwcap2: MaskedWord;
  /** AT_MINSIGSTKSZ becomes at least this; 0 leaves it alone. */
  readonly minSigStackBytes: number;
  /** State components that tasks may ask for (ARCH_REQ_XCOMP_PERM). */
  readonly xcompPermitted: bigint;
  readonly xcr0: bigint;
}

/** The row that covers a leaf and subleaf; undefined: it answers zeros. */
export function findMaskRow(mask: Mask, leaf: number, subleaf: number): MaskRow | undefined {
  return mask.rows.find(
    (row) => row.leaf === leaf && row.firstSubleaf <= subleaf && subleaf <= row.lastSubleaf,
  );
}
