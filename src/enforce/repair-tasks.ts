/**
 * Makes larger what glibc keeps in tasks that CRIU has restored and left stopped. Never the images: they
 * stay what they were for another host. The supervisor's program does it by ptrace, since what glibc keeps
 * is read-only to the task and, from Linux 6.12 on, often to /proc/PID/mem, too.
 */
import { execFile } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import type { Repair } from '../model/image-folder.js';
import { type ProcessStatus, readProcess } from './processes.js';
import { saidBySupervisor } from './supervisor.js';

/** ADDRESS:BEFORE:AFTER, as native/supervisor/options.cc has it. Pure. */
export function rewriteArguments(pid: number, { sizes }: Repair): string[] {
  const words = sizes.map(({ address, before, after }) =>
    [address, before, after].map((number) => number.toString(16)).join(':'),
  );
  return ['rewrite', '--pid', `${pid}`, ...words];
}

function rewrite(program: string, args: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(program, args, (error, _, stderr) =>
      resolve(error === null ? undefined : saidBySupervisor(stderr) || error.message),
    );
  });
}

/**
 * SIGSTOP is pending when CRIU lets go, and the stop is taken up again when ptrace does: no instruction
 * runs, but it takes a moment.
 */
async function isStopped(pid: number): Promise<boolean> {
  for (let turn = 0; turn < 200; turn++) {
    if (readProcess(pid)?.state === 'T') return true;
    await delay(10);
  }
  return false;
}

/**
 * Undefined: all is done, and was read back; else what failed, of one process. `restored` by the images'
 * numbers.
 */
export async function repairTasks(
  program: string,
  repairs: readonly Repair[],
  restored: readonly Pick<ProcessStatus, 'pid' | 'ownPid'>[],
): Promise<string | undefined> {
  for (const repair of repairs) {
    const task = restored.find(({ ownPid }) => ownPid === repair.pid);
    if (task === undefined) return `process ${repair.pid} of the images is not there`;
    if (!(await isStopped(task.pid))) return `process ${task.pid} does not stop`;
    const failed = await rewrite(program, rewriteArguments(task.pid, repair));
    if (failed !== undefined) return `process ${task.pid}: ${failed}`;
    // Who continues the tasks looks for those that are stopped.
    if (!(await isStopped(task.pid))) return `process ${task.pid} did not stay stopped`;
  }
  return undefined;
}
