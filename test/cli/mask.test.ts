/** run, attach, detach and verify as far as they go without a CPU that faults. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { probeHost } from '../../src/probe/index.js';
import { cpugate, isPlainFailure } from './run.js';

const isLinux = process.platform === 'linux' && process.arch === 'x64';
const canFault = isLinux && probeHost().system?.cpuidFaulting?.works === true;

describe('commands that put tasks under a mask', () => {
  let folder = '';
  let cluster = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'cpugate-cli-'));
    cluster = join(folder, 'cluster.json');
    expect(cpugate(['baseline', 'x86-64-v2', '-o', cluster]).status).toBe(0);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each<[string, readonly string[], RegExp]>([
    ['run without a mask', ['run', '--', 'true'], /--mask BASELINE is missing/],
    ['run without a command', ['run', '--mask', 'x.json'], /-- COMMAND is missing/],
    [
      'run with a command before "--"',
      ['run', '--mask', 'x.json', 'ls', '-l'],
      /COMMAND must stand behind "--"|unknown option/,
    ],
    [
      'run with an option that is not its own',
      ['run', '--masks', 'x.json', '--', 'ls'],
      /unknown option --masks/,
    ],
    ['run with no such mask', ['run', '--mask', '/nowhere/x.json', '--', 'ls'], /no such file/],
    [
      'run with a host as the mask',
      ['run', '--mask', 'package.json', '--', 'ls'],
      /is not a baseline/,
    ],
    ['attach to nothing', ['attach', '--mask', 'x.json'], /no task is given/],
    ['attach to a name', ['attach', '--mask', 'x.json', '--pid', 'init'], /--pid can't be "init"/],
    ['detach of nothing', ['detach'], /no task is given/],
    ['detach of a group', ['detach', '--pid', '-4'], /--pid can't be|needs a value|unknown option/],
    ['verify without a mask', ['verify'], /--mask BASELINE is missing/],
  ])('%s is wrong usage', (_, args, message) => {
    const outcome = cpugate(args);
    expect(isPlainFailure(outcome), outcome.err).toBe(true);
    expect(outcome.err).toMatch(message);
  });

  it.skipIf(canFault || !isLinux).each<[string, (mask: string) => string[]]>([
    ['run', (mask) => ['run', '--mask', mask, '--', 'echo', 'unmasked']],
    ['attach', (mask) => ['attach', '--mask', mask, '--pid', `${process.pid}`]],
    ['verify', (mask) => ['verify', '--mask', mask]],
  ])(
    '%s says why it cannot where CPUID does not fault, and what can be done, with status 69',
    (_, args) => {
      const { status, out, err } = cpugate(args(cluster));
      expect(status).toBe(69);
      expect(out).toBe('');
      expect(err).toMatch(/^cpugate: CPUID can't be masked on this host: /);
      expect(err).toMatch(/export BASELINE --for glibc/);
    },
  );

  it.each(['run', 'attach', 'detach', 'verify'])('%s explains itself', (name) => {
    const { status, out } = cpugate([name, '--help']);
    expect(status).toBe(0);
    expect(out).toMatch(/Exit status: /);
  });

  it("what is behind '--' is not cpugate's, asking for help neither", () => {
    const { out, err } = cpugate(['run', '--mask', '/nowhere/x.json', '--', 'ls', '--help']);
    expect(out).toBe('');
    expect(err).toMatch(/no such file/);
    const completes = ['run', '--mask', '/nowhere/x.json', '--', 'ls', '--get-yargs-completions'];
    expect(cpugate(completes).err).toMatch(/no such file/);
  });

  it('options are completed', () => {
    const { out } = cpugate(['--get-yargs-completions', 'cpugate', 'run', '--']);
    expect(out.split('\n')).toContain('--mask');
  });
});
