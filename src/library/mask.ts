/** A baseline compiled for enforcement. */
import { encodeMask } from '../mask/bytes.js';
import { compileMask as compileInner } from '../mask/compile.js';
import { frozenCopy, innerBaseline } from './handles.js';
import type { Baseline, CompiledMask } from './shapes.js';

/**
 * What CPUID shows to tasks under the baseline, leaf by leaf, and the bytes that cpugate's
 * supervisor reads. Throws InputError ("size-unknown") where the hosts tell too little to be safe.
 */
export function compileMask(baseline: Baseline): CompiledMask {
  const { mask, remarks } = compileInner(innerBaseline(baseline));
  const { rows, remarks: said } = frozenCopy({ rows: mask.rows, remarks });
  return Object.freeze({ rows, remarks: said, bytes: encodeMask(mask) });
}
