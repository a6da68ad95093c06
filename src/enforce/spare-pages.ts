/** Pages that were unpacked, in a file that nobody else can open, and that is gone with this process. */
import {
  closeSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  rmSync,
  statfsSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ByteSource } from '../formats/archives/byte-source.js';
import { InputError } from '../model/errors.js';
import { type OpenFile, readExactly } from './image-files.js';

/** What is left to others of a file system. */
const LEFT_BYTES = 64 * 1024 * 1024;
/** The room is looked at again after so many bytes. */
const LOOK_BYTES = 32 * 1024 * 1024;

export function noRoom(folder: string, name: string): InputError {
  return new InputError('no-room', `${folder} has no room for what is in it`, {
    place: { file: name },
    remedy: 'Set TMPDIR to a folder that has, or unpack it and give the folder.',
  });
}

/** Throws InputError where it would fill the file system. */
export function needRoom(folder: string, bytes: number, name: string): void {
  const { bavail, bsize } = statfsSync(folder);
  if (bavail * bsize < bytes + LEFT_BYTES) throw noRoom(folder, name);
}

const ZEROS = new Uint8Array(256 * 1024);

function isZero(bytes: Uint8Array): boolean {
  return bytes[0] === 0 && Buffer.compare(bytes, ZEROS.subarray(0, bytes.length)) === 0;
}

export class SparePages {
  #descriptor: number | undefined;
  #end = 0;
  #written = 0;

  #file(): number {
    if (this.#descriptor !== undefined) return this.#descriptor;
    const folder = mkdtempSync(join(tmpdir(), 'cpugate-pages-'));
    try {
      this.#descriptor = openSync(join(folder, 'pages'), 'wx+', 0o600);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
    return this.#descriptor;
  }

  /** Of `content` `bytes` bytes; what gives them back. */
  async keep(content: ByteSource, bytes: number, name: string): Promise<OpenFile['read']> {
    const descriptor = this.#file();
    const start = this.#end;
    for await (const piece of content.pieces(bytes)) {
      // Empty memory costs no room.
      if (!isZero(piece)) this.#write(descriptor, piece, name);
      this.#end += piece.length;
    }
    ftruncateSync(descriptor, this.#end);
    const end = this.#end;
    return (offset, length) =>
      start + offset + length > end ? undefined : readExactly(descriptor, start + offset, length);
  }

  #write(descriptor: number, piece: Uint8Array, name: string): void {
    if (this.#written % LOOK_BYTES < piece.length) needRoom(tmpdir(), LOOK_BYTES, name);
    this.#written += piece.length;
    for (let done = 0; done < piece.length; )
      done += writeSync(descriptor, piece, done, piece.length - done, this.#end + done);
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }
}
