/** cgroups (version 2) of tasks, and whether their later comers can be put under a mask. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ancestorsOf } from './processes.js';

const MOUNT = '/sys/fs/cgroup';

/** Of the text of /proc/PID/cgroup; undefined: the root, or only other hierarchies. */
export function cgroupIn(text: string): string | undefined {
  return /^0::(\/.+)$/m.exec(text)?.[1];
}

function readOrNothing(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

export type CgroupChoice =
  | { readonly watched: string }
  /** Why only the tree of processes is held. */
  | { readonly watched: undefined; readonly why: string };

function isWithin(path: string, cgroup: string): boolean {
  return path === cgroup || path.startsWith(`${cgroup}/`);
}

/**
 * Everything in a watched cgroup comes under the mask: it mustn't be one that the container shares with the
 * engine. `cgroup`: the container's; `engine`: those of whoever started it. Pure.
 */
export function chooseCgroup(
  cgroup: string | undefined,
  engine: readonly { readonly pid: number; readonly cgroup: string | undefined }[],
): CgroupChoice {
  const none = (why: string) => ({ watched: undefined, why });
  if (cgroup === undefined) return none('the container has no cgroup (version 2) of its own');
  // As it is shown where it lies outside of this process' cgroup namespace.
  if (cgroup.split('/').includes('..'))
    return none(`the container's cgroup ${cgroup} lies outside of this cgroup namespace`);
  const sharer = engine.find((one) => one.cgroup !== undefined && isWithin(one.cgroup, cgroup));
  return sharer === undefined
    ? { watched: cgroup }
    : none(`the container's cgroup ${cgroup} holds process ${sharer.pid}, which started it, too`);
}

/** The folder of the cgroup that a container has to itself. `starter`: the process that its engine has called. */
export function cgroupToWatch(container: number, starter = process.pid): CgroupChoice {
  const cgroupOf = (pid: number) => cgroupIn(readOrNothing(`/proc/${pid}/cgroup`));
  const engine = [starter, ...ancestorsOf(starter)].map((pid) => ({ pid, cgroup: cgroupOf(pid) }));
  const choice = chooseCgroup(cgroupOf(container), engine);
  if (choice.watched === undefined) return choice;
  const folder = join(MOUNT, choice.watched);
  return existsSync(join(folder, 'cgroup.procs'))
    ? { watched: folder }
    : { watched: undefined, why: `there is no ${folder}` };
}

/** All processes in a cgroup's folder and below; none where it isn't one. */
export function processesInCgroup(folder: string): number[] {
  const own = readOrNothing(join(folder, 'cgroup.procs')).split('\n').filter(Boolean).map(Number);
  try {
    const below = readdirSync(folder, { withFileTypes: true }).filter((one) => one.isDirectory());
    return own.concat(...below.map(({ name }) => processesInCgroup(join(folder, name))));
  } catch {
    return own;
  }
}
