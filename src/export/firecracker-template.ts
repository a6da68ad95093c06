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

/** What becomes of a bit. */
export type BitRule = '0' | '1' | 'x';

/** A register's 32 bits, bit 0 first; all left alone until told otherwise. */
export class Bitmap {
  readonly #bits: BitRule[] = new Array<BitRule>(32).fill('x');

  set(bit: number, rule: BitRule): this {
    this.#bits[bit] = rule;
    return this;
  }

  setAll(rule: BitRule): this {
    this.#bits.fill(rule);
    return this;
  }

  /** Bits [high, low] become the number. */
  setNumber([high, low]: readonly [number, number], value: number): this {
    for (let bit = low; bit <= high; bit++)
      this.set(bit, Math.floor(value / 2 ** (bit - low)) % 2 === 1 ? '1' : '0');
    return this;
  }

  get isIdle(): boolean {
    return this.#bits.every((rule) => rule === 'x');
  }

  toString(): string {
    return `0b${[...this.#bits].reverse().join('')}`;
  }
}
