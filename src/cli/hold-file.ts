/**
 * A file that is read, and replaced by what was made of it, is held meanwhile: others who want to do
 * the same wait, and no change is lost. The kernel lets go of it when its holder ends, however it ends.
 */

import { closeSync, constants, fstatSync, openSync, statSync } from 'node:fs';
import { InputError } from '../model/errors.js';
import { printable } from '../model/printable.js';
import { loadAddon } from '../probe/addon.js';
import { readError, readFile } from './load-host.js';
import { writeErr } from './output.js';
import { pause } from './pause.js';

export interface HeldFile {
  /** Throws InputError where somebody changed it who doesn't wait: an editor, a copy. */
  checkUnchanged(): void;
  release(): void;
}

/** 0, or the errno of flock(2). */
export type TryLock = (descriptor: number) => number;

export interface HoldOptions {
  readonly tryLock?: TryLock;
  readonly limitMs?: number;
}

const LIMIT_MS = 60_000;
/** Who waits longer wants to know what for. */
const TOLD_AFTER_MS = 2000;
const FIRST_PAUSE_MS = 2;
const LONGEST_PAUSE_MS = 50;
const EAGAIN = 11;
const ENOLCK = 37;

/** Where there is no native part only checkUnchanged is left. */
function addonLock(): TryLock {
  try {
    const addon = loadAddon();
    return (descriptor) => addon.lockFile(descriptor);
  } catch {
    return () => ENOLCK;
  }
}

/** For writing where that is allowed: NFS locks nothing else. */
function open(path: string): number {
  try {
    return openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  } catch {
    return openSync(path, 'r');
  }
}

/** Who waited for a file that was replaced meanwhile holds what nobody reads any more. */
function isStillThere(path: string, descriptor: number): boolean {
  const [now, held] = [statSync(path, { throwIfNoEntry: false }), fstatSync(descriptor)];
  return now === undefined || (now.ino === held.ino && now.dev === held.dev);
}

function busy(path: string): InputError {
  return new InputError('busy', 'is held by another process that changes it, and does not end', {
    place: { file: path },
    remedy: 'Nothing was written. "fuser FILE" tells which process it is.',
  });
}

/** Throws InputError where another holds it for more than a minute. */
function lock(path: string, { tryLock = addonLock(), limitMs = LIMIT_MS }: HoldOptions): number {
  const start = Date.now();
  let wait = FIRST_PAUSE_MS;
  let isTold = false;
  for (;;) {
    const descriptor = open(path);
    const error = tryLock(descriptor);
    if (error !== EAGAIN && isStillThere(path, descriptor)) return descriptor;
    closeSync(descriptor);
    if (Date.now() > start + limitMs) throw busy(path);
    if (error !== EAGAIN) continue;
    if (!isTold && Date.now() > start + TOLD_AFTER_MS) {
      isTold = true;
      writeErr(`cpugate: waiting for ${printable(path)}, which another process changes\n`);
    }
    pause(wait * (0.5 + Math.random()));
    wait = Math.min(2 * wait, LONGEST_PAUSE_MS);
  }
}

/** Let go of again where it can't be read. */
function readLocked(path: string, descriptor: number): Buffer {
  try {
    return Buffer.from(readFile(path, path));
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

/** Throws InputError where it can't be read, or another doesn't let go of it. */
export function holdFile(path: string, options: HoldOptions = {}): HeldFile {
  try {
    const descriptor = lock(path, options);
    const before = readLocked(path, descriptor);
    return {
      checkUnchanged: () => {
        if (before.equals(readFile(path, path))) return;
        throw new InputError('changed-meanwhile', 'was changed by another while it was read', {
          place: { file: path },
          remedy: 'Nothing was written. Run the command again: it starts from what is there now.',
        });
      },
      release: () => closeSync(descriptor),
    };
  } catch (error) {
    throw error instanceof InputError ? error : readError(path, error);
  }
}

/** Whether both lead to the same file. */
export function isSameFile(a: string, b: string): boolean {
  try {
    const [one, other] = [statSync(a), statSync(b)];
    return one.ino === other.ino && one.dev === other.dev;
  } catch {
    return false;
  }
}
