/** What a virtual machine is shown of the bits that its host gives, register by register. */
import type { Baseline } from '../baseline/baseline.js';
import { VISIBLE } from '../baseline/host-kind.js';
import {
  EVERY_64_BIT_CPU,
  type FeatureName,
  featureRow,
  type Register,
  ROWS,
} from '../catalogue/index.js';
import { shownNumber } from '../model/shown-number.js';
import { SET_BY_GUEST } from './virtual-model.js';

export interface LeafPlace {
  readonly leaf: number;
  readonly subleaf: number;
}

/** Every host of virtual machines has them. */
export const EVERYWHERE: readonly LeafPlace[] = [
  { leaf: 0x1, subleaf: 0 },
  { leaf: 0x7, subleaf: 0 },
  { leaf: 0x80000001, subleaf: 0 },
];
/** In these, bits that nobody named are features to come, and cleared as well. */
const FEATURES_ONLY: ReadonlySet<string> = new Set(['0x7.0', '0x7.1']);

const LEFT_ALONE: ReadonlySet<FeatureName> = new Set([...EVERY_64_BIT_CPU, ...SET_BY_GUEST]);

export function keyOf({ leaf, subleaf }: LeafPlace): string {
  return `0x${leaf.toString(16)}.${subleaf.toString(16)}`;
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

  /** 32 characters, bit 31 first. */
  toString(): string {
    return [...this.#bits].reverse().join('');
  }
}

function clearUnnamed(bitmap: Bitmap, place: LeafPlace, register: Register): void {
  const rows = ROWS.filter(
    ({ leaf, subleaf, reg }) =>
      leaf === place.leaf && subleaf === place.subleaf && reg === register,
  );
  if (rows.length === 0) return;
  const named = new Set(rows.map(({ bit }) => bit));
  for (let bit = 0; bit < 32; bit++) if (!named.has(bit)) bitmap.set(bit, '0');
}

/** Features of this register that the baseline lacks are cleared, named or not. */
export function featureBits(baseline: Baseline, place: LeafPlace, register: Register): Bitmap {
  const bitmap = new Bitmap();
  if (FEATURES_ONLY.has(keyOf(place))) clearUnnamed(bitmap, place, register);
  const kept = new Set(baseline.features);
  for (const name of VISIBLE) {
    const { leaf, subleaf, reg, bit } = featureRow(name);
    if (leaf !== place.leaf || subleaf !== place.subleaf || reg !== register) continue;
    if (typeof bit !== 'number') {
      bitmap.setNumber(bit, kept.has(name) ? (shownNumber(name, baseline) ?? 1) : 0);
    } else if (!kept.has(name) && !LEFT_ALONE.has(name)) bitmap.set(bit, '0');
  }
  return bitmap;
}
