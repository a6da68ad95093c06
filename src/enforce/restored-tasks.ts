/**
 * Finds the processes that a restore has made, finished or not, and whoever their parent is by now:
 * by their number in the images, the time of their start, and their name.
 */
import { setTimeout as delay } from 'node:timers/promises';
import {
  listProcesses,
  listTree,
  type ProcessStatus,
  readProcess,
  signalProcess,
} from './processes.js';

/** What tells restored processes from others. */
export interface RestoredMark {
  /** A process that was started before the restore: only later ones count. */
  readonly since: bigint;
  readonly processes: readonly { readonly pid: number; readonly comm: string }[];
}

/** As of now: for what is restored from here on. */
export function markRestore(
  processes: readonly { readonly pid: number; readonly comm: string }[],
): RestoredMark {
  const { started } = startedNow();
  return { since: started, processes: processes.map(({ pid, comm }) => ({ pid, comm })) };
}

/** This process was started before anything that it will start. */
function startedNow(): ProcessStatus {
  const self = readProcess(process.pid);
  if (self === undefined) throw new Error('/proc is not mounted');
  return self;
}

/** A task that isn't finished still has CRIU's name. */
const UNFINISHED = 'criu';

export function findRestored(mark: RestoredMark): ProcessStatus[] {
  const wanted = new Map(mark.processes.map(({ pid, comm }) => [pid, comm]));
  return listProcesses().filter((one) => {
    const comm = wanted.get(one.ownPid);
    if (comm === undefined || one.started < mark.since || one.state === 'Z') return false;
    return one.name === comm || one.name === UNFINISHED;
  });
}

/** Until none is left, for tasks that are still being made: at most `seconds`. True: none is left. */
export async function killRestored(mark: RestoredMark, seconds = 10): Promise<boolean> {
  for (let round = 0, empty = 0; round < seconds * 20; round++) {
    const found = findRestored(mark);
    for (const one of found) signalProcess(one.pid, 'SIGKILL');
    empty = found.length === 0 ? empty + 1 : 0;
    if (empty === 2) return true;
    await delay(50);
  }
  return false;
}

/** Who goes on after a dump that had stopped them all. `stopped`: who was so before, by the images' numbers. */
export function toContinue<T extends Pick<ProcessStatus, 'ownPid' | 'state'>>(
  tree: readonly T[],
  stopped: readonly number[],
): T[] {
  return tree.filter(({ ownPid, state }) => state === 'T' && !stopped.includes(ownPid));
}

/** Of tasks that come back without a mask: no supervisor does it. */
export function continueTree(root: number, stopped: readonly number[]): void {
  for (const { pid } of toContinue(listTree(root), stopped)) signalProcess(pid, 'SIGCONT');
}
