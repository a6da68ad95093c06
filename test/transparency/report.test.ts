import { expect, it } from 'vitest';
import { END, findingOf } from './compare.js';
import { pageOf } from './report.js';

const pass = { [END]: 'passes' };
const fail = { [END]: 'fails (1)' };
const reasons = [{ reason: 'One | tracer.', differ: ['b: two'] }];

it('counts programs and lists what differs', () => {
  const findings = [
    findingOf({ suite: 'a', name: 'one' }, { bare: [pass], masked: [pass] }, reasons),
    findingOf({ suite: 'a', name: 'shaky' }, { bare: [pass, fail], masked: [fail] }, reasons),
    findingOf({ suite: 'b', name: 'two' }, { bare: [pass], masked: [fail] }, reasons),
    findingOf({ suite: 'b', name: 'three' }, { bare: [pass], masked: [pass, fail] }, reasons),
  ];
  expect(pageOf(findings, 'A machine.', ['LTP: none'], ['b: four'])).toBe(`# Bare and masked

A machine.

| suite | programs | same | of them unstable | explained | unexplained |
| --- | --- | --- | --- | --- | --- |
| a | 2 | 2 | 1 | 0 | 0 |
| b | 2 | 0 | 0 | 1 | 1 |
| all | 4 | 2 | 1 | 1 | 1 |

## What differs

| program | what | bare | masked | how often | reason |
| --- | --- | --- | --- | --- | --- |
| b: two | end | passes | fails (1) | always | One \\| tracer. |
| b: three | end | passes | fails (1), passes | at times, of 2 | **none** |

## What was skipped

- LTP: none

## Expected to differ, but the same here

- b: four
`);
});

it('says so where nothing differs', () => {
  const finding = findingOf({ suite: 'a', name: 'one' }, { bare: [pass], masked: [pass] }, []);
  const page = pageOf([finding], 'A machine.', [], []);
  expect(page).toContain('Nothing differs.');
  expect(page).not.toContain('skipped');
});
