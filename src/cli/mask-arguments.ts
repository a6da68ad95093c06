/** What the commands that put tasks under a mask read from their arguments. */
import { UNAVAILABLE } from '../enforce/prepare.js';
import type { NamedBaseline } from '../enforce/recorded-mask.js';
import { defaultRuntimeFolder } from '../enforce/runtime-folder.js';
import { TRAPS, type Trap } from '../enforce/trap.js';
import { InputError } from '../model/errors.js';
import type { Arguments } from './arguments.js';

function usage(message: string, remedy: string): InputError {
  return new InputError('usage', message, { remedy });
}

function maskPathOf(args: Arguments): string {
  const path = args.text('mask');
  if (path === undefined)
    throw usage(
      '--mask BASELINE is missing',
      'Make one: cpugate baseline HOST... -o cluster.json.',
    );
  return path;
}

/** What --mask names, to be enforced. */
export async function maskOf(args: Arguments): Promise<NamedBaseline> {
  const { loadEnforcedMask } = await import('./load-baseline.js');
  return loadEnforcedMask(maskPathOf(args));
}

export function trapOf(args: Arguments): Trap {
  return TRAPS.find((trap) => trap === args.text('trap')) ?? 'faulting';
}

/** For tasks that run already. Throws InputError: what they execute now was there before anybody could watch it. */
export function refusePatching(args: Arguments, what: string): void {
  if (trapOf(args) !== 'patch') return;
  throw new InputError(UNAVAILABLE, `${what} can't be masked by patched code (--trap patch)`, {
    remedy:
      'It is for programs that "cpugate run" starts: their filter of system calls tells of code that is loaded ' +
      'later. Leave --trap out where CPUID faulting works.',
  });
}

export function ownUid(): number {
  return process.getuid?.() ?? 0;
}

export function runtimeFolderOf(args: Arguments): string {
  return args.text('runtime-dir') ?? defaultRuntimeFolder(ownUid(), process.env);
}

/** Process ids given with --pid. */
export function pidsOf(args: Arguments): string[] {
  for (const pid of args.list('pid'))
    if (!/^[1-9]\d{0,9}$/.test(pid)) throw usage(`--pid can't be "${pid}"`, 'It is a process id.');
  return [...args.list('pid')];
}

/** Options that the supervisor takes under the same name. */
export function passOn(args: Arguments, ...names: readonly string[]): string[] {
  return names.flatMap((name) => {
    const value = args.text(name);
    return value === undefined ? [] : [`--${name}`, value];
  });
}
