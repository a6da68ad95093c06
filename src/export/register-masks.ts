/** Features as bits of the registers that CPUID shows them in, for tools that mask registers. */
import { type FeatureName, featureRow, type Register } from '../catalogue/index.js';
import { bitsMask, or } from '../model/registers.js';

/** "7.0.ebx": leaf and subleaf hexadecimal. */
export type RegisterName = `${string}.${string}.${Register}`;

export function registerOf(name: FeatureName): RegisterName {
  const { leaf, subleaf, reg } = featureRow(name);
  return `${leaf.toString(16)}.${subleaf.toString(16)}.${reg}`;
}

export function maskIn(name: FeatureName): number {
  return bitsMask(featureRow(name).bit);
}

/** The bits of these features in one register. */
export function maskOf(register: RegisterName, features: readonly FeatureName[]): number {
  return features
    .filter((name) => registerOf(name) === register)
    .reduce((mask, name) => or(mask, maskIn(name)), 0);
}
