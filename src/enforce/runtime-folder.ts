/** Where masks and control sockets lie: private to the user who enforces. */
import { lstatSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../model/errors.js';

/** As the supervisor chooses it (native/supervisor). */
export function defaultRuntimeFolder(uid: number, environment: NodeJS.ProcessEnv): string {
  if (uid === 0) return '/run/cpugate';
  const { XDG_RUNTIME_DIR: own } = environment;
  return own?.startsWith('/') ? join(own, 'cpugate') : `/tmp/cpugate-${uid}`;
}

function refuse(folder: string, why: string, cause?: unknown): never {
  throw new InputError('no-runtime-folder', `can't hold masks and sockets: ${why}`, {
    place: { file: folder },
    remedy: 'Give another folder with --runtime-dir, of your own and with mode 0700.',
    cause,
  });
}

/** Makes it where it is missing. A folder in /tmp may be anybody's trap: it must be ours alone. */
export function openRuntimeFolder(folder: string, uid: number): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    refuse(folder, `it can't be created (${(error as NodeJS.ErrnoException).code})`, error);
  }
  const found = lstatSync(folder);
  if (!found.isDirectory()) refuse(folder, 'it is not a folder');
  if (found.uid !== uid) refuse(folder, `it belongs to another user (${found.uid})`);
  if ((found.mode & 0o022) !== 0) refuse(folder, 'others may write to it');
}
