/**
 * What glibc keeps of CPUID, wherever it is read: printed by "ld.so --list-diagnostics", or lying in a
 * dumped process's memory.
 * Sources: glibc sysdeps/x86/cpu-features.c, include/cpu-features.h, bits/platform/x86.h.
 */
import { type FeatureName, featureRow } from '../catalogue/index.js';
import {
  encodeSignature,
  partialRow,
  vendorRow,
  xcr0FromFeatures,
} from '../model/from-features.js';
import { type LeafRow, type LeafTable, readRegister } from '../model/leaves.js';
import { and, bitMask, type Known64 } from '../model/registers.js';
import type { Signature } from '../model/signature.js';

/** Leaf and subleaf by number, which is part of glibc's ABI (bits/platform/x86.h). */
export const GLIBC_LEAVES: readonly (readonly [leaf: number, subleaf: number])[] = [
  [1, 0],
  [7, 0],
  [0x80000001, 0],
  [0xd, 1],
  [0x80000007, 0],
  [0x80000008, 0],
  [7, 1],
  [0x19, 0],
  [0x14, 0],
  [0x24, 0],
];

/** enum cpu_features_kind of glibc's cpu-features.h. Hygon's CPUs are among AMD's in new releases. */
const VENDORS: ReadonlyMap<number, string> = new Map([
  [1, 'GenuineIntel'],
  [2, 'AuthenticAMD'],
]);
const HYGON_FAMILY = 0x18;

export interface GlibcIdentity {
  readonly kind: number | undefined;
  readonly highestLeaf: number | undefined;
  readonly family: number | undefined;
  readonly signature: Signature | undefined;
}

export function glibcIdentityRows({
  kind,
  highestLeaf,
  family,
  signature,
}: GlibcIdentity): LeafRow[] {
  const vendor = family === HYGON_FAMILY ? undefined : VENDORS.get(kind ?? 0);
  const rows: LeafRow[] = [];
  if (vendor !== undefined) rows.push(vendorRow(vendor, highestLeaf));
  else if (highestLeaf !== undefined) rows.push(partialRow(0, { eax: highestLeaf }));
  if (signature !== undefined) rows.push(partialRow(1, { eax: encodeSignature(signature) }));
  return rows;
}

/** True, false, or undefined where the leaf isn't told. */
function bitOf(table: LeafTable, name: FeatureName): boolean | undefined {
  const row = featureRow(name);
  const answer = readRegister(table, row.leaf, row.subleaf, row.reg);
  const mask = bitMask(row.bit as number);
  return and(answer.known, mask) === 0 ? undefined : and(answer.value, mask) !== 0;
}

/** Features that glibc takes for usable only where XCR0 has their state (update_active). */
const BY_XCR0: readonly FeatureName[] = ['avx', 'avx512f', 'amx_tile', 'apx'];

interface Known {
  /** Whether glibc was told to leave features out; undefined: that isn't known. */
  readonly isTuned: boolean | undefined;
  /** The kernel enables no state of features that the CPU lacks (CHECKS_COMPONENTS). */
  readonly checksComponents: boolean;
}

/**
 * Mirrors of XCR0: what glibc takes for usable, OSXSAVE and OSPKE. `active`: the same leaves, with what
 * glibc takes for usable.
 */
export function xcr0ByGlibc(
  leaves: LeafTable,
  active: LeafTable,
  { isTuned, checksComponents }: Known,
): Known64 {
  const osxsave = bitOf(leaves, 'osxsave');
  const present = new Set<FeatureName>(BY_XCR0.filter((name) => bitOf(active, name) === true));
  if (bitOf(leaves, 'ospke') === true) present.add('pku');
  if (osxsave === true) present.add('xsave');
  return xcr0FromFeatures(present, (name) => {
    // Linux asks for avx512f, never for avx10, before it enables their state.
    if (name === 'avx10') return true;
    if (name === 'xsave') return osxsave === false;
    const has = bitOf(leaves, name);
    if (name === 'pku')
      return bitOf(leaves, 'ospke') === false && (has === true || checksComponents);
    if (has === false) return true;
    // Unusable: switched off by the kernel, or in glibc alone; a release before APX doesn't know it.
    return (
      BY_XCR0.includes(name) && name !== 'apx' && bitOf(active, name) === false && isTuned === false
    );
  });
}
