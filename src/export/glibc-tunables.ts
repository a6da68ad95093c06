/**
 * Which names the x86 hwcaps tunable of each glibc takes. It passes over any other name without a
 * word, and letter case counts.
 *
 * Read in sysdeps/x86/cpu-tunables.c and cpu-features.c of 2.27 (development), 2.28, 2.29, 2.31,
 * 2.36, 2.41 and 2.43, and in NEWS: the renaming of "tune" in 2.29, BZ 21265 (XSAVEC, 2.27),
 * BZ 27605 (XSAVE, 2.34), BZ 32810 (builds for AVX, 2.42). All releases from 2.33 on spell names
 * plainly, those up to 2.31 know "_Usable" too; for 2.32 both are given.
 */
import { type FeatureName, ROWS } from '../catalogue/index.js';
import { isUserVisible } from '../model/prerequisites.js';
import { isSince } from '../model/release.js';
import { releaseSeries } from '../model/release-series.js';

/** "2.36": the release without a distribution's additions. */
export type GlibcVersion = string;

export const FIRST_WITH_HWCAPS: GlibcVersion = '2.26';
export const FIRST_WITHOUT_XSAVE: GlibcVersion = '2.34';
/** Builds that need AVX keep XSAVE whatever a tunable says. */
export const FIRST_KEEPING_XSAVE: GlibcVersion = '2.42';

/**
 * Undefined for what isn't a version: "2.36", "2.36-9+deb12u14" and "2.31.9000" are. More digits than a
 * release ever had are a slip.
 */
export function parseGlibcVersion(text: string): GlibcVersion | undefined {
  return /^\s*\d\.\d{1,2}(?!\d)/.test(text) ? releaseSeries(text) : undefined;
}

/** NEWS of 2.29: the namespace "tune" became "cpu". */
export function hwcapsTunable(version: GlibcVersion): string {
  return isSince(version, '2.29') ? 'glibc.cpu.hwcaps' : 'glibc.tune.hwcaps';
}

/** Releases that take the plain name, where it isn't all of them. */
const PLAIN_SINCE: Partial<Record<FeatureName, GlibcVersion>> = {
  shstk: '2.28',
  ibt: '2.28',
  xsavec: '2.32',
  xsave: FIRST_WITHOUT_XSAVE,
};

const FIRST_WITHOUT_USABLE: GlibcVersion = '2.33';

/**
 * Up to 2.31 functions are chosen by a second set of bits, worked out before tunables are read: the
 * plain name doesn't reach them.
 */
const USABLE_SINCE: Partial<Record<FeatureName, GlibcVersion>> = {
  avx: FIRST_WITH_HWCAPS,
  avx2: FIRST_WITH_HWCAPS,
  avx512f: FIRST_WITH_HWCAPS,
  avx512dq: FIRST_WITH_HWCAPS,
  fma: FIRST_WITH_HWCAPS,
  fma4: FIRST_WITH_HWCAPS,
  xsavec: '2.27',
};

/** memmove takes its AVX variants by this preference alone, without a look at AVX. */
export const AVX_PREFERENCE = 'AVX_Fast_Unaligned_Load';

/** Whether functions are chosen by bits of which AVX512VL's and AVX512BW's have no name. */
export function lacksUsableNames(version: GlibcVersion): boolean {
  return !isSince(version, FIRST_WITHOUT_USABLE);
}

const TUNABLE = ROWS.filter((row) => row.glibcTunable === true && isUserVisible(row.name));

/** What this release calls the feature; empty where it has no name for it. */
export function tunableNames(version: GlibcVersion, feature: FeatureName): readonly string[] {
  const plain = TUNABLE.find((row) => row.name === feature)?.names?.glibc;
  if (plain === undefined || !isSince(version, FIRST_WITH_HWCAPS)) return [];
  const names = isSince(version, PLAIN_SINCE[feature] ?? FIRST_WITH_HWCAPS) ? [plain] : [];
  const usable = USABLE_SINCE[feature];
  if (usable !== undefined && isSince(version, usable) && lacksUsableNames(version))
    names.push(`${plain}_Usable`);
  return names;
}

/** Every user-visible feature that this release has a name for. */
export function tunableFeatures(version: GlibcVersion): readonly FeatureName[] {
  return TUNABLE.map((row) => row.name).filter((name) => tunableNames(version, name).length > 0);
}
