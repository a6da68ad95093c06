/** The hooks and what refuses tasks, as far as they go without a CPU that faults: real processes, no supervisor. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ProcessStatus, readProcess } from '../../src/enforce/processes.js';
import { readNote, writeNote } from '../../src/enforce/restore-hook.js';
import { cpugate, isPlainFailure } from './run.js';

const NOBODY = `${2 ** 22 + 1}`;

describe.runIf(process.platform === 'linux')('with a process of its own', () => {
  let folder = '';
  let sleeper: ChildProcess;
  let pid = 0;
  const state = () => readProcess(pid)?.state;
  const uid = process.getuid?.() ?? 0;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'cpugate-hooks-'));
    sleeper = spawn('sleep', ['100'], { stdio: 'ignore' });
    await once(sleeper, 'spawn');
    pid = sleeper.pid ?? 0;
  });
  afterEach(() => {
    sleeper.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  });

  const self = () => readProcess(process.pid) as ProcessStatus;
  /** As CRIU calls it: its parent is this process. */
  const stage = (name: string, root = `${pid}`) =>
    cpugate(['hook', 'criu', '--runtime-dir', folder], {
      env: { CRTOOLS_SCRIPT_ACTION: name, CRTOOLS_INIT_PID: root, CRTOOLS_IMAGE_DIR: folder },
    });
  const supervision = {
    program: '/bin/false',
    maskFile: '/a.mask',
    runtimeFolder: '',
    stopped: [],
    isFromStart: true,
  };

  test('pre-resume stops what will be under a mask', async () => {
    writeNote(folder, uid, self(), { supervision });
    expect(stage('pre-resume')).toMatchObject({ status: 0, out: '', err: '' });
    await expect.poll(state).toBe('T');
  });

  test('without a mask, nothing is stopped, and what the dump had stopped goes on', async () => {
    writeNote(folder, uid, self(), { stopped: [] });
    expect(stage('pre-resume')).toMatchObject({ status: 0, err: '' });
    expect(state()).toBe('S');
    sleeper.kill('SIGSTOP');
    await expect.poll(state).toBe('T');
    expect(stage('post-resume')).toMatchObject({ status: 0, err: '' });
    await expect.poll(state).toBe('S');
    expect(readNote(folder, self())).toEqual({});
  });

  test('a supervisor that fails takes its tasks along', async () => {
    writeNote(folder, uid, self(), {
      supervision: { ...supervision, runtimeFolder: folder },
    });
    const outcome = stage('post-resume');
    expect(isPlainFailure(outcome), outcome.err).toBe(true);
    expect(outcome.err).toMatch(/the supervisor ended with status 1 .*; all are killed/);
    await expect.poll(() => state() ?? 'Z').toBe('Z');
  });

  test('stages that CRIU has and cpugate does not pass', () => {
    expect(stage('network-lock', NOBODY)).toMatchObject({ status: 0, out: '', err: '' });
    expect(stage('pre-resume', NOBODY)).toMatchObject({ status: 0, out: '', err: '' });
  });

  test.each(['pre-dump', 'pre-resume', 'post-resume'])('%s of a task that is gone', (name) => {
    writeNote(folder, uid, self(), { supervision });
    const outcome = stage(name, NOBODY);
    expect(isPlainFailure(outcome), outcome.err).toBe(true);
    expect(outcome.err).toContain(`CRIU's root task is gone: there is no process ${NOBODY}`);
  });

  const MASK = ['--mask', 'x86-64-v2'];
  const oci = (state: unknown) =>
    cpugate(['hook', 'oci', ...MASK, '--runtime-dir', folder], { input: JSON.stringify(state) });

  test.each<[string, unknown, RegExp]>([
    ['of a container that is gone', { pid: Number(NOBODY) }, /container's first process is gone/],
    ['without a process', { status: 'creating' }, /no state of a container with a "pid"/],
    ['of process 1', { pid: 1 }, /no state of a container with a "pid"/],
    ['of no number', { pid: '7' }, /no state of a container with a "pid"/],
  ])('the hook %s', (_, given, message) => {
    const outcome = oci(given);
    expect(isPlainFailure(outcome), outcome.err).toBe(true);
    expect(outcome.err).toMatch(message);
  });

  test('what a hook has refused can be asked for', () => {
    const why = (...args: string[]) => cpugate(['why', '--runtime-dir', folder, ...args]);
    expect(why()).toMatchObject({ status: 0, out: expect.stringMatching(/^No hook has refused/) });
    stage('pre-dump', NOBODY);
    oci({ status: 'creating' });
    expect(why().out).toMatch(
      /^\S+Z cpugate hook oci\n {2}standard input holds no state of a container with a "pid"\n {4}It is/,
    );
    const all = why('--last', '5').out.split('\n\n');
    expect(all).toHaveLength(2);
    expect(all[0]).toMatch(/Z cpugate hook criu pre-dump \(.*\)\n {2}CRIU's root task is gone/);
    expect(all[0]).toContain(folder);
    for (const number of ['0', '-1', 'x', '1e3'])
      expect(isPlainFailure(why(`--last=${number}`))).toBe(true);
  });

  describe('the hook oci at a restore', () => {
    /** A process with CRIU's name, and one that it has made. */
    async function startCriu(): Promise<{ criu: ChildProcess; task: number }> {
      const program = join(folder, 'criu');
      copyFileSync(process.execPath, program);
      const script =
        'const {spawn} = require("node:child_process");' +
        'console.log(spawn(process.execPath, ["-e", "setTimeout(() => {}, 1e5)"]).pid)';
      const criu = spawn(program, ['-e', `${script};setTimeout(() => {}, 1e5)`, 'swrk'], {
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      const [said] = await once(criu.stdout as NonNullable<ChildProcess['stdout']>, 'data');
      return { criu, task: Number(said) };
    }

    test.each([
      ['is left to the gate that has passed it', true],
      ['is refused where there was no gate', false],
      ['is refused where the gate has passed another CRIU with its number', 'before'],
    ])('%s', async (_, gate) => {
      const { criu, task } = await startCriu();
      const isGated = gate === true;
      try {
        const { pid, started } = readProcess(criu.pid ?? 0) as ProcessStatus;
        if (gate !== false)
          writeNote(folder, uid, { pid, started: isGated ? started : started - 1n }, {});
        const outcome = oci({ pid: task, status: 'creating' });
        if (isGated) return expect(outcome).toMatchObject({ status: 0, out: '', err: '' });
        expect(isPlainFailure(outcome), outcome.err).toBe(true);
        expect(outcome.err).toMatch(/being restored, and CRIU has not called "cpugate hook criu"/);
      } finally {
        process.kill(task, 'SIGKILL');
        criu.kill('SIGKILL');
      }
    });
  });

  test.each<[string, () => string[], RegExp]>([
    ['the shell that it is started from', () => ['--pid', `${process.pid}`], /its own tree/],
    ['a process that is gone', () => ['--pid', NOBODY], /--pid \d+ is gone/],
    [
      'a device as its pid file',
      () => ['--pid', `${pid}`, '--pid-file', '/dev/null'],
      /\/dev\/null: can't be a pid file: it is a device/,
    ],
    [
      'foreground and background',
      () => ['--pid', `${pid}`, '--foreground', '--background'],
      /contradict each other/,
    ],
  ])('attach with %s', (_, args, message) => {
    const outcome = cpugate(['attach', ...MASK, '--runtime-dir', folder, ...args()]);
    expect(isPlainFailure(outcome), outcome.err).toBe(true);
    expect(outcome.err).toMatch(message);
    expect(state()).toBe('S');
  });

  test.each<[string, (file: string) => string[]]>([
    ['run', (file) => ['run', ...MASK, '--pid-file', file, '--', 'touch', join(folder, 'ran')]],
    ['restore', (file) => ['restore', '--images', folder, '--pid-file', file]],
  ])('%s with a link as its pid file starts nothing', (_, args) => {
    const link = join(folder, 'link.pid');
    symlinkSync('/dev/null', link);
    const outcome = cpugate(args(link));
    expect(isPlainFailure(outcome), outcome.err).toBe(true);
    expect(outcome.err).toContain(`${link}: can't be a pid file: it is a symbolic link`);
    expect(existsSync(join(folder, 'ran'))).toBe(false);
  });
});
