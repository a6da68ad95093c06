/** What "cpugate audit" says of programs, against what they do on a CPU that lacks what they were built for. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { labIsHere, projectRoot, runInGuest } from './lab.js';

const program = join(projectRoot, 'dist', 'cpugate.cjs');
const SIGILL = 128 + 4;

const SOURCE = `
#include <stdio.h>
#include <stdlib.h>
__attribute__((noinline)) void add(int *restrict a, const int *restrict b) {
  for (int i = 0; i < 1024; i++) a[i] += b[i] * 3;
}
int main(void) {
  int *a = calloc(1024, 4), *b = calloc(1024, 4);
  add(a, b);
  return a[5];
}
`;

/** Verdict of this host's audit. */
function verdictOf(path: string): string {
  const { stdout } = spawnSync(
    process.execPath,
    [program, 'audit', path, '--to', 'nehalem', '--json'],
    { encoding: 'utf8', maxBuffer: 1 << 28 },
  );
  return JSON.parse(stdout).verdict;
}

const REAL = [
  '/usr/bin/true',
  '/usr/bin/xz',
  '/usr/bin/openssl',
  '/usr/bin/python3',
  '/usr/bin/bash',
].filter(existsSync);

describe.skipIf(!labIsHere || !existsSync(program))('on Nehalem', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'cpugate-audit-vm-'));
    writeFileSync(join(folder, 'a.c'), SOURCE);
    for (const march of ['x86-64', 'x86-64-v2', 'haswell', 'skylake-avx512'])
      execFileSync('gcc', [
        '-O3',
        `-march=${march}`,
        '-o',
        join(folder, march),
        join(folder, 'a.c'),
      ]);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('programs that need what it lacks end with SIGILL, and those that do not, run', async () => {
    const built = ['x86-64', 'x86-64-v2', 'haswell', 'skylake-avx512'].map((name) =>
      join(folder, name),
    );
    const lines = [
      ...built,
      ...REAL.map((path) => `${path} ${path.endsWith('openssl') ? 'version' : '--version'}`),
    ];
    const script = lines.map((line) => `${line} >/dev/null 2>&1; echo "-- $?"`).join('\n');
    const { status, output } = await runInGuest(
      { cpu: 'Nehalem', kernel: '6.1', shares: [folder], seconds: 280 },
      ['sh', '-c', script],
    );
    expect(status, output).toBe(0);
    const statuses = [...output.matchAll(/^-- (\d+)$/gm)].map(([, text]) => Number(text));
    expect(statuses).toEqual([0, 0, SIGILL, SIGILL, ...REAL.map(() => 0)]);
    expect(built.map(verdictOf)).toEqual([
      'compatible',
      'compatible',
      'incompatible',
      'incompatible',
    ]);
    for (const path of REAL) expect(verdictOf(path), path).not.toBe('incompatible');
  });
});
