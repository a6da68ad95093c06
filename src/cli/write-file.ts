/**
 * Files are written beside their place and renamed into it: whole or not at all, whenever the program
 * is killed. What that keeps of the file before: its mode; its owner and group, where the system lets
 * this user give files away (root) or the group is one of the user's; symbolic links that lead to it.
 * Other hard links keep the old content; access lists and extended attributes aren't kept. Pipes,
 * devices and open descriptors are written to as they are.
 */
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fsyncSync,
  lstatSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  type Stats,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { isInputError } from '../model/errors.js';
import { writeAll, writeErr, writeOut } from './output.js';
import { findOutputPlace } from './output-place.js';
import { folderError, writeError } from './write-error.js';

export interface FileContent {
  readonly path: string;
  readonly content: string | Uint8Array;
}

/** Hidden, so that nobody takes it for a host; short, so that any name that may be written can be. */
const UNFINISHED = /^\.cpugate-[0-9a-f]{16}\.tmp$/;
/** No write takes as long: what is older was left by a run that was killed. */
const LEFT_AFTER_MS = 60 * 60 * 1000;

/** Nothing is made or emptied: it isn't a file, or wasn't when it was looked at. */
function writeStream(path: string, bytes: Uint8Array): void {
  const descriptor = openSync(path, constants.O_WRONLY);
  try {
    writeAll(descriptor, bytes);
  } finally {
    closeSync(descriptor);
  }
}

function writeDescriptor(descriptor: number, bytes: Uint8Array): void {
  if (descriptor === 1) writeOut(bytes);
  else if (descriptor === 2) writeErr(bytes);
  else writeAll(descriptor, bytes);
}

/** False where the system doesn't let this user. */
function giveAway(descriptor: number, uid: number, gid: number): boolean {
  try {
    fchownSync(descriptor, uid, gid);
    return true;
  } catch {
    return false;
  }
}

/** Another group than before may do what others may. File systems without modes have their own. */
function keepOwnerAndMode(descriptor: number, { uid, gid, mode }: Stats): void {
  const own = process.geteuid?.() ?? uid;
  const keepsGroup = giveAway(descriptor, uid, gid) || giveAway(descriptor, own, gid);
  const groupBits = keepsGroup ? mode & 0o070 : (mode & 0o007) << 3;
  try {
    fchmodSync(descriptor, (mode & 0o707) | groupBits);
  } catch {}
}

/** The file that is to be renamed, written to the end and safe on the disk. */
function writeBeside(target: string, before: Stats | undefined, bytes: Uint8Array): string {
  // Loaded when it is needed: it takes 7 ms.
  const { randomBytes } = process.getBuiltinModule('node:crypto');
  // Not joined: a path that is normalised leads elsewhere where a folder in it is a link.
  const beside = `${dirname(target)}/.cpugate-${randomBytes(8).toString('hex')}.tmp`;
  const descriptor = openSync(beside, 'wx', before === undefined ? 0o666 : 0o600);
  try {
    writeAll(descriptor, bytes);
    if (before !== undefined) keepOwnerAndMode(descriptor, before);
    fsyncSync(descriptor);
  } catch (error) {
    rmSync(beside, { force: true });
    throw error;
  } finally {
    closeSync(descriptor);
  }
  return beside;
}

/** Best effort: what can't be removed stays hidden and is in nobody's way. */
function removeLeftBehind(folder: string): void {
  try {
    for (const name of readdirSync(folder).filter((one) => UNFINISHED.test(one))) {
      const path = join(folder, name);
      const left = lstatSync(path, { throwIfNoEntry: false });
      if (left?.isFile() && Date.now() - left.mtimeMs > LEFT_AFTER_MS)
        rmSync(path, { force: true });
    }
  } catch {}
}

/** Written beside its place, which the rename alone changes; or nothing yet, and all of it then. */
interface Prepared {
  readonly path: string;
  finish(): void;
  drop(): void;
}

function prepare({ path, content }: FileContent): Prepared {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  const place = findOutputPlace(path);
  const nothing = () => {};
  if (place.kind === 'descriptor')
    return { path, finish: () => writeDescriptor(place.descriptor, bytes), drop: nothing };
  if (place.kind === 'stream')
    return { path, finish: () => writeStream(place.path, bytes), drop: nothing };
  try {
    const beside = writeBeside(place.path, place.before, bytes);
    return {
      path,
      finish: () => {
        renameSync(beside, place.path);
        removeLeftBehind(dirname(place.path));
      },
      drop: () => rmSync(beside, { force: true }),
    };
  } catch (error) {
    throw folderError(path, error);
  }
}

function prepareAll(files: readonly FileContent[]): Prepared[] {
  const prepared: Prepared[] = [];
  for (const file of files)
    try {
      prepared.push(prepare(file));
    } catch (error) {
      for (const one of prepared) one.drop();
      throw isInputError(error) ? error : writeError(file.path, error);
    }
  return prepared;
}

/**
 * None is replaced before all are on the disk. `check` is asked at the last moment: nothing is
 * replaced where it throws. Throws InputError for a place that can't be written to.
 */
export function writeAllWhole(files: readonly FileContent[], check: () => void = () => {}): void {
  const prepared = prepareAll(files);
  let path = '';
  try {
    check();
    for (const one of prepared) {
      path = one.path;
      one.finish();
    }
  } catch (error) {
    for (const one of prepared) one.drop();
    throw isInputError(error) ? error : writeError(path, error);
  }
}

export function writeWhole(path: string, content: string | Uint8Array): void {
  writeAllWhole([{ path, content }]);
}

/** To the file, or to standard output where none is given. */
export function writeOutput(path: string | undefined, content: string | Uint8Array): void {
  if (path === undefined) writeOut(content);
  else writeWhole(path, content);
}
