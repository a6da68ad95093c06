/** Lines of a file, pipe or terminal, one after the other, without keeping what was read. */
import { readSync } from 'node:fs';
import { MAX_INPUT_BYTES } from '../formats/format.js';
import { InputError } from '../model/errors.js';
import { pause } from './pause.js';

const FIRST_BYTES = 1 << 20;
const LEAST_BYTES = 4096;
const NEWLINE = 0x0a;
const SLEEP_MS = 5;

export class Lines {
  readonly #name: string;
  readonly #descriptor: number;
  #buffer: Buffer;
  #start = 0;
  #end = 0;
  #isAtEnd = false;
  /** Number of the line that was given last, from 1. */
  number = 0;

  /** `bytes`: how long a file is, where that is known; a folder may have thousands of small ones. */
  constructor(name: string, descriptor: number, bytes = FIRST_BYTES) {
    this.#name = name;
    this.#descriptor = descriptor;
    // One more: the file's end is found by reading on.
    this.#buffer = Buffer.allocUnsafe(Math.max(LEAST_BYTES, Math.min(bytes + 1, FIRST_BYTES)));
  }

  /** The next line without its end; good until anything else is asked. Undefined behind the last. */
  next(): Buffer | undefined {
    const length = this.#lengthOfNext();
    if (length === undefined) return undefined;
    const line = this.#buffer.subarray(this.#start, this.#start + length);
    this.#start = Math.min(this.#start + length + 1, this.#end);
    this.number++;
    return line;
  }

  /** The next line, which is still to come, and whether anything but blanks follows it. */
  peek(): { readonly line: Buffer; readonly isFollowed: boolean } | undefined {
    const length = this.#lengthOfNext();
    if (length === undefined) return undefined;
    const line = Buffer.from(this.#buffer.subarray(this.#start, this.#start + length));
    for (let at = length; ; at++) {
      while (this.#start + at >= this.#end) if (!this.#fill()) return { line, isFollowed: false };
      if ((this.#buffer[this.#start + at] as number) > 0x20) return { line, isFollowed: true };
    }
  }

  /** Everything that hasn't been given yet. */
  rest(): Buffer {
    while (this.#fill());
    return this.#buffer.subarray(this.#start, this.#end);
  }

  #lengthOfNext(): number | undefined {
    let searched = 0;
    for (;;) {
      const unread = this.#buffer.subarray(this.#start, this.#end);
      const found = unread.indexOf(NEWLINE, searched);
      if (found >= 0) return found;
      searched = unread.length;
      if (!this.#fill()) return searched === 0 ? undefined : searched;
    }
  }

  /** Reads more behind what is there; false at the end. */
  #fill(): boolean {
    if (this.#isAtEnd) return false;
    this.#makeRoom();
    const count = readPatiently(this.#descriptor, this.#buffer, this.#end);
    this.#end += count;
    this.#isAtEnd = count === 0;
    return count > 0;
  }

  #makeRoom(): void {
    if (this.#end < this.#buffer.length) return;
    const kept = this.#end - this.#start;
    if (kept > MAX_INPUT_BYTES)
      throw new InputError('too-large', `is longer than ${MAX_INPUT_BYTES / 1024 / 1024} MiB`, {
        place: { file: this.#name, line: this.number + 1 },
        remedy: 'No profile of a host is that long.',
      });
    if (kept > this.#buffer.length / 2) {
      const roomier = Buffer.allocUnsafe(this.#buffer.length * 2);
      this.#buffer.copy(roomier, 0, this.#start, this.#end);
      this.#buffer = roomier;
    } else this.#buffer.copyWithin(0, this.#start, this.#end);
    this.#start = 0;
    this.#end = kept;
  }
}

/** Waits where a pipe that doesn't block has nothing yet. */
function readPatiently(descriptor: number, buffer: Buffer, at: number): number {
  for (;;) {
    try {
      return readSync(descriptor, buffer, at, buffer.length - at, null);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EOF') return 0;
      if (code !== 'EAGAIN') throw error;
      pause(SLEEP_MS);
    }
  }
}
