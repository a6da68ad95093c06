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
import { cgroupToWatch } from './cgroups.js';
import { listTree, type ProcessStatus, readProcess, signalProcess } from './processes.js';
import { continueTree } from './restored-tasks.js';
import { openRuntimeFolder } from './runtime-folder.js';
import { type SupervisionPlan, superviseTree } from './supervise.js';

/** What the stages after the gate do. */
export interface RestoreNote {
  /** Undefined: no mask was asked for. */
  readonly supervision?: SupervisionPlan | undefined;
  /** Of tasks that were stopped for their dump: who was so before. */
  readonly stopped?: readonly number[] | undefined;
}

export type Step = 'stop' | 'adopt' | 'continue';

/** Undefined: nothing to do. Pure. */
export function stepAt(
  stage: 'pre-resume' | 'post-resume',
  { supervision, stopped }: RestoreNote,
): Step | undefined {
  if (supervision !== undefined) return stage === 'pre-resume' ? 'stop' : 'adopt';
  return stage === 'post-resume' && stopped !== undefined ? 'continue' : undefined;
}

/** The process whose stages these are: its number alone may be another's by now. */
export type Criu = Pick<ProcessStatus, 'pid' | 'started'>;

/** Who calls this program: CRIU, or process 1 where CRIU has ended. */
export function callingCriu(): Criu {
  const pid = process.ppid;
  return readProcess(pid) ?? { pid, started: 0n };
}

export function noteFile(folder: string, { pid, started }: Criu): string {
  return join(folder, `restore-${pid}-${started}.json`);
}

export function writeNote(folder: string, uid: number, criu: Criu, note: RestoreNote): void {
  openRuntimeFolder(folder, uid);
  writeFileSync(noteFile(folder, criu), JSON.stringify(note), { mode: 0o600 });
}

export function removeNote(folder: string, criu: Criu): void {
  rmSync(noteFile(folder, criu), { force: true });
}

/** Empty where none was written. */
export function readNote(folder: string, criu: Criu): RestoreNote {
  try {
    return JSON.parse(readFileSync(noteFile(folder, criu), 'utf8')) as RestoreNote;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
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

/** Gives why later comers of the tree's cgroup won't be found; undefined: they will. */
async function adoptTree(plan: SupervisionPlan, root: number): Promise<string | undefined> {
  const cgroup = cgroupToWatch(root);
  const supervisor = await superviseTree({ ...plan, cgroup: cgroup.watched }, root, true);
  if (typeof supervisor !== 'number') {
    supervisor.release();
    return cgroup.watched === undefined ? cgroup.why : undefined;
  }
  killTree(root);
  throw new InputError(
    'restore-failed',
    `the supervisor ended with status ${supervisor} before all tasks were armed; all are killed`,
  );
}

/** Gives a remark, if there is one to make. */
export async function takeStep(
  step: Step | undefined,
  { supervision, stopped }: RestoreNote,
  root: number,
): Promise<string | undefined> {
  if (step === 'stop') stopTree(root);
  if (step === 'continue' && stopped !== undefined) continueTree(root, stopped);
  return step === 'adopt' && supervision !== undefined ? adoptTree(supervision, root) : undefined;
}
