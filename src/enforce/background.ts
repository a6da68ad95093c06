/**
 * A supervisor in the background outlives its caller, and whoever reads the caller's output would wait
 * for its end as well (engines read what their hooks say). Its words go to a file instead.
 */
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { openRuntimeFolder } from './runtime-folder.js';

export function supervisorLog(runtimeFolder: string): string {
  return join(runtimeFolder, 'supervisor.log');
}

/** `work` is given what stands for standard input, output and error. */
export function withLog<T>(
  runtimeFolder: string,
  uid: number,
  work: (stdio: ['ignore', number, number]) => T,
): T {
  openRuntimeFolder(runtimeFolder, uid);
  const log = openSync(supervisorLog(runtimeFolder), 'a', 0o600);
  try {
    return work(['ignore', log, log]);
  } finally {
    closeSync(log);
  }
}
