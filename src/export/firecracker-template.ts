/** The template's JSON, as schemas/firecracker-template.schema.json has it. */
import type { Register } from '../catalogue/index.js';

export interface RegisterModifier {
  readonly register: Register;
  /** "0b" and 32 characters, bit 31 first: 0 clears, 1 sets, x leaves. */
  readonly bitmap: string;
}

export interface LeafModifier {
  readonly leaf: string;
  readonly subleaf: string;
  /** KVM's: 1 where the subleaf counts. It replaces the flags that KVM gave. */
  readonly flags: 0 | 1;
  readonly modifiers: readonly RegisterModifier[];
}

export interface FirecrackerTemplate {
  readonly cpuid_modifiers: readonly LeafModifier[];
}
