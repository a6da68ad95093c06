/** The log of refusals: bounded, and what is damaged in it is left out. */
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { lastRefusals, logRefusal, refusalsIn } from '../../src/enforce/refusal-log.js';

let folder = '';
const uid = process.getuid?.() ?? 0;
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'cpugate-why-')), 'run');
});
afterEach(() => rmSync(join(folder, '..'), { recursive: true }));

const refusal = (text: string) => ({ hook: 'hook oci', about: '', text });

test('the last ones are given, the newest last', () => {
  for (const text of ['a', 'b', 'c']) logRefusal(folder, uid, refusal(text));
  expect(lastRefusals(folder, 2).map(({ text }) => text)).toEqual(['b', 'c']);
  expect(statSync(join(folder, 'refusals.jsonl')).mode & 0o777).toBe(0o600);
});

test('none where there is no folder', () => {
  expect(lastRefusals(folder, 9)).toEqual([]);
});

test('neither a text nor the log grows for ever', () => {
  for (let count = 0; count < 200; count++) logRefusal(folder, uid, refusal('x'.repeat(100_000)));
  const sizes = ['refusals.jsonl', 'refusals.1.jsonl'].map(
    (one) => statSync(join(folder, one)).size,
  );
  for (const size of sizes) expect(size).toBeLessThan(1.1 * 1024 * 1024);
  expect(lastRefusals(folder, 1)[0]?.text).toHaveLength(16 * 1024);
});

test("what can't be written down is no failure", () => {
  mkdirSync(folder, { recursive: true });
  mkdirSync(join(folder, 'refusals.jsonl'));
  expect(() => logRefusal(folder, uid, refusal('a'))).not.toThrow();
  rmSync(folder, { recursive: true });
  writeFileSync(folder, '');
  expect(() => logRefusal(folder, uid, refusal('a'))).not.toThrow();
});

const GOOD = '{"time":"t","hook":"h","about":"","text":"x"}';
test.each([
  ['', 0],
  [`${GOOD}\n${GOOD}\n`, 2],
  [`${GOOD}\n${GOOD.slice(0, 20)}`, 1],
  ['{"time":1,"hook":"h","about":"","text":"x"}\n', 0],
  ['null\n[]\n7\n', 0],
])('of %j come %i', (text, count) => {
  expect(refusalsIn(text)).toHaveLength(count);
});
