import { describe, expect, it } from 'vitest';
import { compareReleases, isRelease, isSince } from '../../src/model/release.js';
import { isSeriesSince, releaseSeries } from '../../src/model/release-series.js';

describe('a release', () => {
  it.each([
    ['4.2', '4.2'],
    ['3.17.1', '3.17'],
    ['3.17.1-2', '3.17'],
    ['2.36-9+deb12u14', '2.36'],
    ['2.36.9000', '2.36'],
    ['6.18.44-fc-v657', '6.18'],
    ['5.15.0-1041-aws', '5.15'],
    ['4.18.0-553.el8_10.x86_64', '4.18'],
    ['5.04', '5.4'],
    ['1.2.3.4', '1.2'],
    [' 2.9\n', '2.9'],
    ['4.2~rc1', '4.2'],
  ])('%j is of %s', (text, series) => {
    expect(releaseSeries(text)).toBe(series);
    expect(isRelease(text)).toBe(true);
  });

  it.each([
    '',
    'musl',
    '4',
    '4.',
    '.4',
    '-4.2',
    'v4.2',
    'glibc 2.36',
    'x'.repeat(100_000),
    // Of a number that is too long a part is no release.
    '99999999999999999999.3.1',
    `4.${'2'.repeat(1000)}.1`,
  ])('%j is none', (text) => {
    expect(releaseSeries(text)).toBeUndefined();
    expect(isRelease(text)).toBe(false);
  });
});

/** Each is older than the next. */
const ASCENDING = ['2.9', '2.31', '2.36', '2.36.9000', '2.37', '2.100', '3.0', '3.17.1-2', '10.0'];

describe('the order of releases', () => {
  it('is that of their numbers, not of their text', () =>
    expect([...ASCENDING].sort().sort(compareReleases)).toEqual(ASCENDING));

  it('knows no difference where only a distribution counts on', () => {
    expect(compareReleases('3.17.1-2', '3.17.1')).toBe(0);
    expect(compareReleases('2.36-9+deb12u14', '2.36')).toBe(0);
    // semver itself has these before 6.18.44.
    expect(compareReleases('6.18.44-fc-v657', '6.18.44')).toBe(0);
  });

  it.each([
    ['3.19', '3.19', true],
    ['3.18.9', '3.19', false],
    ['3.19-rc1', '3.19', true],
    ['4.1', '3.19', true],
    ['10.0', '8.1', true],
  ])('%s is since %s: %s', (release, first, since) => {
    expect(isSince(release, first)).toBe(since);
    expect(isSeriesSince(release, first)).toBe(since);
  });

  it('is that of series, where they differ in more than what stands behind', () => {
    for (const release of ASCENDING)
      for (const first of ASCENDING.map((one) => releaseSeries(one) as string))
        expect(isSeriesSince(release, first)).toBe(isSince(release, first));
    expect(isSeriesSince('musl', '2.26')).toBe(false);
    expect(isSeriesSince('2.26', 'musl')).toBe(false);
  });

  it('is refused to what is no release', () => expect(() => isSince('musl', '2.26')).toThrow());
});
