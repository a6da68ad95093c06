/** A supervisor can't hold itself: tasks that it would descend from, or share a cgroup with, are refused. */
import { InputError } from '../model/errors.js';
import { processesInCgroup } from './cgroups.js';
import { ancestorsOf } from './processes.js';

export interface WantedTasks {
  readonly pids: readonly number[];
  readonly cgroups: readonly { readonly path: string; readonly processes: readonly number[] }[];
}

function refuse(what: string, remedy: string): never {
  throw new InputError('own-tree', what, { remedy });
}

/** `self`: this process; `ancestors`: its parent and so on. Pure but for what it throws. */
export function checkOwnTree(
  self: number,
  ancestors: readonly number[],
  { pids, cgroups }: WantedTasks,
): void {
  const pid = pids.find((one) => one === self || ancestors.includes(one));
  if (pid !== undefined)
    refuse(
      `cpugate itself was started by process ${pid}: its supervisor can't hold its own tree`,
      'Start it from outside of that tree, such as from another terminal or session.',
    );
  const shared = cgroups.find(({ processes }) => processes.includes(self));
  if (shared !== undefined)
    refuse(
      `cpugate itself is in the cgroup ${shared.path}: its supervisor can't hold its own cgroup`,
      'Start it from another cgroup, such as by systemd-run --scope.',
    );
}

export function refuseOwnTree(pids: readonly number[], cgroups: readonly string[]): void {
  checkOwnTree(process.pid, ancestorsOf(process.pid), {
    pids,
    cgroups: cgroups.map((path) => ({ path, processes: processesInCgroup(path) })),
  });
}
