/** CRIU's stages around a restore, with real processes in the tasks' place and a script in the supervisor's. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { listTree, readProcess, signalProcess } from '../../src/enforce/processes.js';
import {
  type RestoreNote,
  readNote,
  removeNote,
  stepAt,
  takeStep,
  writeNote,
} from '../../src/enforce/restore-hook.js';
import { toContinue } from '../../src/enforce/restored-tasks.js';
import type { SupervisionPlan } from '../../src/enforce/supervise.js';

const plan = {} as SupervisionPlan;

describe('a stage', () => {
  test.each<['pre-resume' | 'post-resume', string, RestoreNote, string | undefined]>([
    ['pre-resume', 'under a mask', { supervision: plan }, 'stop'],
    ['pre-resume', 'under a mask, dumped so', { supervision: plan, stopped: [] }, 'stop'],
    ['pre-resume', 'without one', {}, undefined],
    ['pre-resume', 'without one, dumped under one', { stopped: [] }, undefined],
    ['post-resume', 'under a mask', { supervision: plan }, 'adopt'],
    ['post-resume', 'under a mask, dumped so', { supervision: plan, stopped: [4] }, 'adopt'],
    ['post-resume', 'without one', {}, undefined],
    ['post-resume', 'without one, dumped under one', { stopped: [] }, 'continue'],
  ])('%s, tasks %s: %#', (stage, _, note, step) => {
    expect(stepAt(stage, note)).toBe(step);
  });
});

test('who goes on: all that were stopped for the dump alone', () => {
  const tree = [
    { ownPid: 1, state: 'T' },
    { ownPid: 2, state: 'T' },
    { ownPid: 3, state: 'S' },
    { ownPid: 4, state: 't' },
  ];
  const going = (stopped: number[]) => toContinue(tree, stopped).map(({ ownPid }) => ownPid);
  expect(going([])).toEqual([1, 2]);
  expect(going([2, 3])).toEqual([1]);
});

describe.runIf(process.platform === 'linux')('restored processes', () => {
  let folder = '';
  let root: ChildProcess;
  let pid = 0;
  const states = () => listTree(pid).map(({ state }) => state);

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'cpugate-hook-'));
    root = spawn('sh', ['-c', 'sleep 100 & sleep 100; true'], { stdio: 'ignore' });
    await once(root, 'spawn');
    pid = root.pid ?? 0;
    await expect.poll(() => listTree(pid).length).toBe(3);
  });
  afterEach(() => {
    for (const one of listTree(pid)) signalProcess(one.pid, 'SIGKILL');
    rmSync(folder, { recursive: true });
  });

  /** Does what `script` says with its arguments in $@. */
  function supervisor(script: string): SupervisionPlan {
    const program = join(folder, 'supervisor.sh');
    writeFileSync(program, `#!/bin/sh\n${script}\n`);
    chmodSync(program, 0o700);
    const paths = { maskFile: '/a.mask', runtimeFolder: folder };
    return { program, ...paths, stopped: [readProcess(pid)?.ownPid ?? 0], isFromStart: true };
  }

  /** --pid-file is the third option. */
  const READY = `echo "$@" > ${'$0'}.said; echo $$ > "$7"; sleep 0.2`;

  test('are all stopped before CRIU lets go', async () => {
    await takeStep('stop', { supervision: plan }, pid);
    await expect.poll(states).toEqual(['T', 'T', 'T']);
  });

  test('go on without a mask, but for who was stopped before the dump', async () => {
    await takeStep('stop', { supervision: plan }, pid);
    await expect.poll(states).toEqual(['T', 'T', 'T']);
    await takeStep('continue', { stopped: [readProcess(pid)?.ownPid ?? 0] }, pid);
    await expect.poll(states).toEqual(['T', 'S', 'S']);
  });

  test('are given to the supervisor, who stays stopped among it', async () => {
    const supervision = supervisor(READY);
    const remark = await takeStep('adopt', { supervision }, pid);
    // They share the cgroup of these tests, which is not to come under a mask.
    expect(remark).toMatch(/cgroup/);
    const said = readFileSync(`${supervision.program}.said`, 'utf8').trim().split(' ');
    expect(said).toEqual([
      ...['adopt', '--mask', '/a.mask', '--runtime-dir', folder],
      ...['--pid-file', join(folder, `ready-${process.pid}`)],
      ...['--from-start', '--pid', `${pid}`, '--keep-stopped', `${pid}`],
    ]);
    expect(listTree(pid)).toHaveLength(3);
  });

  test('are killed where the supervisor fails', async () => {
    const adopt = takeStep('adopt', { supervision: supervisor('exit 125') }, pid);
    await expect(adopt).rejects.toThrow(/status 125 before all tasks were armed; all are killed/);
    await expect.poll(() => states().filter((state) => state !== 'Z')).toEqual([]);
  });

  test('that are gone are no bug', async () => {
    const adopt = takeStep('adopt', { supervision: supervisor(READY) }, 2 ** 22 + 1);
    await expect(adopt).rejects.toThrow(/is gone already/);
  });

  test('are noted from one stage to the next, by CRIU', () => {
    const note: RestoreNote = { supervision: supervisor(READY), stopped: [4] };
    const criu = { pid: 30, started: 7n };
    writeNote(folder, process.getuid?.() ?? 0, criu, note);
    expect(readNote(folder, criu)).toEqual(note);
    expect(readNote(folder, { ...criu, pid: 31 })).toEqual({});
    // A later process with its number.
    expect(readNote(folder, { ...criu, started: 8n })).toEqual({});
    removeNote(folder, criu);
    expect(readNote(folder, criu)).toEqual({});
  });
});
