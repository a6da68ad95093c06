/**
 * Releases of programs and libraries, as they themselves, their packages and hosts write them: "4.2",
 * "3.17.1-2", "2.36-9+deb12u14", "6.18.44-fc-v657". Only the numbers count: what stands behind them is a
 * distribution's own, and would make it a preliminary release to semver.
 */

import type SemVer from 'semver/classes/semver.js';
import coerce from 'semver/functions/coerce.js';
import compare from 'semver/functions/compare.js';
import { BEGINS_WITH_RELEASE } from './release-series.js';

function parseRelease(text: string): SemVer | undefined {
  const trimmed = text.trim();
  if (!BEGINS_WITH_RELEASE.test(trimmed)) return undefined;
  return coerce(trimmed, { loose: true }) ?? undefined;
}

export function isRelease(text: string): boolean {
  return parseRelease(text) !== undefined;
}

/** For sorting, ascending. Takes what isRelease() takes. */
export function compareReleases(a: string, b: string): number {
  const [first, second] = [parseRelease(a), parseRelease(b)];
  if (first === undefined || second === undefined) throw new Error(`no releases: "${a}", "${b}"`);
  return compare(first, second);
}

export function isSince(release: string, first: string): boolean {
  return compareReleases(release, first) >= 0;
}
