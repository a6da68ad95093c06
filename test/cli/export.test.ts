import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TARGET_NAMES, TARGET_TITLES } from '../../src/export/target-names.js';
import { cpugate, isPlainFailure } from './run.js';

let folder = '';
let cluster = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cpugate-export-'));
  cluster = join(folder, 'cluster.json');
  const { status, err } = cpugate(['baseline', 'haswell', 'skylake-sp', '-o', cluster]);
  if (status !== 0) throw new Error(err);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('export', () => {
  it.each(TARGET_NAMES)('writes %s of a baseline', (name) => {
    const file = join(folder, `${name}.out`);
    const extra = name === 'glibc' ? ['--glibc', '2.36'] : [];
    const outcome = cpugate(['export', cluster, '--for', name, '-o', file, ...extra]);
    expect(outcome).toMatchObject({ status: 0, out: '' });
    expect(readFileSync(file).length).toBeGreaterThan(0);
    for (const line of outcome.err.split('\n').slice(0, -1))
      expect(line).toMatch(/^cpugate: not in the output: \S/);
  });
  it('takes any host as the baseline of that host', () => {
    const { status, out } = cpugate(['export', 'haswell', '--for', 'nfd']);
    expect(status).toBe(0);
    expect(out).toContain('AVX2: {op: Exists}');
    expect(out).not.toContain('AVX512F');
  });
  it('says on standard error what the target has no word for', () => {
    const { out, err } = cpugate(['export', cluster, '--for', 'nodeaffinity']);
    expect(err).toContain('cpugate: not in the output: By default there is no label for');
    expect(out).toContain('# By default there is no label for');
  });
  it('is told the release of glibc', () => {
    const { out } = cpugate(['export', cluster, '--for', 'glibc', '--glibc', '2.31']);
    expect(out).toContain('# glibc 2.31\n');
  });
  it.each([
    [['export', 'haswell']],
    [['export', '--for', 'nfd']],
    [['export', 'haswell', '--for', 'vmware']],
    [['export', 'haswell', '--for', 'toString']],
    [['export', 'haswell', 'nehalem', '--for', 'nfd']],
    [['export', 'haswell', '--for', 'nfd', '--glibc', '2.36']],
    [['export', 'haswell', '--for', 'glibc']],
    [['export', 'haswell', '--for', 'glibc', '--glibc', 'musl']],
    [['export', 'no-such-file', '--for', 'nfd']],
    [['export', 'haswell', '--for', 'nfd', '-o', '/no/such/folder/file']],
  ])('%j is refused', (args) => expect(isPlainFailure(cpugate(args))).toBe(true));
  it('lists the targets in its help', () => {
    const { out } = cpugate(['export', '--help']);
    for (const name of TARGET_NAMES)
      expect(out).toContain(`${name.padEnd(14)}${TARGET_TITLES[name]}`);
  });
});
