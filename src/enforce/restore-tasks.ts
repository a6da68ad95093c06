/**
 * A restore that leaves either all tasks, each armed before its first instruction, or none.
 *
 * CRIU restores and leaves every thread stopped where it was (--leave-stopped: SIGSTOP is pending when
 * CRIU lets go, and no instruction runs before it takes effect). The supervisor seizes and arms all of
 * them, then continues those that weren't stopped at the dump. A guard stands by until then.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../model/errors.js';
import type { ImageFolder, Repair } from '../model/image-folder.js';
import { supervisorLog } from './background.js';
import { startCriu } from './criu.js';
import { restoreArguments } from './criu-options.js';
import { repairTasks } from './repair-tasks.js';
import { type Guard, startGuard } from './restore-guard.js';
import {
  continueTree,
  findRestored,
  killRestored,
  markRestore,
  type RestoredMark,
} from './restored-tasks.js';
import { type SupervisionPlan, type Supervisor, superviseTree } from './supervise.js';

export interface RestorePlan {
  readonly images: ImageFolder;
  readonly criuArguments: readonly string[];
  /** Undefined: the tasks come back without a mask; unless they are repaired, CRIU lets them run. */
  readonly supervision: SupervisionPlan | undefined;
  /** What of glibc's is made larger before a task runs, and by which program. */
  readonly repair: { readonly program: string; readonly repairs: readonly Repair[] } | undefined;
  /** Who stays stopped, by the images' numbers. */
  readonly stopped: readonly number[] | undefined;
  /** What runs guardRestore. */
  readonly guardCommand: readonly string[];
  readonly isBackground: boolean;
  /** CRIU's logs go to a folder below it. */
  readonly runtimeFolder: string;
}

export interface Restored {
  /** Of the root, on this host. */
  readonly root: number;
  readonly supervisor: Supervisor | undefined;
}

/** The message names the step. */
class StepFailure extends Error {}

function workFolder(runtimeFolder: string): string {
  const folder = join(runtimeFolder, 'criu');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return folder;
}

function isLeftStopped({ supervision, repair }: RestorePlan): boolean {
  return supervision !== undefined || repair !== undefined;
}

async function runCriu(plan: RestorePlan, guard: Guard): Promise<void> {
  const criu = startCriu(
    restoreArguments({
      images: plan.images.name,
      leavesStopped: isLeftStopped(plan),
      workFolder: workFolder(plan.runtimeFolder),
      given: plan.criuArguments,
    }),
  );
  guard.watch(criu.pid);
  const status = await criu.ended;
  if (status !== 0) throw new StepFailure(`"CRIU": criu restore ended with status ${status}`);
}

/** The root's number, after all processes of the images are there. */
function checkTree(plan: RestorePlan, mark: RestoredMark): number {
  const { images } = plan;
  const found = findRestored(mark);
  const root = found.find((one) => one.ownPid === images.rootPid);
  const missing = images.processes.filter(
    ({ isAlive, pid }) => isAlive && !found.some(({ ownPid }) => ownPid === pid),
  );
  // Those that weren't left stopped run already, and may have ended.
  if (root === undefined || (isLeftStopped(plan) && missing.length > 0))
    throw new StepFailure('"CRIU": it reported success, but not all processes are there');
  return root.pid;
}

async function repairAll({ repair }: RestorePlan, mark: RestoredMark): Promise<void> {
  if (repair === undefined) return;
  const failed = await repairTasks(repair.program, repair.repairs, findRestored(mark));
  if (failed !== undefined) throw new StepFailure(`"repair": ${failed}`);
}

async function supervise(plan: RestorePlan, root: number): Promise<Supervisor | undefined> {
  if (plan.supervision === undefined) return undefined;
  const supervisor = await superviseTree(plan.supervision, root, plan.isBackground);
  if (typeof supervisor !== 'number') return supervisor;
  const where = plan.isBackground ? ` (see ${supervisorLog(plan.runtimeFolder)})` : '';
  throw new StepFailure(
    `"supervisor": it ended with status ${supervisor} before all tasks were armed${where}`,
  );
}

async function describeFailure(cause: StepFailure, isClean: boolean, mark: RestoredMark) {
  const left = findRestored(mark).map(({ pid }) => pid);
  return new InputError('restore-failed', `the restore failed at the step ${cause.message}`, {
    remedy: isClean
      ? 'None of its tasks is left running, and the images are unchanged.'
      : `These restored processes could not be killed: ${left.join(', ')}.`,
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
    await repairAll(plan, mark);
    const supervisor = await supervise(plan, root);
    const stopped = plan.repair === undefined ? plan.images.record?.stopped : plan.stopped;
    if (supervisor === undefined && stopped !== undefined) continueTree(root, stopped);
    return { root, supervisor };
  } catch (cause) {
    const isClean = await killRestored(mark);
    throw cause instanceof StepFailure ? await describeFailure(cause, isClean, mark) : cause;
  } finally {
    guard.dismiss();
  }
}
