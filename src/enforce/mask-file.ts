/**
 * The mask on its way to the supervisor. The file is named after its content and stays: Node is gone
 * when the supervisor has read it, and a second task under the same mask takes the same file. The
 * baseline that it was made of lies beside it: a dump wants it for its record (kept-baseline.ts).
 */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeMask } from '../mask/bytes.js';
import { crc32 } from '../mask/crc32.js';
import type { Mask } from '../mask/mask.js';
import { InputError } from '../model/errors.js';
import type { NamedBaseline } from './recorded-mask.js';
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

/** The same for masks of one baseline alone: its name in the record is the user's. */
function nameFor(mask: Uint8Array, baseline: Uint8Array | undefined): string {
  if (baseline === undefined) return nameOf(mask);
  return `${nameOf(mask)}-${crc32(baseline).toString(16).padStart(8, '0')}`;
}

export function baselineBeside(maskFile: string): string {
  return maskFile.replace(/\.mask$/, '.json');
}

function replaceBy(file: string, bytes: Uint8Array): void {
  if (holds(file, bytes)) return;
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
}

/** Gives the file's path. `named`: what the mask was made of, for a dump of its tasks. */
export function writeMaskFile(
  mask: Mask,
  folder: string,
  uid: number,
  named?: Pick<NamedBaseline, 'name' | 'json'>,
): string {
  const bytes = encodeMask(mask);
  const source =
    named && Buffer.from(`${JSON.stringify({ name: named.name, baseline: named.json })}\n`);
  openRuntimeFolder(folder, uid);
  const file = join(folder, `${nameFor(bytes, source)}.mask`);
  if (source !== undefined) replaceBy(baselineBeside(file), source);
  replaceBy(file, bytes);
  return file;
}
