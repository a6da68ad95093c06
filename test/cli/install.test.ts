/** "cpugate install" into a file tree of its own. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cpugate, isPlainFailure } from './run.js';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'cpugate-install-'));
});
afterEach(() => rmSync(root, { recursive: true }));

const install = (...args: string[]) => cpugate(['install', ...args, '--root', root]);

describe.runIf(process.platform === 'linux')('install', () => {
  test('writes a baseline that can be enforced, and takes all of it away again', () => {
    const outcome = install('podman', '--mask', 'x86-64-v2', '--name', 'v2');
    expect(outcome.status, outcome.err).toBe(0);
    expect(outcome.out).toContain('podman run --annotation dev.cpugate/mask=v2 IMAGE');
    const baseline = join(root, 'etc/cpugate/v2.json');
    expect(JSON.parse(readFileSync(baseline, 'utf8'))).toMatchObject({ kind: 'cpugate-baseline' });
    expect(cpugate(['check', 'haswell', 'skylake-sp', '--mask', baseline]).status).not.toBe(2);
    const removed = install('podman', '--remove', '--name', 'v2');
    expect(removed.out).toMatch(/^removed \/etc\/containers\/oci\/hooks\.d\/cpugate-v2\.json\n/);
    expect(
      readdirSync(root, { recursive: true, withFileTypes: true }).filter((one) => one.isFile()),
    ).toEqual([]);
  });

  test('--dry-run shows all and writes nothing', () => {
    const outcome = install('containerd', '--mask', 'x86-64-v2', '--dry-run');
    expect(outcome.status).toBe(0);
    expect(outcome.out).toContain('would write /etc/cdi/cpugate-x86-64-v2.json:');
    expect(existsSync(join(root, 'etc'))).toBe(false);
  });

  test.each([
    [['docker', '--mask', 'x86-64-v2'], /docker/],
    [['podman'], /neither --mask BASELINE nor --name NAME is given/],
    [['podman', '--mask', 'x86-64-v2', '--name', '../x'], /"\.\.\/x" can't be a mask's name/],
    [['podman', '--name', 'v2'], /--mask BASELINE is missing/],
    [['podman', '--mask', 'nonexistent.json'], /nonexistent/],
  ])('%j is refused', (args, says) => {
    const outcome = install(...args);
    expect(outcome.err).toMatch(says);
    expect(isPlainFailure(outcome), outcome.err).toBe(true);
    expect(readdirSync(root)).toEqual([]);
  });
});
