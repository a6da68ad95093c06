/** Files are written beside their place and renamed into it: whole or not at all. */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { InputError } from '../model/errors.js';

function writeAll(descriptor: number, content: Uint8Array) {
  for (let done = 0; done < content.length; )
    done += writeSync(descriptor, content, done, content.length - done);
}

/** Throws InputError where the place can't be written to; nothing is left behind then. */
export function writeWhole(path: string, content: string | Uint8Array): void {
  const beside = `${path}.${process.pid}.tmp`;
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  try {
    const descriptor = openSync(beside, 'wx', 0o644);
    try {
      writeAll(descriptor, bytes);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(beside, path);
  } catch (error) {
    rmSync(beside, { force: true });
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
  if (path === undefined) process.stdout.write(content);
  else writeWhole(path, content);
}
