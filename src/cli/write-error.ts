/** What the system's error means to someone who wants a file written. */
import { InputError } from '../model/errors.js';

/** What is wrong, and what to do where that isn't plain. */
const MEANINGS: Readonly<Record<string, readonly [wrong: string, remedy?: string]>> = {
  EACCES: ['may not be written (permission denied)'],
  EPERM: ['may not be written (operation not permitted)'],
  EROFS: ['lies in a file system that is mounted read-only'],
  ENOENT: ["can't be made: its folder isn't there", 'Make the folder first.'],
  ENOTDIR: ["can't be made: a part of its path is a file, not a folder"],
  EISDIR: ['names a folder, not a file', 'Name a file in it.'],
  ELOOP: ["can't be found: its symbolic links lead round in a circle"],
  ENAMETOOLONG: ['has too long a name for the file system'],
  EBUSY: ["can't be replaced: it is a mount point", 'Write through the shell: -o - > FILE.'],
  ENOSPC: ["can't be written: no space is left on the device"],
  EDQUOT: ["can't be written: the disk quota is used up"],
  EFBIG: ["can't be written: it would become larger than a file may be"],
  EPIPE: ["can't be written to the end: whoever read it has stopped"],
  ENXIO: ["can't be opened: it is a socket, or a device that isn't there"],
  ESTALE: ["can't be replaced: another file stands there now, or none", 'Run the command again.'],
  EBADF: ["isn't open for writing"],
};

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}

/** Names the system's own code too: that is what people search for. */
export function writeError(path: string, error: unknown): InputError {
  const code = codeOf(error) ?? 'unknown';
  const [wrong, remedy] = MEANINGS[code] ?? ["can't be written"];
  return new InputError('unwritable', `${wrong} (${code})`, {
    place: { file: path },
    cause: error,
    ...(remedy === undefined ? {} : { remedy }),
  });
}

/** A file is replaced by another that is made beside it: what counts is what its folder allows. */
export function folderError(path: string, error: unknown): InputError {
  if (codeOf(error) !== 'EACCES') return writeError(path, error);
  return new InputError('unwritable', "can't be made: its folder may not be written to (EACCES)", {
    place: { file: path },
    cause: error,
    remedy:
      'A file is replaced as a whole, which its folder has to allow; "-o - > FILE" writes into it as it stands.',
  });
}
