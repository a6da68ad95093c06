/**
 * cgroups of tasks, and whether their later comers can be put under a mask. Hosts have the one hierarchy of
 * version 2, those of version 1, each with its controllers, or both ("hybrid": version 2 is mounted below).
 * Source: Linux, cgroups(7), proc_pid_mountinfo(5).
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ancestorsOf } from './processes.js';

/** A controller of version 1; the empty one stands for version 2, as in /proc/PID/cgroup. */
export type Hierarchy = '' | 'freezer' | 'pids' | 'memory';

/** Engines give a container a cgroup of its own in each that they use; these are asked in turn. */
const HIERARCHIES: readonly Hierarchy[] = ['', 'freezer', 'pids', 'memory'];

/** Of the text of /proc/PID/cgroup; undefined: the root, or none in that hierarchy. */
export function cgroupIn(text: string, hierarchy: Hierarchy = ''): string | undefined {
  for (const line of text.split('\n')) {
    const [, controllers = '', path] = /^\d+:([^:]*):(\/.+)$/.exec(line) ?? [];
    if (path !== undefined && controllers.split(',').includes(hierarchy)) return path;
  }
  return undefined;
}

export interface CgroupMount {
  readonly point: string;
  /** The cgroup that is seen at the point; "/" but in containers. */
  readonly root: string;
}

/** Spaces and the like are written as octal numbers there. */
function unescaped(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, digits) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}

/** Where a hierarchy is mounted, of the text of /proc/self/mountinfo. */
export function cgroupMountsIn(mountinfo: string, hierarchy: Hierarchy): CgroupMount[] {
  const type = hierarchy === '' ? 'cgroup2' : 'cgroup';
  return mountinfo.split('\n').flatMap((line) => {
    const [before = '', after = ''] = line.split(' - ');
    const [, , , root, point] = before.split(' ');
    const [found, , options = ''] = after.split(' ');
    const isMeant = hierarchy === '' || options.split(',').includes(hierarchy);
    if (found !== type || !isMeant || root === undefined || point === undefined) return [];
    return [{ root: unescaped(root), point: unescaped(point) }];
  });
}

/** The folder that shows a cgroup; undefined: no mount does. */
export function cgroupFolder(cgroup: string, mounts: readonly CgroupMount[]): string | undefined {
  const mount = mounts.find(({ root }) => root === '/' || isWithin(cgroup, root));
  if (mount === undefined) return undefined;
  return join(mount.point, mount.root === '/' ? cgroup : cgroup.slice(mount.root.length));
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
  if (cgroup === undefined) return none('the container has no cgroup of its own');
  // As it is shown where it lies outside of this process' cgroup namespace.
  if (cgroup.split('/').includes('..'))
    return none(`the container's cgroup ${cgroup} lies outside of this cgroup namespace`);
  const sharer = engine.find((one) => one.cgroup !== undefined && isWithin(one.cgroup, cgroup));
  return sharer === undefined
    ? { watched: cgroup }
    : none(`the container's cgroup ${cgroup} holds process ${sharer.pid}, which started it, too`);
}

/** What a container and who started it are in, by the text of their /proc/PID/cgroup, and what is mounted. */
export interface CgroupFacts {
  readonly container: string;
  readonly engine: readonly { readonly pid: number; readonly text: string }[];
  readonly mountinfo: string;
}

function chooseIn(
  hierarchy: Hierarchy,
  { container, engine, mountinfo }: CgroupFacts,
): CgroupChoice {
  const choice = chooseCgroup(
    cgroupIn(container, hierarchy),
    engine.map(({ pid, text }) => ({ pid, cgroup: cgroupIn(text, hierarchy) })),
  );
  if (choice.watched === undefined) return choice;
  const folder = cgroupFolder(choice.watched, cgroupMountsIn(mountinfo, hierarchy));
  if (folder !== undefined) return { watched: folder };
  return { watched: undefined, why: `no mount shows the container's cgroup ${choice.watched}` };
}

/** The folder of the first cgroup that a container has to itself. Pure but for `exists`. */
export function chooseFolder(facts: CgroupFacts, exists: (file: string) => boolean): CgroupChoice {
  const choices = HIERARCHIES.filter(
    (hierarchy) => cgroupIn(facts.container, hierarchy) !== undefined,
  ).map((hierarchy): CgroupChoice => {
    const choice = chooseIn(hierarchy, facts);
    if (choice.watched === undefined || exists(join(choice.watched, 'cgroup.procs'))) return choice;
    return { watched: undefined, why: `there is no ${choice.watched}` };
  });
  return (
    choices.find(({ watched }) => watched !== undefined) ??
    choices[0] ?? { watched: undefined, why: 'the container has no cgroup of its own' }
  );
}

/** `starter`: the process that the container's engine has called. */
export function cgroupToWatch(container: number, starter = process.pid): CgroupChoice {
  const textOf = (pid: number) => readOrNothing(`/proc/${pid}/cgroup`);
  const engine = [starter, ...ancestorsOf(starter)].map((pid) => ({ pid, text: textOf(pid) }));
  const mountinfo = readOrNothing('/proc/self/mountinfo');
  return chooseFolder({ container: textOf(container), engine, mountinfo }, existsSync);
}

/** A process's cgroup of version 1 that engines freeze for a dump; undefined: none but the root. */
export function freezerOf(pid: number): string | undefined {
  return cgroupIn(readOrNothing(`/proc/${pid}/cgroup`), 'freezer');
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
