/** Family, model and stepping, which leaf 1 EAX holds in pieces. */
import { field } from './registers.js';

export interface Signature {
  readonly family: number;
  readonly model: number;
  readonly stepping: number;
}

/** Family and model as the vendors say to join them (Intel SDM vol. 2A, CPUID leaf 1). */
export function decodeSignature(eax: number): Signature {
  const base = field(eax, 11, 8);
  const family = base === 0xf ? base + field(eax, 27, 20) : base;
  const model =
    base === 0xf || base === 6 ? field(eax, 19, 16) * 16 + field(eax, 7, 4) : field(eax, 7, 4);
  return { family, model, stepping: field(eax, 3, 0) };
}
