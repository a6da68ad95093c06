/**
 * Bits that AMD CPUs show twice: 0-9, 12-17, 23 and 24 of leaf 0x80000001 EDX are those of leaf 1
 * EDX. Source: AMD APM vol. 3 appendix E (CPUID Fn8000_0001_EDX).
 */
import type { Register } from './features.js';

export interface RepeatedBits {
  readonly leaf: number;
  readonly reg: Register;
  /** The original. */
  readonly ofLeaf: number;
  readonly ofReg: Register;
  readonly bits: number;
}

export const REPEATED_BITS: RepeatedBits = {
  leaf: 0x80000001,
  reg: 'edx',
  ofLeaf: 0x1,
  ofReg: 'edx',
  bits: 0x0183f3ff,
};
