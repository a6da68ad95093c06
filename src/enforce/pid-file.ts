/** --pid-file is renamed over whatever stands there: said before anything is started. */
import { accessSync, constants, lstatSync, type Stats } from 'node:fs';
import { dirname } from 'node:path';
import { InputError } from '../model/errors.js';

/** Undefined: a file may be put there. Pure. */
export function whyNoPidFile(
  found: Pick<Stats, 'isFile' | 'isDirectory' | 'isSymbolicLink'> | undefined,
): string | undefined {
  if (found === undefined || found.isFile()) return undefined;
  if (found.isDirectory()) return 'is a folder';
  return found.isSymbolicLink() ? 'is a symbolic link' : 'is a device, a pipe or a socket';
}

function refuse(file: string, why: string, cause?: unknown): never {
  throw new InputError('unwritable', `can't be a pid file: it ${why}`, {
    place: { file },
    remedy: 'Give --pid-file the path of a file of its own, in a folder that is there.',
    cause,
  });
}

/** The system's error; undefined: a file can be made beside it. */
function errorAt(file: string): NodeJS.ErrnoException | undefined {
  try {
    // With "/.": the folder has to be one.
    accessSync(`${dirname(file)}/.`, constants.W_OK);
    return undefined;
  } catch (error) {
    return error as NodeJS.ErrnoException;
  }
}

/** What stands there; undefined: nothing, or nothing that can be looked at. */
function lookAt(file: string): Stats | undefined {
  try {
    return lstatSync(file);
  } catch {
    return undefined;
  }
}

/** Throws InputError for a place where no file can or should be made. */
export function refusePidFile(file: string | undefined): void {
  if (file === undefined) return;
  const why = whyNoPidFile(lookAt(file));
  if (why !== undefined) refuse(file, why);
  const error = errorAt(file);
  if (error !== undefined) refuse(file, `can't be written (${error.code})`, error);
}
