/** Files are written beside their place and renamed into it: whole or not at all. */
import {
  closeSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeSync,
} from 'node:fs';
import { InputError } from '../model/errors.js';
import { writeOut } from './output.js';

function writeAll(descriptor: number, content: Uint8Array) {
  for (let done = 0; done < content.length; )
    done += writeSync(descriptor, content, done, content.length - done);
}

function writeTo(path: string, flags: string, mode: number, bytes: Uint8Array, sync: boolean) {
  const descriptor = openSync(path, flags, mode);
  try {
    writeAll(descriptor, bytes);
    if (sync) fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Where a link leads, and what stands there; undefined: nothing yet. */
function lookUp(path: string): { readonly target: string; readonly before: Stats | undefined } {
  const before = statSync(path, { throwIfNoEntry: false });
  return { target: before === undefined ? path : realpathSync(path), before };
}

function replaceFile(target: string, mode: number, bytes: Uint8Array) {
  const beside = `${target}.${process.pid}.tmp`;
  writeTo(beside, 'wx', mode, new Uint8Array(), false);
  try {
    writeTo(beside, 'w', mode, bytes, true);
    renameSync(beside, target);
  } catch (error) {
    rmSync(beside, { force: true });
    throw error;
  }
}

/**
 * A file keeps its mode, a link its place; a device or pipe is written to, not replaced. Throws
 * InputError where the place can't be written to; nothing is left behind then.
 */
export function writeWhole(path: string, content: string | Uint8Array): void {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  try {
    const { target, before } = lookUp(path);
    if (before === undefined || before.isFile())
      replaceFile(target, before === undefined ? 0o644 : before.mode & 0o777, bytes);
    else writeTo(target, 'w', 0o644, bytes, false);
  } catch (error) {
    throw new InputError(
      'unwritable',
      `can't be written (${(error as NodeJS.ErrnoException).code})`,
      {
        place: { file: path },
        cause: error,
      },
    );
  }
}

/** To the file, or to standard output where none is given. */
export function writeOutput(path: string | undefined, content: string | Uint8Array): void {
  if (path === undefined) writeOut(content);
  else writeWhole(path, content);
}
