/**
 * The rate of the time stamp counter as CPUID tells it: programs that keep time by RDTSC ask once.
 * Sources: Intel SDM vol. 2A CPUID leaves 0x15 and 0x16; Linux arch/x86/kernel/tsc.c,
 * native_calibrate_tsc; QEMU target/i386/kvm/kvm.c and VMware for leaf 0x40000010.
 */
import { type LeafTable, readField } from './leaves.js';

const TSC = 0x15;
const FREQUENCIES = 0x16;
const HYPERVISOR_TIMING = 0x40000010;
const [KHZ, MHZ] = [1e3, 1e6];

/** A guest's counter may be scaled, while leaf 0x15 goes on showing the host's: its hypervisor knows. */
function guestHz(leaves: LeafTable): number | undefined {
  const khz = readField(leaves, HYPERVISOR_TIMING, 0, 'eax');
  return khz === undefined || khz === 0 ? undefined : khz * KHZ;
}

/** The crystal's rate times EBX / EAX; without the crystal's, the base frequency is the counter's. */
function cpuHz(leaves: LeafTable): number | undefined {
  const [denominator, numerator, crystal] = (['eax', 'ebx', 'ecx'] as const).map((register) =>
    readField(leaves, TSC, 0, register),
  );
  if (!denominator || !numerator || crystal === undefined) return undefined;
  if (crystal !== 0) return (crystal * numerator) / denominator;
  const base = readField(leaves, FREQUENCIES, 0, 'eax', [15, 0]);
  return base ? base * MHZ : undefined;
}

/** Hertz; undefined: not told (AMD's CPUs have no such leaf). */
export function tscHz(leaves: LeafTable, isGuest: boolean): number | undefined {
  return (isGuest ? guestHz(leaves) : undefined) ?? cpuHz(leaves);
}

/** "2700 MHz", "2099.998 MHz". */
export function megahertz(hertz: number): string {
  return `${Math.round(hertz / KHZ) / KHZ} MHz`;
}
