/** What can be allowed: a feature, a state component, or all findings of one code. */
import { findComponent, findFeature } from '../catalogue/index.js';
import { kernelFeature } from '../catalogue/synthetic-flags.js';
import { isFindingCode } from '../rules/index.js';

/** The XSAVE area as a whole, which findings call "xsave" as they do the feature. */
export const ALLOWED_AREA = 'xsave-area';

/** As findings name it; undefined: it means nothing. */
export function allowedName(text: string): string | undefined {
  if (isFindingCode(text)) return text;
  return (
    findFeature(text) ??
    findComponent(text)?.name ??
    kernelFeature(text)?.name ??
    (text === ALLOWED_AREA ? 'xsave' : undefined)
  );
}
