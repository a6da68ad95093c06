/** Numbers among the features: what a baseline, and a mask of it, shows of them. */
import type { FeatureName } from '../catalogue/index.js';

/** Undefined: not told. Of ACE no later version is described, so none is shown. */
export function shownNumber(
  name: FeatureName,
  { avx10Version }: { readonly avx10Version?: number | undefined },
): number | undefined {
  if (name === 'avx10_version') return avx10Version;
  if (name === 'ace_ai_version') return 1;
  throw new Error(`${name} is a bit, not a number`);
}
