/** The part of "npm run check" that looks at native/. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { root } from '../cli/run.js';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cpugate-check-'));
  for (const name of ['scripts', 'native/cpu', 'bin'])
    mkdirSync(join(folder, name), { recursive: true });
  for (const file of ['scripts/check-native.mjs', 'native/.clang-format', 'native/.clang-tidy'])
    cpSync(join(root, file), join(folder, file));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function check(path: string | undefined, ...options: readonly string[]) {
  const script = join(folder, 'scripts', 'check-native.mjs');
  return spawnSync(process.execPath, [script, ...options], {
    encoding: 'utf8',
    env: { PATH: path },
  });
}

const isHere = ['clang-format', 'clang-tidy'].every((program) =>
  [program, `${program}-14`].some((command) =>
    /version 14\./.test(spawnSync(command, ['--version'], { encoding: 'utf8' }).stdout ?? ''),
  ),
);

const file = () => join(folder, 'native', 'cpu', 'one.cc');

test('what is missing is named', () => {
  writeFileSync(file(), 'int  f( );\n');
  const { status, stderr } = check(join(folder, 'bin'));
  expect(status).toBe(0);
  expect(stderr).toBe(
    "skipped: clang-format 14 isn't installed, so native/ isn't checked with it\n" +
      "skipped: clang-tidy 14 isn't installed, so native/ isn't checked with it\n",
  );
});

test("another release isn't asked", () => {
  const other = '#!/bin/sh\necho "Debian clang version 19.1.7"\n';
  for (const program of ['clang-format', 'clang-tidy'])
    writeFileSync(join(folder, 'bin', program), other, { mode: 0o755 });
  expect(check(join(folder, 'bin'))).toMatchObject({
    status: 0,
    stderr: expect.stringContaining('skipped: clang-tidy 14 is here as release 19 only'),
  });
});

describe.skipIf(!isHere)('with clang-format and clang-tidy', () => {
  test.each([
    ['a line that is formatted otherwise', 'int  f( );\n', 'npm run format'],
    ["a function's name", 'int Other();\n', "invalid case style for function 'Other'"],
    [
      "a constant's name",
      'constexpr int limit = 1;\n',
      'invalid case style for constexpr variable',
    ],
    ['a fault', 'bool both(int a) { return a == 1 || a == 1; }\n', 'misc-redundant-expression'],
  ])('%s is refused', (_, text, why) => {
    writeFileSync(file(), text);
    for (const time of ['the first time', 'again']) {
      const { status, stderr } = check(process.env.PATH);
      expect({ time, status, stderr }).toMatchObject({ status: 1 });
      expect(stderr).toContain(why);
    }
  });

  test('a header is looked at through what includes it', () => {
    writeFileSync(file(), '#include "one.h"\n');
    writeFileSync(file().replace('.cc', '.h'), 'int fine();\n');
    expect(check(process.env.PATH)).toMatchObject({ status: 0, stderr: '' });
    writeFileSync(file().replace('.cc', '.h'), 'int Other();\n');
    expect(check(process.env.PATH).stderr).toContain("function 'Other'");
  });

  test('--write formats', () => {
    writeFileSync(file(), 'int  f( );\n');
    expect(check(process.env.PATH, '--write')).toMatchObject({ status: 0, stderr: '' });
    expect(readFileSync(file(), 'utf8')).toBe('int f();\n');
  });
});
