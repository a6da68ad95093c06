/** CRIU as a program: which one, with which arguments, and what it ended with. */
import { execFileSync, spawn } from 'node:child_process';
import { InputError } from '../model/errors.js';

/** Short and long name of an option that cpugate itself gives, and why the user can't. */
export interface OwnOption {
  readonly short?: string;
  readonly long: string;
  readonly why: string;
}

const IMAGES: OwnOption = { short: 'D', long: 'images-dir', why: 'cpugate takes it as --images' };
const STOPPED: OwnOption = {
  short: 's',
  long: 'leave-stopped',
  why: 'cpugate stops and continues tasks under a mask itself',
};

export const OWN_DUMP_OPTIONS: readonly OwnOption[] = [IMAGES, STOPPED];

export const OWN_RESTORE_OPTIONS: readonly OwnOption[] = [
  IMAGES,
  STOPPED,
  { long: 'cpu-cap', why: 'cpugate itself decides whether the CPU suffices' },
  { short: 'd', long: 'restore-detached', why: 'CRIU ends when all tasks are restored anyway' },
  { short: 'S', long: 'restore-sibling', why: 'the supervisor learns how the tasks end' },
  { long: 'exec-cmd', why: 'the supervisor runs once the tasks are restored' },
];

/** As getopt_long reads them: a long name may be cut short where that is clear. */
function means(argument: string, option: OwnOption): boolean {
  if (argument.startsWith('--')) {
    const [name = ''] = argument.slice(2).split('=', 1);
    return name.length >= 3 && option.long.startsWith(name);
  }
  return option.short !== undefined && argument.startsWith(`-${option.short}`);
}

/** Throws InputError for an option that is cpugate's. */
export function refuseOwnOptions(args: readonly string[], own: readonly OwnOption[]): void {
  for (const argument of args) {
    const option = own.find((one) => means(argument, one));
    if (option !== undefined)
      throw new InputError('usage', `${argument} can't be passed to CRIU: ${option.why}`, {
        remedy: 'Leave it out.',
      });
  }
}

/** Whether the user says where logs and statistics go. */
export function namesWorkFolder(args: readonly string[]): boolean {
  return args.some((one) => means(one, { short: 'W', long: 'work-dir', why: '' }));
}

/** -t PID, -tPID, --tree PID, --tree=PID. */
export function treeOf(args: readonly string[]): number {
  const tree: OwnOption = { short: 't', long: 'tree', why: '' };
  const place = args.findLastIndex((argument) => means(argument, tree));
  const given = /^(?:--[a-z]+=|-t)([0-9]+)$/.exec(args[place] ?? '')?.[1] ?? args[place + 1] ?? '';
  const pid = Number(given);
  if (place >= 0 && Number.isSafeInteger(pid) && pid > 1) return pid;
  throw new InputError('usage', 'the tasks to dump are missing', {
    remedy: 'For example: cpugate dump --images DIR -- --tree PID --shell-job',
  });
}

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

/** Its output goes where ours goes. */
export function startCriu(args: readonly string[], environment: NodeJS.ProcessEnv = {}): CriuRun {
  const child = spawn('criu', args, {
    stdio: ['inherit', 'inherit', 'inherit'],
    env: { ...process.env, ...environment },
  });
  const ended = new Promise<number>((resolve) => {
    child.on('error', () => resolve(127));
    child.on('exit', (status, signal) => resolve(status ?? 128 + (SIGNALS[signal ?? ''] ?? 6)));
  });
  return { pid: child.pid ?? 0, ended };
}
