/**
 * The first two numbers of a release, which is what features come with: "2.36" of "2.36-9+deb12u14".
 * Every comparison of hosts asks for some, so that they are compared without a library, which would have
 * to be loaded at each start. Releases that differ behind them are release.ts's.
 */

/**
 * How every release begins. With an end: of a number that is too long no part is taken; and no third
 * number that is longer than any.
 */
export const BEGINS_WITH_RELEASE = /^(\d{1,9})\.(\d{1,9})(?!\d)(?!\.\d{16})/;

function numbersOf(text: string): readonly [major: number, minor: number] | undefined {
  const [whole, major, minor] = BEGINS_WITH_RELEASE.exec(text.trim()) ?? [];
  return whole === undefined ? undefined : [Number(major), Number(minor)];
}

/** "2.36" of any of its minor releases and packages; undefined: no release at all. */
export function releaseSeries(text: string): string | undefined {
  return numbersOf(text)?.join('.');
}

/** Whether a release is of the series `first` or a later one; false where either is no release. */
export function isSeriesSince(release: string, first: string): boolean {
  const [given, least] = [numbersOf(release), numbersOf(first)];
  if (given === undefined || least === undefined) return false;
  return given[0] === least[0] ? given[1] >= least[1] : given[0] > least[0];
}
