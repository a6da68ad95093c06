/** What a restore leaves in its log, and how a refused one is told to go on. */
import { describe, expect, test } from 'vitest';
import { restoreLine } from '../../src/enforce/restore-log.js';
import type { Verdict } from '../../src/judge/verdict.js';
import { waysOnText } from '../../src/report/text/ways-on.js';
import type { FindingCode } from '../../src/rules/index.js';

const TIME = new Date('2026-01-02T03:04:05.006Z');

type Told = readonly [
  code: FindingCode,
  severity: 'blocker' | 'unknown' | 'risk' | 'info',
  allowed?: true,
];

function reportOf(verdict: Verdict, told: readonly Told[], allow: readonly string[] = []) {
  const findings = told.map(([code, severity, allowed]) => ({
    code,
    severity: allowed ? ('info' as const) : severity,
    ...(allowed ? { allowedFrom: severity } : {}),
    effect: '',
    remedy: 'none' as const,
    facts: {},
  }));
  return {
    ...{ verdict, mode: 'portable' as const, findings, permitted: true, forced: false },
    ...{ from: { name: 'a' }, to: { name: 'b' } },
    allowed: allow.map((name) => ({
      name,
      used: told.some(([code, , ok]) => ok && code === name),
    })),
    images: { folder: '/i', processes: 1, threads: 1, source: 'record' as const, remarks: [] },
    // biome-ignore lint/suspicious/noExplicitAny: of a report, what counts here
  } as any;
}

const RISK: Told = ['vendor-differs', 'risk'];
const HINT: Told = ['hint-missing', 'info'];

describe('the log of restores', () => {
  const line = (...args: Parameters<typeof reportOf>) =>
    restoreLine(reportOf(...args), { root: 7, failOn: 'unknown' }, TIME);

  test('has the risk that --fail-on let pass', () => {
    expect(line('at-risk', [RISK, HINT])).toEqual({
      time: '2026-01-02T03:04:05.006Z',
      images: '/i',
      source: 'record',
      verdict: 'at-risk',
      forced: false,
      failOn: 'unknown',
      allowed: [],
      findings: ['risk: vendor-differs'],
      root: 7,
      supervisor: null,
    });
  });

  test('has what --allow took out, as what it was, and no name that took nothing out', () => {
    const told: Told[] = [['vendor-differs', 'risk', true], HINT];
    expect(line('compatible', told, ['vendor-differs', 'address-width'])).toMatchObject({
      allowed: ['vendor-differs'],
      findings: ['risk: vendor-differs'],
    });
  });

  test('has nothing of what is harmless', () => {
    expect(line('compatible', [HINT])).toMatchObject({ allowed: [], findings: [] });
  });
});

test.each<[Verdict, Told[], RegExp, boolean]>([
  ['at-risk', [RISK, HINT], /--allow vendor-differs accepts .*--fail-on unknown .*--force/, true],
  [
    'unknown',
    [['data-missing', 'unknown'], RISK],
    /--allow data-missing,vendor-differs .*--fail-on incompatible/,
    true,
  ],
  [
    'incompatible',
    [['state-missing', 'blocker'], RISK],
    /--allow state-missing,vendor-differs .*--force/,
    false,
  ],
])('a restore that is %s is told how to go on', (verdict, told, says, hasFailOn) => {
  const text = waysOnText(reportOf(verdict, told), 500);
  expect(text).toMatch(says);
  expect(text.includes('--fail-on')).toBe(hasFailOn);
});

test('where the host can give no mask, there is no way on', () => {
  const told: Told[] = [['mask-unavailable', 'blocker'], RISK];
  expect(waysOnText(reportOf('incompatible', told), 500)).toBe('');
});
