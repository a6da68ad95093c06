/** What /proc tells of processes. They come and go: what is gone is undefined, not an error. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { InputError } from '../model/errors.js';

export interface ProcessStatus {
  readonly pid: number;
  /** The number that the process itself sees, in the innermost PID namespace: CRIU's images have it. */
  readonly ownPid: number;
  readonly parent: number;
  readonly name: string;
  /** R, S, D, T (stopped), t (held by a tracer), Z … */
  readonly state: string;
  /** 0: nobody. */
  readonly tracer: number;
  readonly threads: number;
  /** Clock ticks since boot; with the PID it names a process for good. */
  readonly started: bigint;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
}

export function readProcess(pid: number): ProcessStatus | undefined {
  const status = readText(`/proc/${pid}/status`);
  const stat = readText(`/proc/${pid}/stat`);
  if (status === undefined || stat === undefined) return undefined;
  const field = (name: string) => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1] ?? '';
  // The name, in parentheses, may hold anything; 22 fields are counted from its end.
  const started = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  if (started === undefined) return undefined;
  return {
    pid,
    ownPid: Number(field('NSpid').split(/\s+/).at(-1) || pid),
    parent: Number(field('PPid')),
    name: field('Name'),
    state: field('State').slice(0, 1),
    tracer: Number(field('TracerPid')),
    threads: Number(field('Threads')),
    started: BigInt(started),
  };
}

/** Words apart by NUL; empty where it is gone. */
export function commandLineOf(pid: number): string {
  return readText(`/proc/${pid}/cmdline`) ?? '';
}

/** Throws InputError where processes can't be looked at. Other systems than Linux are refused for that. */
export function requireProc(folder = '/proc'): void {
  if (process.platform !== 'linux' || existsSync(`${folder}/self/stat`)) return;
  throw new InputError('no-proc', `${folder} is not mounted here`, {
    remedy:
      'Tasks are found and looked at there: mount -t proc proc /proc, or give the container its /proc.',
  });
}

/** The parent, its parent and so on. */
export function ancestorsOf(pid: number): number[] {
  const ancestors: number[] = [];
  for (
    let parent = readProcess(pid)?.parent ?? 0;
    parent > 0 && !ancestors.includes(parent);
    parent = readProcess(parent)?.parent ?? 0
  )
    ancestors.push(parent);
  return ancestors;
}

export function listProcesses(): ProcessStatus[] {
  return readdirSync('/proc')
    .filter((name) => /^[0-9]+$/.test(name))
    .map((name) => readProcess(Number(name)))
    .filter((one) => one !== undefined);
}

/** A process and all that descend from it, parents first. */
export function listTree(root: number): ProcessStatus[] {
  const everything = listProcesses();
  const tree = everything.filter((one) => one.pid === root);
  for (const member of tree)
    tree.push(...everything.filter((one) => one.parent === member.pid && one.pid !== root));
  return tree;
}

/** A process whose first thread alone has ended is shown as a zombie, too. */
export function hasEnded({ state, threads }: Pick<ProcessStatus, 'state' | 'threads'>): boolean {
  return state === 'X' || (state === 'Z' && threads <= 1);
}

/** The tree without zombies, which run nothing. */
export function listLiving(root: number): ProcessStatus[] {
  return listTree(root).filter((one) => !hasEnded(one));
}

/** Its number. `what`: how it is called in the message. Throws InputError where it has ended. */
export function livingProcess(pid: number, what: string): number {
  const found = readProcess(pid);
  if (found !== undefined && !hasEnded(found)) return pid;
  throw new InputError('no-such-process', `${what} is gone: there is no process ${pid}`, {
    remedy: 'It ended before it could be looked at; what started it says why.',
  });
}

export function isAlive(process: Pick<ProcessStatus, 'pid' | 'started'>): boolean {
  const now = readProcess(process.pid);
  return now !== undefined && now.started === process.started && now.state !== 'Z';
}

/** False: it is gone, or may not be signalled. */
export function signalProcess(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}
