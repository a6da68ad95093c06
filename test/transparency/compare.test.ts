import { describe, expect, it } from 'vitest';
import {
  differencesOf,
  END,
  findingOf,
  isUnstable,
  type Reason,
  type Results,
  type Runs,
  unexplained,
  unusedEntries,
} from './compare.js';

const PASS: Results = { [END]: 'passes' };
const FAIL: Results = { [END]: 'fails (1)' };
const runs = (bare: readonly Results[], masked: readonly Results[]): Runs => ({ bare, masked });
const withCase = (result: string, end = 'passes'): Results => ({ [END]: end, one: result });

describe('what is a difference', () => {
  it.each<[what: string, runs: Runs, differing: readonly string[]]>([
    ['the same end', runs([PASS], [PASS]), []],
    ['the same failure', runs([FAIL], [FAIL]), []],
    ['another end', runs([PASS], [FAIL]), [END]],
    ['better than bare', runs([FAIL], [PASS]), [END]],
    ['a bare run that also fails', runs([PASS, FAIL], [FAIL, FAIL]), []],
    ['an end that no bare run had', runs([PASS, PASS], [PASS, FAIL]), [END]],
    ['both unstable, one more when masked', runs([PASS, FAIL], [{ [END]: 'signal 5' }]), [END]],
    ['a case behind the same end', runs([withCase('ok')], [withCase('not ok')]), ['one']],
    ['a case that went missing', runs([withCase('ok')], [PASS]), ['one']],
    ['a case that came to it', runs([PASS], [withCase('ok')]), ['one']],
    ['a case at times', runs([withCase('ok')], [withCase('ok'), withCase('skip')]), ['one']],
    [
      'cases that a stopped run did not come to',
      runs([withCase('ok')], [{ [END]: 'out of time' }]),
      [END],
    ],
    [
      'cases that a skipped run did not come to',
      runs([{ [END]: 'skips' }], [withCase('ok')]),
      [END],
    ],
    [
      'a case before the stop',
      runs([withCase('ok')], [withCase('not ok', 'signal 9')]),
      [END, 'one'],
    ],
  ])('%s', (_what, both, differing) =>
    expect(differencesOf(both).map(({ name }) => name)).toEqual(differing),
  );

  it('says what both showed, and whether always', () => {
    expect(differencesOf(runs([PASS, PASS], [FAIL, PASS]))).toEqual([
      { name: END, bare: ['passes'], masked: ['fails (1)', 'passes'], always: false },
    ]);
    expect(differencesOf(runs([PASS], [FAIL]))[0]?.always).toBe(true);
  });

  it('is told from bare runs that disagree', () => {
    expect(isUnstable(runs([PASS, FAIL], [PASS]))).toBe(true);
    expect(isUnstable(runs([withCase('ok'), withCase('skip')], [PASS]))).toBe(true);
    expect(isUnstable(runs([PASS, PASS], [FAIL]))).toBe(false);
  });
});

const PROGRAM = { suite: 'ltp', name: 'ptrace01' };
const reasonsFor = (...differ: string[]): Reason[] => [{ reason: 'tracer', differ }];
const both = runs([withCase('ok')], [withCase('not ok', 'fails (1)')]);

describe('reasons', () => {
  it.each<[what: string, differ: readonly string[], reasons: readonly (string | undefined)[]]>([
    ['none', [], [undefined, undefined]],
    ['of the program', ['ltp: ptrace01'], ['tracer', 'tracer']],
    ['of many programs', ['ltp: ptrace*'], ['tracer', 'tracer']],
    ['of the end alone', ['ltp: ptrace01: end'], ['tracer', undefined]],
    ['of the case, and so of the end', ['ltp: ptrace01: one'], ['tracer', 'tracer']],
    ['of another program', ['ltp: ptrace0', 'selftests: ptrace01'], [undefined, undefined]],
  ])('%s', (_what, differ, reasons) => {
    const { differences } = findingOf(PROGRAM, both, reasonsFor(...differ));
    expect(differences.map(({ reason }) => reason)).toEqual(reasons);
  });

  it('of one case do not explain the end when another has none', () => {
    const two: Runs = runs(
      [{ [END]: 'passes', a: 'ok', b: 'ok' }],
      [{ [END]: 'fails (1)', a: 'not ok', b: 'not ok' }],
    );
    const { differences } = findingOf(PROGRAM, two, reasonsFor('ltp: ptrace01: a'));
    expect(differences.map(({ reason }) => reason)).toEqual([undefined, 'tracer', undefined]);
  });

  it('that are missing make a finding unexplained', () => {
    const known = findingOf(PROGRAM, both, reasonsFor('ltp: ptrace01'));
    const unknown = findingOf(PROGRAM, both, []);
    const same = findingOf(PROGRAM, runs([PASS], [PASS]), []);
    expect(unexplained([known, unknown, same])).toEqual([unknown]);
  });

  it('that explain nothing are listed', () => {
    const reasons = reasonsFor('ltp: ptrace01', 'ltp: ptrace01: one', 'ltp: ptrace02', 'ltp: x*');
    const finding = findingOf(PROGRAM, both, reasons);
    expect(unusedEntries([finding], reasons)).toEqual(['ltp: ptrace02', 'ltp: x*']);
  });
});
