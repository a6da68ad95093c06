/**
 * Files of an untrusted folder: regular ones only, of bounded size, and no link is followed out of it.
 */
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  openSync,
  readSync,
  realpathSync,
} from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../model/errors.js';

/** Images but the pages are lists of a few bytes an entry. */
export const LARGEST_IMAGE = 64 * 1024 * 1024;

const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

export interface OpenFile {
  readonly size: number;
  /** Undefined where the file ends before. */
  read(offset: number, length: number): Uint8Array | undefined;
}

export function unreadable(name: string, error: unknown): InputError {
  const code = (error as NodeJS.ErrnoException).code;
  const said: Record<string, string> = {
    ENOENT: 'is missing',
    ELOOP: 'is a link, and links in a folder of images are not followed',
    EACCES: 'may not be read (permission denied)',
    ENOTDIR: 'is not a folder',
  };
  return new InputError('unreadable', said[code ?? ''] ?? `can't be read (${code})`, {
    place: { file: name },
    cause: error,
  });
}

export function readExactly(
  descriptor: number,
  offset: number,
  length: number,
): Uint8Array | undefined {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length; ) {
    const count = readSync(descriptor, bytes, done, length - done, offset + done);
    if (count === 0) return undefined;
    done += count;
  }
  return bytes;
}

function openRegular(path: string, name: string): { descriptor: number; size: number } {
  const descriptor = openSync(path, FLAGS);
  const stat = fstatSync(descriptor);
  if (stat.isFile()) return { descriptor, size: stat.size };
  closeSync(descriptor);
  throw new InputError('unreadable', 'is not a regular file', { place: { file: name } });
}

/** The files of one dump, wherever they lie: in a folder, or in an archive (archive-files.ts). */
export abstract class ImageFiles {
  /** Of their folder, for messages. */
  abstract readonly name: string;

  /** `file`: a plain name, never one that the images gave. It is open for `work`; undefined: not there. */
  abstract useFile<T>(file: string, work: (opened: OpenFile | undefined) => T): T;

  /** The dump before, of which this one holds what has changed since; undefined: there is none. */
  abstract useParent<T>(work: (parent: ImageFiles | undefined) => T): T;

  abstract close(): void;

  /** The whole of it. */
  readFile(file: string, largest: number = LARGEST_IMAGE): Uint8Array | undefined {
    return this.useFile(file, (opened) => {
      if (opened === undefined) return undefined;
      const place = { file: join(this.name, file) };
      if (opened.size > largest)
        throw new InputError('too-large', `is larger than ${largest / 1024 / 1024} MiB`, { place });
      const bytes = opened.read(0, opened.size);
      if (bytes === undefined)
        throw new InputError('unreadable', 'shrank while it was read', { place });
      return bytes;
    });
  }

  needFile(file: string): Uint8Array {
    const bytes = this.readFile(file);
    if (bytes === undefined) throw unreadable(join(this.name, file), { code: 'ENOENT' });
    return bytes;
  }
}

/** A folder that is held open, so that nobody can put another in its place. */
export class FolderFiles extends ImageFiles {
  readonly name: string;
  readonly #folder: number;

  /** `name`: for people. Throws InputError for what is no folder. */
  constructor(path: string, name = path) {
    super();
    this.name = name;
    try {
      this.#folder = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
    } catch (error) {
      throw unreadable(name, error);
    }
  }

  useFile<T>(file: string, work: (opened: OpenFile | undefined) => T): T {
    const opened = this.#open(file);
    if (opened === undefined) return work(undefined);
    const { descriptor, size } = opened;
    try {
      return work({ size, read: (offset, length) => readExactly(descriptor, offset, length) });
    } finally {
      closeSync(descriptor);
    }
  }

  #open(file: string): { descriptor: number; size: number } | undefined {
    const name = join(this.name, file);
    try {
      return openRegular(`/proc/self/fd/${this.#folder}/${file}`, name);
    } catch (error) {
      if (error instanceof InputError) throw error;
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw unreadable(name, error);
    }
  }

  /** CRIU writes it as a link beside the images and follows it; it is the only one that is followed here. */
  useParent<T>(work: (parent: ImageFiles | undefined) => T): T {
    const path = `/proc/self/fd/${this.#folder}/parent`;
    if (!existsSync(path)) return work(undefined);
    const parent = new FolderFiles(path, join(this.name, 'parent'));
    try {
      return work(parent);
    } finally {
      parent.close();
    }
  }

  close(): void {
    closeSync(this.#folder);
  }
}

/**
 * A file that the images name, below a root: they name it as the kernel did, without links. Undefined
 * where it isn't there, is reached by a link, is larger, or is none that a program would map.
 */
export function readMappedFile(
  root: string,
  path: string,
  largest: number,
): Uint8Array | undefined {
  if (!path.startsWith('/') || path.includes('\0')) return undefined;
  let descriptor: number | undefined;
  try {
    const base = realpathSync(root);
    const place = join(base, path);
    if (realpathSync(place) !== place || join('/', path) !== path) return undefined;
    const opened = openRegular(place, path);
    descriptor = opened.descriptor;
    if (opened.size > largest) return undefined;
    return readExactly(descriptor, 0, opened.size);
  } catch {
    return undefined;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}
