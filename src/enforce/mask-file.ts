/**
 * The mask on its way to the supervisor. The file is named after its content and stays: Node is gone
 * when the supervisor has read it, and a second task under the same mask writes the same file.
 */
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeMask } from '../mask/bytes.js';
import type { Mask } from '../mask/mask.js';
import { InputError } from '../model/errors.js';
import { openRuntimeFolder } from './runtime-folder.js';

/** Gives the file's path. */
export function writeMaskFile(mask: Mask, folder: string, uid: number): string {
  const bytes = encodeMask(mask);
  openRuntimeFolder(folder, uid);
  // Loaded when it is needed: it takes 7 ms.
  const { createHash } = process.getBuiltinModule('node:crypto');
  const name = createHash('sha256').update(bytes).digest('hex').slice(0, 16);
  const file = join(folder, `${name}.mask`);
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
