/** Starts the supervisor of a tree that was restored and left stopped. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { withLog } from './background.js';
import { listTree } from './processes.js';
import { FROM_START } from './supervisor-control.js';

export interface SupervisionPlan {
  readonly program: string;
  readonly maskFile: string;
  readonly runtimeFolder: string;
  /** By the images' numbers: who was stopped at the dump stays so. */
  readonly stopped: readonly number[];
  /** Whether they were under this mask, or one that shows no more, all their life. */
  readonly isFromStart: boolean;
  /** cgroup whose later comers are found and armed, too. */
  readonly cgroup?: string;
}

export interface Supervisor {
  readonly pid: number;
  /** Its exit status; 137: killed. */
  readonly ended: Promise<number>;
  /** Lets this process end before it. */
  release(): void;
}

function adoptArguments(plan: SupervisionPlan, root: number, ready: string): string[] {
  const stopped = listTree(root).filter(({ ownPid }) => plan.stopped.includes(ownPid));
  return [
    ...['adopt', '--mask', plan.maskFile, '--runtime-dir', plan.runtimeFolder],
    ...['--pid-file', ready, '--pid', `${root}`],
    ...(plan.cgroup === undefined ? [] : ['--cgroup', plan.cgroup]),
    ...stopped.flatMap(({ pid }) => ['--keep-stopped', `${pid}`]),
  ];
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
  const ready = join(
    plan.runtimeFolder,
    `${plan.isFromStart ? FROM_START : 'attached-'}${process.pid}`,
  );
  rmSync(ready, { force: true });
  const child = start(plan, adoptArguments(plan, root, ready), isBackground);
  const ended = new Promise<number>((resolve) => {
    child.on('error', () => resolve(127));
    child.on('exit', (status) => resolve(status ?? 137));
  });
  const isReady = await becomesReady(ended, ready);
  rmSync(ready, { force: true });
  if (!isReady || child.pid === undefined) return ended;
  return { pid: child.pid, ended, release: () => child.unref() };
}
