/**
 * Writes and removes what an engine is given. A file is there whole or not at all; one that isn't
 * cpugate's stays as it is, whoever puts it there and when.
 */
import {
  closeSync,
  fchmodSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { InputError } from '../model/errors.js';
import { type InstallFile, isMaskFile, MASK_FOLDERS } from './install-plan.js';

/**
 * ours: as it is to be. old: cpugate's, of another release. served: somebody else's, with all that is
 * wanted in it. foreign: somebody else's, without.
 */
export type FileState = 'missing' | 'ours' | 'old' | 'served' | 'foreign';

/** More than any of these files has. */
const MOST_BYTES = 16 * 1024 * 1024;

export function stateOf(root: string, file: InstallFile): FileState {
  const path = join(root, file.path);
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return 'missing';
  if (!found.isFile() || found.size > MOST_BYTES) return 'foreign';
  const content = readFileSync(path, 'utf8');
  if (content === file.content) return 'ours';
  if (file.isOwn(content)) return 'old';
  const lines = content.split('\n').map((line) => line.trim());
  const isServed = file.wanted.length > 0 && file.wanted.every((line) => lines.includes(line));
  return isServed ? 'served' : 'foreign';
}

function failed(file: string, cause: unknown): InputError {
  const { code } = cause as NodeJS.ErrnoException;
  if (code === 'EEXIST')
    return new InputError('not-ours', 'was put there meanwhile by somebody else', {
      place: { file },
      remedy: 'Look at it; then install again.',
    });
  return new InputError('unwritable', `can't be written (${code})`, { place: { file }, cause });
}

function put(root: string, file: InstallFile, state: FileState): void {
  const path = join(root, file.path);
  const beside = join(dirname(path), `.cpugate-${process.pid}.tmp`);
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
    const descriptor = openSync(beside, 'wx', 0o600);
    try {
      writeFileSync(descriptor, file.content);
      fchmodSync(descriptor, file.isProgram ? 0o755 : 0o644);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    // A link is never made over a file, which rename(2) would be.
    if (state === 'missing') linkSync(beside, path);
    else renameSync(beside, path);
  } catch (cause) {
    throw failed(path, cause);
  } finally {
    rmSync(beside, { force: true });
  }
}

/** Throws InputError before anything is written where a file is somebody else's. */
export function refuseForeign(root: string, files: readonly InstallFile[]): void {
  const foreign = files.find((file) => stateOf(root, file) === 'foreign');
  if (foreign === undefined) return;
  throw new InputError('not-ours', "stands there and isn't cpugate's: nothing was changed", {
    place: { file: join(root, foreign.path) },
    remedy: foreign.isOfMask
      ? 'Another mask has that name: give --name, or remove that one first.'
      : foreign.wanted.length === 0
        ? 'Move it away.'
        : `Add to it, and install again: ${foreign.wanted.join(' ')}`,
  });
}

/** Gives those that were written; all others were there already. */
export function writeFiles(root: string, files: readonly InstallFile[]): InstallFile[] {
  refuseForeign(root, files);
  return files.filter((file) => {
    const state = stateOf(root, file);
    if (state === 'ours' || state === 'served') return false;
    put(root, file, state);
    return true;
  });
}

function hasMaskFiles(root: string): boolean {
  return MASK_FOLDERS.some((folder) => {
    try {
      return readdirSync(join(root, folder)).some(isMaskFile);
    } catch {
      return false;
    }
  });
}

/** Whether somebody else's settings name a program of ours. */
function isNeeded({ path }: InstallFile, root: string, files: readonly InstallFile[]): boolean {
  return files.some(
    (file) => stateOf(root, file) === 'served' && file.wanted.some((line) => line.includes(path)),
  );
}

/**
 * Removes what is cpugate's, from the last to the first, and gives it: what names a program goes before
 * it. Programs and settings stay as long as any mask's file is there.
 */
export function removeFiles(root: string, files: readonly InstallFile[]): InstallFile[] {
  const lastFirst = files.toReversed();
  const remove = (file: InstallFile): boolean => {
    const isOurs = ['ours', 'old'].includes(stateOf(root, file));
    if (!isOurs || isNeeded(file, root, files)) return false;
    rmSync(join(root, file.path));
    return true;
  };
  const removed = lastFirst.filter(({ isOfMask }) => isOfMask).filter(remove);
  if (hasMaskFiles(root)) return removed;
  return [...removed, ...lastFirst.filter(({ isOfMask }) => !isOfMask).filter(remove)];
}

/** What root's engines run mustn't be anybody else's to change. Throws InputError. */
export function refuseOthersPrograms(programs: readonly string[]): void {
  for (const file of programs) {
    const { uid, mode } = statSync(file);
    if (uid === 0 && (mode & 0o022) === 0) continue;
    const why = uid === 0 ? 'others may write to it' : `it belongs to user ${uid}`;
    throw new InputError('not-roots', `can't be run by engines as root: ${why}`, {
      place: { file },
      remedy: 'Install cpugate as root: npm install --global cpugate-VERSION.tgz.',
    });
  }
}
