/**
 * What happens around a restore that an engine runs, called by CRIU at its stages.
 *
 * pre-restore: the gate; a non-zero exit status aborts. What the later stages need is put down.
 * pre-resume: CRIU holds every thread, its registers final. SIGSTOP to each process does what
 * --leave-stopped does: it is pending when CRIU lets go.
 * post-resume: CRIU has let go, all threads are stopped. The supervisor adopts them.
 * CRIU only logs what fails in the last two: then the tasks are killed here.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../model/errors.js';
import { listTree, signalProcess } from './processes.js';
import { openRuntimeFolder } from './runtime-folder.js';
import { type SupervisionPlan, superviseTree } from './supervise.js';

/** `criu`: the process whose stages these are. */
function noteOf(folder: string, criu: number): string {
  return join(folder, `restore-${criu}.json`);
}

export function noteSupervision(folder: string, uid: number, criu: number, plan: SupervisionPlan) {
  openRuntimeFolder(folder, uid);
  writeFileSync(noteOf(folder, criu), JSON.stringify(plan), { mode: 0o600 });
}

export function forgetSupervision(folder: string, criu: number): void {
  rmSync(noteOf(folder, criu), { force: true });
}

/** Undefined: no mask was asked for. */
export function recallSupervision(folder: string, criu: number): SupervisionPlan | undefined {
  try {
    return JSON.parse(readFileSync(noteOf(folder, criu), 'utf8')) as SupervisionPlan;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function killTree(root: number): void {
  for (const { pid } of listTree(root)) signalProcess(pid, 'SIGKILL');
}

export function stopTree(root: number): void {
  const tree = listTree(root);
  if (tree.every(({ pid }) => signalProcess(pid, 'SIGSTOP'))) return;
  killTree(root);
  throw new InputError('restore-failed', 'a restored process could not be stopped; all are killed');
}

/** Of cgroup v2, below the mount point; undefined: the root, or another hierarchy. */
export function cgroupOf(pid: number): string | undefined {
  const path = /^0::(\/.+)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, 'latin1'))?.[1];
  return path === undefined ? undefined : `/sys/fs/cgroup${path}`;
}

export async function adoptTree(plan: SupervisionPlan, root: number): Promise<void> {
  const supervisor = await superviseTree(plan, root, true);
  if (typeof supervisor !== 'number') {
    supervisor.release();
    return;
  }
  killTree(root);
  throw new InputError(
    'restore-failed',
    `the supervisor ended with status ${supervisor} before all tasks were armed; all are killed`,
  );
}
