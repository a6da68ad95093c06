/**
 * Fields of CPUID that tell one logical CPU of a host from another: initial and extended APIC ids,
 * core and node numbers. They are left out where CPUs are compared, and never come from a mask.
 * Sources: Intel SDM vol. 2A CPUID (leaves 1, 6, 0xB, 0x1F); AMD APM vol. 3 appendix E (0x8000001E,
 * 0x80000026).
 */
import type { Register } from './features.js';

export interface PerCpuField {
  readonly leaf: number;
  readonly reg: Register;
  /** Bits that differ from CPU to CPU, in every subleaf. */
  readonly bits: number;
  readonly what: string;
}

export const PER_CPU_FIELDS: readonly PerCpuField[] = [
  { leaf: 0x1, reg: 'ebx', bits: 0xff000000, what: 'initial APIC id' },
  { leaf: 0x6, reg: 'edx', bits: 0xffff0000, what: 'row in the hardware feedback table' },
  { leaf: 0xb, reg: 'edx', bits: 0xffffffff, what: 'x2APIC id' },
  { leaf: 0x1f, reg: 'edx', bits: 0xffffffff, what: 'x2APIC id' },
  { leaf: 0x8000001e, reg: 'eax', bits: 0xffffffff, what: 'extended APIC id' },
  { leaf: 0x8000001e, reg: 'ebx', bits: 0x000000ff, what: 'core id' },
  { leaf: 0x8000001e, reg: 'ecx', bits: 0x000000ff, what: 'node id' },
  { leaf: 0x80000026, reg: 'edx', bits: 0xffffffff, what: 'extended APIC id' },
];
