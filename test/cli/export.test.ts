import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  ENVIRONMENT_FORMAT_NAMES,
  ENVIRONMENT_FORMATS,
} from '../../src/export/environment-formats.js';
import { ENVIRONMENT_TARGETS } from '../../src/export/index.js';
import { TARGET_NAMES, TARGET_TITLES } from '../../src/export/target-names.js';
import { cpugate, isPlainFailure, root } from './run.js';

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
    const hasComments = /^(#|<!--)/.test(readFileSync(file, 'utf8'));
    if (hasComments) expect(outcome.err).toBe('');
    for (const line of outcome.err.split('\n').slice(0, -1))
      expect(line).toMatch(/^(cpugate: (note|condition|not expressed): | {2})\S/);
  });
  it('takes any host as the baseline of that host', () => {
    const { status, out } = cpugate(['export', 'haswell', '--for', 'nfd']);
    expect(status).toBe(0);
    expect(out).toContain('AVX2: {op: Exists}');
    expect(out).not.toContain('AVX512F');
  });
  it('says in the file what the target has no word for, and nowhere else', () => {
    const { out, err } = cpugate(['export', cluster, '--for', 'nodeaffinity']);
    expect(err).toBe('');
    expect(out).toContain('# Not expressed: By default there is no label for');
  });
  it('says it on standard error where the file has no comments, as wide as the terminal', () => {
    const say = (COLUMNS: string) =>
      cpugate(['export', cluster, '--for', 'libvirtcpuid'], { env: { COLUMNS } });
    const { out, err } = say('60');
    expect(out).toMatch(/^VIRT_CPUID_MASK=\S+\n$/);
    expect(err).toContain('cpugate: not expressed: Leaf 0xD goes on showing the state\n  ');
    for (const line of err.split('\n')) expect(line.length).toBeLessThanOrEqual(60);
    const wide = say('120').err;
    expect(wide.split('\n').length).toBeLessThan(err.split('\n').length);
    expect(wide.replace(/\n {2}/g, ' ')).toBe(err.replace(/\n {2}/g, ' '));
  });
  it('says in the same way what a converted host has lost', () => {
    const dump = join(root, 'test/fixtures/profiles/qemu-max-guest.json');
    const { err } = cpugate(['convert', dump, '--to', 'criu', '-o', join(folder, 'c.img')], {
      env: { COLUMNS: '60' },
    });
    expect(err).toMatch(/^cpugate: not expressed: CPUID leaves that CRIU/);
    for (const line of err.split('\n')) expect(line.length).toBeLessThanOrEqual(60);
  });
  it.each(ENVIRONMENT_FORMAT_NAMES)('writes environment variables as %s', (format) => {
    const start = {
      'env-file': /^JAVA_TOOL_OPTIONS=-XX/m,
      shell: /^export JAVA_TOOL_OPTIONS='-XX/m,
      systemd: /^JAVA_TOOL_OPTIONS="-XX/m,
      yaml: /^ {2}JAVA_TOOL_OPTIONS: "-XX/m,
    };
    const args = ['export', cluster, '--for', 'runtimes', '--format', format];
    const { status, out, err } = cpugate(args);
    expect([status, err]).toEqual([0, '']);
    expect(out).toMatch(start[format]);
  });
  it('writes an env-file where no format is named', () =>
    expect(cpugate(['export', cluster, '--for', 'runtimes']).out).toBe(
      cpugate(['export', cluster, '--for', 'runtimes', '--format', 'env-file']).out,
    ));
  it('names the formats, and whose they are, to who asks another target for one', () => {
    const { err } = cpugate(['export', cluster, '--for', 'qemu', '--format', 'yaml']);
    expect(err).toContain('--format yaml says nothing to it');
    expect(err).toContain(
      'Environment variables have env-file, shell, systemd, yaml: --for glibc, --for runtimes.',
    );
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
    [['export', 'haswell', '--for', 'nfd', '--format', 'yaml']],
    [['export', 'haswell', '--for', 'runtimes', '--format', 'fish']],
    [['export', 'haswell', '--for', 'runtimes', '--format', 'toString']],
    [['export', 'haswell', '--for', 'glibc']],
    [['export', 'haswell', '--for', 'glibc', '--glibc', 'musl']],
    [['export', 'no-such-file', '--for', 'nfd']],
    [['export', 'haswell', '--for', 'nfd', '-o', '/no/such/folder/file']],
  ])('%j is refused', (args) => expect(isPlainFailure(cpugate(args))).toBe(true));
  it('lists the targets in its help', () => {
    const { out } = cpugate(['export', '--help']);
    for (const name of TARGET_NAMES)
      expect(out).toContain(`${name.padEnd(14)}${TARGET_TITLES[name]}`);
    for (const name of ENVIRONMENT_FORMAT_NAMES)
      expect(out).toContain(`${name.padEnd(14)}${ENVIRONMENT_FORMATS[name]}`);
    expect(out).toContain(`Formats of environment variables (${ENVIRONMENT_TARGETS.join(', ')})`);
  });
});
