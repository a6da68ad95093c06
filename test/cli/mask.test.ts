/** run, attach, detach and verify as far as they go without a CPU that faults. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { probeHost } from '../../src/probe/index.js';
import { cpugate, isPlainFailure } from './run.js';

const isLinux = process.platform === 'linux' && process.arch === 'x64';
const canFault = isLinux && probeHost().system?.cpuidFaulting?.works === true;

/** A process that isn't above these tests, whose own tree no supervisor takes. */
let sleeper: ChildProcess;
beforeAll(() => {
  sleeper = spawn('sleep', ['1000'], { stdio: 'ignore' });
});
afterAll(() => {
  sleeper.kill('SIGKILL');
});

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
      'run with another file as the mask',
      ['run', '--mask', 'package.json', '--', 'ls'],
      /package.json: /,
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
    ['attach', (mask) => ['attach', '--mask', mask, '--pid', `${sleeper.pid}`]],
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

  it.skipIf(!isLinux).each<[string, (mask: string) => string[]]>([
    ['attach', (mask) => ['attach', '--mask', mask, '--pid', `${sleeper.pid}`]],
    ['restore', () => ['restore', '--images', folder]],
  ])('%s refuses patched code, with status 69', (_, args) => {
    const { status, out, err } = cpugate([...args(cluster), '--trap', 'patch']);
    expect(status).toBe(69);
    expect(out).toBe('');
    expect(err).toMatch(/can't be masked by patched code.*\n.*"cpugate run" starts/);
  });

  it.skipIf(!isLinux)('verify holds patched code against the mask, and names what it is', () => {
    const mask = join(folder, 'here.json');
    const made = cpugate(['baseline', 'localhost', '--without', 'sse4_2', '-o', mask]);
    expect(made.status, made.err).toBe(0);
    const { status, out, err } = cpugate(['verify', '--mask', mask, '--trap', 'patch', '--json']);
    expect(status, err).toBe(0);
    const { verdict, answers, leaks } = JSON.parse(out);
    expect(verdict).toBe('kept');
    expect(answers).toBeGreaterThan(20);
    expect(leaks[0].code).toBe('patched-code');
    const said = cpugate(['run', '--mask', mask, '--trap', 'patch', '--verbose', '--', 'true']);
    expect(said).toMatchObject({ status: 0, out: '' });
    expect(said.err).toMatch(/^cpugate: hidden here: .*sse4_2/m);
    expect(said.err).toMatch(/CPUID is changed in the code of programs/);
  });

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

describe('what --mask takes', () => {
  let folder = '';
  let ofHaswell = '';
  let host = '';
  const at = (name: string, text: string) => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'cpugate-mask-'));
    ofHaswell = join(folder, 'of-haswell.json');
    expect(cpugate(['baseline', 'haswell', '-o', ofHaswell]).status).toBe(0);
    host = at('host.json', cpugate(['convert', 'haswell', '--to', 'profile']).out);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const reportUnder = (mask: string, input = '') => {
    const args = ['check', 'skylake-sp', 'haswell', `--mask=${mask}`, '--json'];
    const { mask: name, ...report } = JSON.parse(cpugate(args, { input }).out);
    return report;
  };
  it('is a model, or a host, as the baseline of it alone', () => {
    const expected = reportUnder(ofHaswell);
    expect(expected.findings).not.toEqual(
      JSON.parse(cpugate(['check', 'skylake-sp', 'haswell', '--json']).out).findings,
    );
    expect(reportUnder('haswell')).toEqual(expected);
    expect(reportUnder(host)).toEqual(expected);
    expect(reportUnder('-', readFileSync(host, 'utf8'))).toEqual(expected);
    expect(reportUnder('-', readFileSync(ofHaswell, 'utf8'))).toEqual(expected);
  });
  it('is a level; sizes that are not known never become a yes', () => {
    expect(reportUnder('x86-64-v3').verdict).toBe('compatible');
    const args = ['check', 'graniterapids', 'emeraldrapids', '--mask', 'x86-64-v4', '--json'];
    const { verdict, findings } = JSON.parse(cpugate(args).out);
    expect(verdict).toBe('unknown');
    const missing = findings.filter((one: { code: string }) => one.code === 'data-missing');
    expect(missing).not.toEqual([]);
  });
  it('is a folder of hosts', () => {
    const hosts = join(folder, 'hosts');
    mkdirSync(hosts);
    writeFileSync(join(hosts, 'a.json'), readFileSync(host));
    expect(reportUnder(hosts)).toEqual(reportUnder(ofHaswell));
  });

  const commands: [string, (mask: string) => string[]][] = [
    ['run', (mask) => ['run', '--mask', mask, '--', 'true']],
    ['attach', (mask) => ['attach', '--mask', mask, '--pid', `${sleeper.pid}`]],
    ['verify', (mask) => ['verify', '--mask', mask]],
    [
      'dump',
      (mask) => ['dump', '--images', folder, '--mask', mask, '--', '--tree', `${process.pid}`],
    ],
  ];
  it.each(commands)('%s refuses a level whose sizes nobody knows, and says why', (_, args) => {
    const outcome = cpugate(args('x86-64-v4'));
    expect(isPlainFailure(outcome), outcome.err).toBe(true);
    expect(outcome.err).toMatch(/the XSAVE area of x86-64-v4 isn't known/);
    expect(outcome.err).toMatch(/A level leaves open where AVX-512 state lies/);
  });
  it.each(commands)('%s refuses hosts that tell no sizes, and says which', (_, args) => {
    // Of a model that no table knows: its state may lie anywhere.
    const flags = cpugate(['convert', 'skylake-sp', '--to', 'proc-cpuinfo']).out;
    const cpuinfo = at('cpuinfo', flags.replace(/^(model\t+: )\d+$/m, '$1250'));
    const outcome = cpugate(args(cpuinfo));
    expect(isPlainFailure(outcome), outcome.err).toBe(true);
    expect(outcome.err).toMatch(/the XSAVE area of .*cpuinfo isn't known/);
    expect(outcome.err).toMatch(/Record the hosts with "cpugate probe"/);
  });
  it.each(commands)('%s takes a model for a mask', (name, args) => {
    const { err } = cpugate(args('nehalem'));
    // What comes next depends on the machine; that it is no mask is over.
    expect(err).not.toMatch(/no CPU model|is no baseline|no such file/);
    if (name === 'dump') expect(err).toContain('is not under a mask, although --mask is given');
    else if (!canFault) expect(err).toMatch(/^cpugate: CPUID can't be masked on this host: /);
  });
});
