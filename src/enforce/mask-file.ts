/**
 * The mask on its way to the supervisor. The file is named after its content and stays: Node is gone
 * when the supervisor has read it, and a second task under the same mask takes the same file.
 */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeMask } from '../mask/bytes.js';
import type { Mask } from '../mask/mask.js';
import { InputError } from '../model/errors.js';
import { openRuntimeFolder } from './runtime-folder.js';

const FNV_OFFSET = 0xcbf29ce484222325n;
const FNV_PRIME = 0x100000001b3n;

/** FNV-1a of 64 bits: enough to tell masks apart, and node:crypto takes 5 ms to load. */
function nameOf(bytes: Uint8Array): string {
  let hash = FNV_OFFSET;
  for (const byte of bytes) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * FNV_PRIME);
  return hash.toString(16).padStart(16, '0');
}

/** Damaged is as good as missing. */
function holds(file: string, bytes: Uint8Array): boolean {
  try {
    return readFileSync(file).equals(bytes);
  } catch {
    return false;
  }
}

/** Gives the file's path. */
export function writeMaskFile(mask: Mask, folder: string, uid: number): string {
  const bytes = encodeMask(mask);
  openRuntimeFolder(folder, uid);
  const file = join(folder, `${nameOf(bytes)}.mask`);
  if (holds(file, bytes)) return file;
  const beside = `${file}.${process.pid}.tmp`;
  try {
    writeFileSync(beside, bytes, { mode: 0o600, flag: 'wx' });
    renameSync(beside, file);
  } catch (error) {
    rmSync(beside, { force: true });
    const { code } = error as NodeJS.ErrnoException;
    throw new InputError('unwritable', `the mask can't be written (${code})`, {
      place: { file },
      remedy: 'Give another folder with --runtime-dir.',
      cause: error,
    });
  }
  return file;
}
