/**
 * Standard output and standard error, written in one go. Node's own streams take 5 ms to open,
 * which is a third of a check.
 */
import { fstatSync, writeSync } from 'node:fs';
import { InputError } from '../model/errors.js';
import { pause } from './pause.js';

const OUT = 1;
const ERR = 2;
const SLEEP_MS = 5;
/** Linux: /dev/null and its like, which are character devices as terminals are. */
const MEMORY_DEVICES = 1;

let isReaderGone = false;

/** Waits where a pipe is full that its other owner made non-blocking. */
export function writeAll(descriptor: number, text: string | Uint8Array): void {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text;
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(descriptor, bytes, done, bytes.length - done);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      pause(SLEEP_MS);
    }
  }
}

/**
 * To standard output. A reader that has seen enough (head, less) is no failure: the rest is dropped,
 * and the verdict stays the exit status. Throws InputError where nothing can be written, such as on
 * a full disk.
 */
export function writeOut(text: string | Uint8Array): void {
  if (isReaderGone) return;
  try {
    writeAll(OUT, text);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EPIPE')
      throw new InputError('unwritable', `standard output can't be written (${code})`, {
        cause: error,
      });
    isReaderGone = true;
  }
}

/** To standard error. Where that can't be written there is nobody to tell. */
export function writeErr(text: string | Uint8Array): void {
  try {
    writeAll(ERR, text);
  } catch {}
}

/** Standard output or standard error as a terminal; undefined: it is none. */
function terminalOf(
  descriptor: number,
  stream: () => NodeJS.WriteStream,
): NodeJS.WriteStream | undefined {
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isCharacterDevice() || stat.rdev >> 8 === MEMORY_DEVICES) return undefined;
  } catch {
    return undefined;
  }
  const opened = stream();
  return opened.isTTY === true ? opened : undefined;
}

export function outTerminal(): NodeJS.WriteStream | undefined {
  return terminalOf(OUT, () => process.stdout);
}

export function errTerminal(): NodeJS.WriteStream | undefined {
  return terminalOf(ERR, () => process.stderr);
}
