/** What a feature is. */
import { findFeature as findCanonical } from '../catalogue/index.js';
import { explainJson } from '../report/json.js';
import { featureArgument } from './arguments.js';
import { frozenCopy } from './handles.js';
import type { FeatureReport } from './shapes.js';

/** The canonical name (Linux's flag) of a feature in any project's spelling; undefined for none. */
export function findFeature(spelling: string): string | undefined {
  return findCanonical(`${spelling}`);
}

/**
 * What a feature is and what losing it means; the answer of `cpugate explain --json`. Throws
 * InputError where no feature is called so.
 */
export function explainFeature(spelling: string): FeatureReport {
  return frozenCopy(explainJson(featureArgument(spelling)));
}
