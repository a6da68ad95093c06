/** Bits of linear and physical addresses. */
import { type LeafTable, leafExists, readField } from './leaves.js';
import { ABSENT, type Presence, UNKNOWN } from './xsave.js';

export interface AddressBits {
  readonly linear: number | undefined;
  readonly physical: number | undefined;
}

const LEAF = 0x80000008;

/**
 * A CPU, or a hypervisor, without the leaf has the widths that software assumed before there was one: 48
 * and 36 in long mode (Linux arch/x86/kernel/cpu/common.c, get_cpu_address_sizes), else 32 and 36, or
 * 32 without PAE (Intel SDM vol. 3A, 4.1.4). No width is 0: a leaf of zeros doesn't tell.
 */
export function addressBits(leaves: LeafTable, longMode: Presence, pae: Presence): AddressBits {
  if (leafExists(leaves, LEAF) !== false) {
    const told = (bits: readonly [number, number]) =>
      readField(leaves, LEAF, 0, 'eax', bits) || undefined;
    return { linear: told([15, 8]), physical: told([7, 0]) };
  }
  if (longMode === UNKNOWN) return { linear: undefined, physical: undefined };
  if (longMode !== ABSENT) return { linear: 48, physical: 36 };
  return { linear: 32, physical: pae === UNKNOWN ? undefined : pae === ABSENT ? 32 : 36 };
}
