/** What the suites that boot guests run there is tried on this machine, which every test run has. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bundleForGuest } from '../vm/lab.js';

const isLinux = process.platform === 'linux' && process.arch === 'x64';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cpugate-bundle-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.skipIf(!isLinux)('a probe bundled for a guest finds its natives', async () => {
  const file = join(folder, 'probe.cjs');
  await bundleForGuest('test/vm/print-probe.ts', file);
  const { cpus } = JSON.parse(execFileSync(process.execPath, [file], { encoding: 'utf8' }));
  expect(cpus[0].rows[0].slice(0, 2)).toEqual([0, 0]);
});
