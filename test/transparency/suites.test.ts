import { describe, expect, it } from 'vitest';
import { END } from './compare.js';
import {
  endOf,
  libcTestCases,
  ltpCases,
  resultsOf,
  SUITES,
  tapCases,
  unittestCases,
} from './suites.js';

const suite = (name: string) => SUITES.find((one) => one.name === name)!;

describe('exit statuses', () => {
  it.each<[suite: string, status: number | undefined, end: string]>([
    ['selftests', 0, 'passes'],
    ['selftests', 4, 'skips'],
    ['ltp', 4, 'fails (4)'],
    ['ltp', 32, 'skips'],
    ['cpython', 32, 'fails (32)'],
    ['libc-test', 1, 'fails (1)'],
    ['libc-test', 128, 'fails (128)'],
    ['libc-test', 139, 'signal 11'],
    ['libc-test', 192, 'signal 64'],
    ['libc-test', 255, 'fails (255)'],
    ['libc-test', undefined, 'out of time'],
  ])('of %s: %s', (name, status, end) => expect(endOf(suite(name), status)).toBe(end));

  it('stand beside the cases', () =>
    expect(resultsOf(suite('selftests'), 1, 'not ok 1 a\n')).toEqual({
      [END]: 'fails (1)',
      a: 'not ok',
    }));
});

describe('cases in what suites print', () => {
  it('of the Test Anything Protocol', () =>
    expect(
      tapCases(
        [
          'TAP version 13',
          '1..7',
          'ok 1 global.kill',
          'not ok 2 - dash',
          '# ok 3 inner',
          'ok 4 skipped # SKIP no such call',
          'ok 5 # SKIP nameless',
          'ok 6 twice',
          'not ok 7 twice',
          'not ok 8 child 4711 at 0x7ffe0123 is 42',
          'ok 9 lacks issue # 5',
          'okay 10 is no case',
        ].join('\n'),
      ),
    ).toEqual({
      'global.kill': 'ok',
      dash: 'not ok',
      inner: 'ok',
      skipped: 'skip',
      'case 5': 'skip',
      twice: 'not ok and ok',
      'child N at N is 42': 'not ok',
      'lacks issue # 5': 'ok',
    }));

  it('of LTP', () =>
    expect(
      ltpCases(
        [
          'tst_test.c:1733: TINFO: Timeout per run is 0h 00m 30s',
          'kill01.c:40: TPASS: as it should be',
          'kill01.c:40: TPASS: once more',
          'kill01.c:52: \u001b[1;31mTFAIL: \u001b[0mno',
          'tst_test.c:99: TCONF: not here',
        ].join('\n'),
      ),
    ).toEqual({ 'kill01.c:40': 'TPASS', 'kill01.c:52': 'TFAIL', 'tst_test.c:99': 'TCONF' }));

  it('of libc-test', () =>
    expect(
      libcTestCases('/x/src/functional/a.c:12: bad\nelse\nsrc/regression/b.c:3: bad\n'),
    ).toEqual({ 'src/functional/a.c:12': 'fails', 'src/regression/b.c:3': 'fails' }));

  it('of unittest', () =>
    expect(
      unittestCases(
        [
          'test_a (test.test_x.T.test_a) ... ok',
          'FAIL: test_b (test.test_x.T.test_b)',
          'ERROR: test_c (test.test_x.T.test_c) [sub]',
          'FAILED (failures=1, errors=1, skipped=3)',
          'Total: OK (skipped=2)',
        ].join('\n'),
      ),
    ).toEqual({
      'test.test_x.T.test_b': 'fails',
      'test.test_x.T.test_c': 'error',
      'skipped cases': '5',
    }));
});
