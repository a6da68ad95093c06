/**
 * A second process that lives as long as a restore isn't finished: where cpugate itself is killed
 * meanwhile, the guard ends CRIU and what it has restored. It is told by lines on its standard input
 * what to look for; the input's end without "done" means that cpugate is gone.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { isAlive, type ProcessStatus, readProcess, signalProcess } from './processes.js';
import { killRestored, type RestoredMark } from './restored-tasks.js';

type Line =
  | { readonly mark: { readonly since: string; readonly processes: RestoredMark['processes'] } }
  | { readonly kill: { readonly pid: number; readonly started: string } }
  | { readonly done: true };

/** The guard's own program. */
export async function guardRestore(): Promise<void> {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
  let mark: RestoredMark | undefined;
  let criu: Pick<ProcessStatus, 'pid' | 'started'> | undefined;
  process.stdout.write('up\n');
  for await (const text of createInterface({ input: process.stdin })) {
    const line = JSON.parse(text) as Line;
    if ('done' in line) return;
    if ('mark' in line) mark = { ...line.mark, since: BigInt(line.mark.since) };
    else criu = { pid: line.kill.pid, started: BigInt(line.kill.started) };
  }
  if (criu !== undefined && isAlive(criu)) signalProcess(criu.pid, 'SIGKILL');
  if (mark !== undefined) await killRestored(mark);
}

export interface Guard {
  /** Another process that mustn't outlive us. */
  watch(pid: number): void;
  dismiss(): void;
}

function say(child: ChildProcess, line: Line): void {
  child.stdin?.write(`${JSON.stringify(line)}\n`);
}

/** Resolves once the guard listens. `command`: what runs guardRestore. */
export async function startGuard(command: readonly string[], mark: RestoredMark): Promise<Guard> {
  const [program = '', ...args] = command;
  const child = spawn(program, args, { detached: true, stdio: ['pipe', 'pipe', 'ignore'] });
  child.stdin?.on('error', () => {});
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', () => reject(new Error('the guard ended at its start')));
    child.stdout?.once('data', () => resolve());
  });
  say(child, { mark: { since: `${mark.since}`, processes: mark.processes } });
  child.unref();
  return {
    watch: (pid) => {
      const found = readProcess(pid);
      if (found !== undefined) say(child, { kill: { pid, started: `${found.started}` } });
    },
    dismiss: () => {
      say(child, { done: true });
      child.stdin?.end();
    },
  };
}
