/** What /proc tells of processes. They come and go: what is gone is undefined, not an error. */
import { readdirSync, readFileSync } from 'node:fs';

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
    started: BigInt(started),
  };
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
