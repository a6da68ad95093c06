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
import { basename, dirname } from 'node:path';
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
const NUMBERED = /^\/(?:dev|proc\/self)\/fd\/\d{1,9}$/;

/** However it is spelled: /proc/thread-self/fd, /proc/PID/fd, a link to it. */
function isOwnFolder(folder: string): boolean {
  try {
    const [own, real] = [realpathSync('/proc/self'), realpathSync(folder)];
    return real === `${own}/fd` || (real.startsWith(`${own}/task/`) && real.endsWith('/fd'));
  } catch {
    return false;
  }
}

function descriptorOf(path: string): number | undefined {
  if (Object.hasOwn(DESCRIPTORS, path)) return DESCRIPTORS[path];
  const number = /^\d{1,9}$/.exec(basename(path))?.[0];
  if (number === undefined) return undefined;
  return NUMBERED.test(path) || isOwnFolder(dirname(path)) ? Number(number) : undefined;
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

const STICKY = 0o1000;
const OTHERS_WRITE = 0o002;

function systemError(code: string): Error {
  return Object.assign(new Error(code), { code });
}

/** As the kernel where fs.protected_symlinks is set (proc(5)), which doesn't see who follows links himself. */
function refuseStrangersLink(link: string, { uid }: Stats): void {
  const folder = statSync(dirname(link));
  const isForAll = (folder.mode & STICKY) !== 0 && (folder.mode & OTHERS_WRITE) !== 0;
  if (isForAll && uid !== process.geteuid?.() && uid !== folder.uid) throw systemError('EACCES');
}

/** What links lead to, there or not. Not normalised: folders on its way may be links. */
function targetOf(path: string): string {
  let target = path;
  for (let links = 0; links <= MOST_LINKS; links++) {
    const stat = lstatSync(target, { throwIfNoEntry: false });
    if (!stat?.isSymbolicLink()) return target;
    refuseStrangersLink(target, stat);
    const link = readlinkSync(target);
    target = link.startsWith('/') ? link : `${realpathSync(dirname(target))}/${link}`;
  }
  throw systemError('ELOOP');
}

function isSame(one: Stats, other: Stats | undefined): boolean {
  return one.ino === other?.ino && one.dev === other.dev;
}

/** Throws the system's errors. */
export function findOutputPlace(path: string): OutputPlace {
  const descriptor = descriptorOf(path);
  if (descriptor !== undefined) {
    if (isInternal(descriptor)) throw systemError('EBADF');
    return { kind: 'descriptor', descriptor };
  }
  const before = statSync(path, { throwIfNoEntry: false });
  if (before?.isDirectory()) throw systemError('EISDIR');
  if (before !== undefined && !before.isFile()) return { kind: 'stream', path };
  const target = targetOf(path);
  if (before === undefined && target.endsWith('/')) throw systemError('EISDIR');
  // Replaced meanwhile, or a file without a name, as links in /proc lead to.
  if (before !== undefined && !isSame(before, statSync(target, { throwIfNoEntry: false })))
    throw systemError('ESTALE');
  return { kind: 'file', path: target, before };
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
