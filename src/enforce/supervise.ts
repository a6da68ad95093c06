/** Starts the supervisor of a tree that was restored and left stopped. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { InputError } from '../model/errors.js';
import { withLog } from './background.js';
import { listTree } from './processes.js';
import { type AdoptPlan, adoptArguments } from './supervisor-arguments.js';

/** How restored tasks are to be kept to their mask. */
export interface SupervisionPlan extends AdoptPlan {
  readonly program: string;
}

export interface Supervisor {
  readonly pid: number;
  /** Its exit status; 137: killed. */
  readonly ended: Promise<number>;
  /** Lets this process end before it. */
  release(): void;
}

/** It writes its pid file when everything is armed. False: it ended before. */
async function becomesReady(ended: Promise<number>, ready: string): Promise<boolean> {
  let isOver = false;
  ended.then(() => {
    isOver = true;
  });
  while (!existsSync(ready)) {
    if (isOver) return false;
    await delay(10);
  }
  return true;
}

function start(
  plan: SupervisionPlan,
  args: readonly string[],
  isBackground: boolean,
): ChildProcess {
  if (!isBackground) return spawn(plan.program, args, { stdio: 'inherit' });
  return withLog(plan.runtimeFolder, process.getuid?.() ?? 0, (stdio) =>
    spawn(plan.program, args, { detached: true, stdio }),
  );
}

/** Resolves once every thread of the tree is armed; a number: its exit status without that. */
export async function superviseTree(
  plan: SupervisionPlan,
  root: number,
  isBackground: boolean,
): Promise<Supervisor | number> {
  const ready = join(plan.runtimeFolder, `ready-${process.pid}`);
  rmSync(ready, { force: true });
  const tree = listTree(root);
  if (tree.length === 0)
    throw new InputError('restore-failed', `the restored process ${root} is gone already`);
  const child = start(plan, adoptArguments({ ...plan, pidFile: ready }, tree), isBackground);
  const ended = new Promise<number>((resolve) => {
    child.on('error', () => resolve(127));
    child.on('exit', (status) => resolve(status ?? 137));
  });
  const isReady = await becomesReady(ended, ready);
  rmSync(ready, { force: true });
  if (!isReady || child.pid === undefined) return ended;
  return { pid: child.pid, ended, release: () => child.unref() };
}
