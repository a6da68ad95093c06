/**
 * What hosts show to kernels alone. No task sees it, and no baseline has it; but a virtual machine of a
 * CPU model asks for it, and doesn't start on a host that lacks it. Kept beside a kind of hosts, since
 * hosts that differ here alone (a microcode, a BIOS setting) are of one kind.
 */
import { type FeatureName, featureIndex } from '../catalogue/index.js';
import { MODEL_KERNEL_FEATURES } from '../catalogue/model-kernel-features.js';
import type { Capabilities } from '../model/capabilities.js';
import { ABSENT, PRESENT } from '../model/xsave.js';

/** By place in MODEL_KERNEL_FEATURES; a bit that is clear in both isn't told by every host. */
export interface KernelBits {
  /** Every host is known to have it. */
  readonly had: bigint;
  /** Some host is known to lack it. */
  readonly lacked: bigint;
}

export const NO_KERNEL_BITS: KernelBits = { had: 0n, lacked: 0n };

export function kernelBitsOf(seen: Capabilities): KernelBits {
  let had = 0n;
  let lacked = 0n;
  MODEL_KERNEL_FEATURES.forEach((name, place) => {
    const presence = seen.hardware(name);
    if (presence === PRESENT) had |= 1n << BigInt(place);
    if (presence === ABSENT) lacked |= 1n << BigInt(place);
  });
  return { had, lacked };
}

export function joinKernelBits(a: KernelBits, b: KernelBits): KernelBits {
  return a === b ? a : { had: a.had & b.had, lacked: a.lacked | b.lacked };
}

function namesOf(bits: bigint): FeatureName[] {
  return MODEL_KERNEL_FEATURES.filter((_, place) => ((bits >> BigInt(place)) & 1n) === 1n).sort(
    (a, b) => featureIndex(a) - featureIndex(b),
  );
}

function bitsOf(names: readonly FeatureName[]): bigint {
  return names.reduce((bits, name) => {
    const place = MODEL_KERNEL_FEATURES.indexOf(name);
    return place < 0 ? bits : bits | (1n << BigInt(place));
  }, 0n);
}

/** In the catalogue's order, as files have them. */
export interface KernelFeatureNames {
  readonly had: readonly FeatureName[];
  readonly lacked: readonly FeatureName[];
}

export function kernelFeatureNames({ had, lacked }: KernelBits): KernelFeatureNames {
  return { had: namesOf(had), lacked: namesOf(lacked) };
}

/** Names that no model has are passed over. */
export function kernelBitsFrom({ had, lacked }: KernelFeatureNames): KernelBits {
  return { had: bitsOf(had), lacked: bitsOf(lacked) };
}
