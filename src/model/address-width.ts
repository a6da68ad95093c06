/** Bits of linear and physical addresses. */
import { type LeafTable, leafExists, readField } from './leaves.js';
import { ABSENT, PRESENT, type Presence, UNKNOWN } from './xsave.js';

export interface AddressBits {
  readonly linear: number | undefined;
  readonly physical: number | undefined;
}

export interface AddressFeatures {
  readonly longMode: Presence;
  readonly la57: Presence;
  readonly pae: Presence;
}

const LEAF = 0x80000008;

/** In long mode LA57 alone makes the width (Intel SDM vol. 3A, 4.5): of a source that has no other word. */
function linearByFeatures({ longMode, la57 }: AddressFeatures): number | undefined {
  if (longMode !== PRESENT || la57 === UNKNOWN) return undefined;
  return la57 === ABSENT ? 48 : 57;
}

/**
 * A CPU, or a hypervisor, without the leaf has the widths that software assumed before there was one: 48
 * and 36 in long mode (Linux arch/x86/kernel/cpu/common.c, get_cpu_address_sizes), else 32 and 36, or
 * 32 without PAE (Intel SDM vol. 3A, 4.1.4). No width is 0: a leaf of zeros doesn't tell.
 */
export function addressBits(leaves: LeafTable, has: AddressFeatures): AddressBits {
  const { longMode, pae } = has;
  if (leafExists(leaves, LEAF) !== false) {
    const told = (bits: readonly [number, number]) =>
      readField(leaves, LEAF, 0, 'eax', bits) || undefined;
    return { linear: told([15, 8]) ?? linearByFeatures(has), physical: told([7, 0]) };
  }
  if (longMode === UNKNOWN) return { linear: undefined, physical: undefined };
  if (longMode !== ABSENT) return { linear: 48, physical: 36 };
  return { linear: 32, physical: pae === UNKNOWN ? undefined : pae === ABSENT ? 32 : 36 };
}
