/**
 * A restore that leaves either all tasks, each armed before its first instruction, or none.
 *
 * CRIU restores and leaves every thread stopped where it was (--leave-stopped: SIGSTOP is pending when
 * CRIU lets go, and no instruction runs before it takes effect). The supervisor seizes and arms all of
 * them, then continues those that weren't stopped at the dump. A guard stands by until then.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { InputError } from '../model/errors.js';
import type { ImageFolder } from '../model/image-folder.js';
import { startCriu } from './criu.js';
import type { ProcessStatus } from './processes.js';
import { type Guard, startGuard } from './restore-guard.js';
import { findRestored, killRestored, markRestore, type RestoredMark } from './restored-tasks.js';

export interface RestorePlan {
  readonly images: ImageFolder;
  readonly criuArguments: readonly string[];
  /** Undefined: the tasks come back without a mask, and CRIU lets them run. */
  readonly supervision:
    | {
        readonly program: string;
        readonly maskFile: string;
        readonly runtimeFolder: string;
        /** By the images' numbers: who was stopped stays so. */
        readonly stopped: readonly number[];
      }
    | undefined;
  readonly guardCommand: readonly string[];
  readonly isBackground: boolean;
}

export interface Restored {
  /** Of the root, on this host. */
  readonly root: number;
  readonly supervisor: number | undefined;
  /** The supervisor's exit status, once the tasks have ended. */
  readonly ended: Promise<number>;
}

class StepFailure extends Error {}

async function runCriu(plan: RestorePlan, guard: Guard): Promise<void> {
  const stopped = plan.supervision === undefined ? [] : ['--leave-stopped'];
  const criu = startCriu([
    ...['restore', '--images-dir', plan.images.name, '--restore-detached', '--cpu-cap=none'],
    ...stopped,
    ...plan.criuArguments,
  ]);
  guard.watch(criu.pid);
  const status = await criu.ended;
  if (status !== 0) throw new StepFailure(`CRIU: criu restore ended with status ${status}`);
}

/** The root, after all processes of the images are there. */
function checkTree(plan: RestorePlan, mark: RestoredMark): ProcessStatus {
  const found = findRestored(mark);
  const alive = plan.images.processes.filter((one) => one.isAlive);
  const root = found.find((one) => one.ownPid === plan.images.rootPid);
  const missing = alive.filter(({ pid }) => !found.some((one) => one.ownPid === pid));
  if (root === undefined || (plan.supervision !== undefined && missing.length > 0))
    throw new StepFailure('CRIU: it reported success, but not all processes are there');
  return root;
}

function adoptCommand(
  plan: RestorePlan,
  mark: RestoredMark,
  root: number,
  ready: string,
): string[] {
  const { supervision } = plan;
  if (supervision === undefined) return [];
  const stopped = findRestored(mark).filter(({ ownPid }) => supervision.stopped.includes(ownPid));
  return [
    ...['adopt', '--mask', supervision.maskFile, '--runtime-dir', supervision.runtimeFolder],
    ...['--pid-file', ready, '--pid', `${root}`],
    ...stopped.flatMap(({ pid }) => ['--keep-stopped', `${pid}`]),
  ];
}

/** Resolves when the supervisor has armed everything: it writes its pid file then. */
async function waitUntilReady(child: ChildProcess, ended: Promise<number>, ready: string) {
  let status: number | undefined;
  ended.then((value) => {
    status = value;
  });
  while (!existsSync(ready)) {
    if (status !== undefined)
      throw new StepFailure(
        `supervisor: it ended with status ${status} before all tasks were armed`,
      );
    await delay(10);
  }
  rmSync(ready, { force: true });
  if (child.pid === undefined) throw new StepFailure('supervisor: it could not be started');
}

function startSupervisor(program: string, args: readonly string[], isBackground: boolean) {
  const child = spawn(program, args, {
    detached: isBackground,
    stdio: [isBackground ? 'ignore' : 'inherit', 'inherit', 'inherit'],
  });
  const ended = new Promise<number>((resolve) => {
    child.on('error', () => resolve(127));
    child.on('exit', (status) => resolve(status ?? 137));
  });
  return { child, ended };
}

async function superviseTree(plan: RestorePlan, mark: RestoredMark, root: number) {
  const { supervision } = plan;
  if (supervision === undefined) return { supervisor: undefined, ended: Promise.resolve(0) };
  const ready = join(supervision.runtimeFolder, `restore-${process.pid}.ready`);
  rmSync(ready, { force: true });
  const args = adoptCommand(plan, mark, root, ready);
  const { child, ended } = startSupervisor(supervision.program, args, plan.isBackground);
  await waitUntilReady(child, ended, ready);
  if (plan.isBackground) child.unref();
  return { supervisor: child.pid, ended };
}

async function describeFailure(cause: StepFailure, mark: RestoredMark): Promise<InputError> {
  const isClean = await killRestored(mark);
  const left = findRestored(mark).map(({ pid }) => pid);
  return new InputError('restore-failed', `the restore failed at the step ${cause.message}`, {
    remedy: isClean
      ? 'None of its tasks is left, the images are as they were.'
      : `These processes of it could not be killed: ${left.join(', ')}.`,
    cause,
  });
}

/** Throws InputError where it failed; no task of it is left then. */
export async function restoreTasks(plan: RestorePlan): Promise<Restored> {
  const mark = markRestore(plan.images.processes);
  const guard = await startGuard(plan.guardCommand, mark);
  try {
    await runCriu(plan, guard);
    const root = checkTree(plan, mark);
    const { supervisor, ended } = await superviseTree(plan, mark, root.pid);
    return { root: root.pid, supervisor, ended };
  } catch (cause) {
    if (!(cause instanceof StepFailure)) await killRestored(mark);
    throw cause instanceof StepFailure ? await describeFailure(cause, mark) : cause;
  } finally {
    guard.dismiss();
  }
}
