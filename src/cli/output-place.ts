/** Where an output goes: into a file that is replaced, or into something that can only be written to. */
import {
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  type Stats,
  statSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { InputError } from '../model/errors.js';

export type OutputPlace =
  /** Of this process, open already. */
  | { readonly kind: 'descriptor'; readonly descriptor: number }
  /** Links are followed. `before`: what stands there. */
  | { readonly kind: 'file'; readonly path: string; readonly before: Stats | undefined }
  /** A pipe or a device: opened and written to. */
  | { readonly kind: 'stream'; readonly path: string };

/**
 * By name and not by opening them: a file opened again would be written from its beginning, and what
 * the shell's ">>" kept would be lost.
 */
const DESCRIPTORS: Readonly<Record<string, number>> = {
  '-': 1,
  '/dev/stdout': 1,
  '/dev/stderr': 2,
};
const NUMBERED = /^\/(?:dev|proc\/self)\/fd\/(\d{1,9})$/;

function descriptorOf(path: string): number | undefined {
  const number = NUMBERED.exec(path)?.[1];
  return number === undefined ? DESCRIPTORS[path] : Number(number);
}

/** O_ACCMODE of fcntl.h, of which 0 is O_RDONLY. */
const ACCESS_MODE = 0o3;

function isReader(descriptor: string): boolean {
  const flags = /^flags:\s*(\d+)/m.exec(
    readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8'),
  )?.[1];
  return (Number.parseInt(flags ?? '', 8) & ACCESS_MODE) === 0;
}

/**
 * Node.js keeps descriptors for itself, which the user knows nothing of and which crash it when they
 * are written to: kernel objects without a name, and pipes that this process reads itself.
 */
function isInternal(descriptor: number): boolean {
  if (descriptor < 3) return false;
  const folder = '/proc/self/fd';
  try {
    const link = readlinkSync(`${folder}/${descriptor}`);
    if (!link.startsWith('pipe:')) return link.startsWith('anon_inode:');
    return readdirSync(folder).some((other) => {
      try {
        return readlinkSync(`${folder}/${other}`) === link && isReader(other);
      } catch {
        return false;
      }
    });
  } catch {
    return false;
  }
}

export function isStandardOutput(path: string | undefined): boolean {
  return path !== undefined && descriptorOf(path) === 1;
}

/** Throws InputError where an option and --json would write into one another. */
export function refuseTwoOnStandardOutput(option: string, path: string | undefined, json = false) {
  if (json && isStandardOutput(path))
    throw new InputError('usage', `${option} ${path} and --json both write to standard output`, {
      remedy: 'Leave one of them out, or name a file.',
    });
}

/** As many links as Linux follows (path_resolution(7)). */
const MOST_LINKS = 40;

/** The file that a link names which leads nowhere yet. Not normalised: folders on its way may be links. */
function missingTarget(path: string): string {
  let target = path;
  for (let links = 0; links <= MOST_LINKS; links++) {
    if (!lstatSync(target, { throwIfNoEntry: false })?.isSymbolicLink()) return target;
    const link = readlinkSync(target);
    target = link.startsWith('/') ? link : `${realpathSync(dirname(target))}/${link}`;
  }
  throw Object.assign(new Error('too many links'), { code: 'ELOOP' });
}

/** Throws the system's errors. */
export function findOutputPlace(path: string): OutputPlace {
  const descriptor = descriptorOf(path);
  if (descriptor !== undefined) {
    if (isInternal(descriptor)) throw Object.assign(new Error('is not open'), { code: 'EBADF' });
    return { kind: 'descriptor', descriptor };
  }
  const before = statSync(path, { throwIfNoEntry: false });
  if (before === undefined) {
    const target = missingTarget(path);
    if (target.endsWith('/')) throw Object.assign(new Error('names a folder'), { code: 'EISDIR' });
    return { kind: 'file', path: target, before };
  }
  if (before.isFile()) return { kind: 'file', path: realpathSync(path), before };
  if (before.isDirectory()) throw Object.assign(new Error('is a folder'), { code: 'EISDIR' });
  return { kind: 'stream', path };
}

/** Throws InputError where other files are to stand beside an output that has no folder. */
export function refuseOutputWithoutFolder(path: string, why: string): void {
  if (descriptorOf(path) === undefined) {
    const before = statSync(path, { throwIfNoEntry: false });
    if (before === undefined || before.isFile()) return;
  }
  throw new InputError('usage', `-o ${path} can't be used here: ${why}`, {
    remedy: 'Name a file, for example -o cluster.json.',
  });
}
