/**
 * How far CPUID goes. Programs look at it before they ask for more; it holds no feature, but is seen.
 * Source: Intel SDM vol. 2A CPUID, leaves 0, 7 and 0x80000000.
 */
import { type LeafTable, leafExists, readField } from './leaves.js';

export interface HighestLeaves {
  /** Leaf 0 EAX. */
  readonly basic: number | undefined;
  /** Leaf 7.0 EAX: its highest subleaf; 0 without the leaf. */
  readonly structured: number | undefined;
  /** Leaf 0x80000000 EAX; 0 without such leaves. */
  readonly extended: number | undefined;
}

const FIRST_EXTENDED = 0x80000000;

export const HIGHEST_LEAVES = ['basic', 'structured', 'extended'] as const;

export function highestLeaves(leaves: LeafTable): HighestLeaves {
  return {
    basic: readField(leaves, 0, 0, 'eax'),
    structured: readField(leaves, 7, 0, 'eax'),
    extended:
      leafExists(leaves, FIRST_EXTENDED) === false
        ? 0
        : readField(leaves, FIRST_EXTENDED, 0, 'eax'),
  };
}

/** What all CPUs of a host have. */
export function lowestOf(all: readonly HighestLeaves[]): HighestLeaves {
  const lowest = (which: keyof HighestLeaves) => {
    const values = all.map((one) => one[which]).filter((value) => value !== undefined);
    return values.length === all.length ? Math.min(...values) : undefined;
  };
  return {
    basic: lowest('basic'),
    structured: lowest('structured'),
    extended: lowest('extended'),
  };
}
