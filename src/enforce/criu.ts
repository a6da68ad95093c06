/** CRIU as a program: which one, and what it ended with. */
import { execFileSync, spawn } from 'node:child_process';
import { InputError } from '../model/errors.js';
import { descriptorsIn } from './criu-options.js';

/** "3.17.1", of the CRIU on PATH. Throws InputError where there is none. */
export function criuVersion(): string {
  try {
    const said = execFileSync('criu', ['--version'], { stdio: ['ignore', 'pipe', 'ignore'] });
    const version = /^Version:\s*([0-9A-Za-z.+~-]{1,60})$/m.exec(said.toString())?.[1];
    if (version !== undefined) return version;
  } catch (cause) {
    throw new InputError('no-criu', 'criu is not on PATH or does not run', {
      remedy: 'Install CRIU (Debian: apt-get install criu).',
      cause,
    });
  }
  throw new InputError('no-criu', '"criu --version" prints no version');
}

export interface CriuRun {
  readonly pid: number;
  /** Exit status; killed by a signal: 128 and more, as shells have it. */
  readonly ended: Promise<number>;
}

const SIGNALS: Readonly<Record<string, number>> = { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 };

/** Its output goes where ours goes. Node hands on no open files but those that it is told. */
export function startCriu(args: readonly string[], environment: NodeJS.ProcessEnv = {}): CriuRun {
  const stdio: ('inherit' | 'ignore' | number)[] = ['inherit', 'inherit', 'inherit'];
  for (const descriptor of descriptorsIn(args)) {
    while (stdio.length < descriptor) stdio.push('ignore');
    stdio[descriptor] = descriptor;
  }
  const child = spawn('criu', args, { stdio, env: { ...process.env, ...environment } });
  const ended = new Promise<number>((resolve) => {
    child.on('error', () => resolve(127));
    child.on('exit', (status, signal) => resolve(status ?? 128 + (SIGNALS[signal ?? ''] ?? 6)));
  });
  return { pid: child.pid ?? 0, ended };
}
