/** Family, model and stepping, which leaf 1 EAX holds in pieces. */
import { and, field, type Known32 } from './registers.js';

export interface Signature {
  readonly family: number;
  readonly model: number;
  readonly stepping: number;
}

/** As far as a source tells it: some have no stepping. */
export type SeenSignature = Omit<Signature, 'stepping'> & { readonly stepping: number | undefined };

/** Bits of leaf 1 EAX that hold family and model, and those of the stepping. */
export const FAMILY_AND_MODEL = 0x0fff0ff0;
const STEPPING = 0xf;

/** Undefined where family or model isn't known. */
export function seenSignature({ value, known }: Known32): SeenSignature | undefined {
  if (and(known, FAMILY_AND_MODEL) !== FAMILY_AND_MODEL) return undefined;
  const { stepping, ...rest } = decodeSignature(value);
  return { ...rest, stepping: and(known, STEPPING) === STEPPING ? stepping : undefined };
}

/** Family and model as the vendors say to join them (Intel SDM vol. 2A, CPUID leaf 1). */
export function decodeSignature(eax: number): Signature {
  const base = field(eax, 11, 8);
  const family = base === 0xf ? base + field(eax, 27, 20) : base;
  const model =
    base === 0xf || base === 6 ? field(eax, 19, 16) * 16 + field(eax, 7, 4) : field(eax, 7, 4);
  return { family, model, stepping: field(eax, 3, 0) };
}
