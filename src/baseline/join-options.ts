/** What baselines were made with, joined. */
import type { BaselineOptions, XsaveSizes } from './baseline.js';

/** What a baseline of both keeps to: all that either masks, and sizes that both have promised. */
export function joinOptions(
  before: BaselineOptions | undefined,
  added: BaselineOptions,
): BaselineOptions {
  if (before === undefined) return added;
  const larger = (key: keyof XsaveSizes) =>
    Math.max(before.floors?.[key] ?? 0, added.floors?.[key] ?? 0);
  return {
    without: [...new Set([...(before.without ?? []), ...(added.without ?? [])])],
    keepLayoutConflicts: before.keepLayoutConflicts === true && added.keepLayoutConflicts === true,
    floors: {
      areaBytes: larger('areaBytes'),
      offeredBytes: larger('offeredBytes'),
      compactedBytes: larger('compactedBytes'),
      minSigStackBytes: larger('minSigStackBytes'),
      subleaves: [...(before.floors?.subleaves ?? []), ...(added.floors?.subleaves ?? [])],
    },
  };
}
