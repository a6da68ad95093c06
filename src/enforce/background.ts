/**
 * A supervisor in the background outlives its caller, and whoever reads the caller's output would wait
 * for its end as well (engines read what their hooks say). Its words go to a file instead.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { openRuntimeFolder } from './runtime-folder.js';
import { findSupervisor } from './supervisor.js';

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
  const log = openSync(supervisorLog(runtimeFolder), 'a+', 0o600);
  try {
    return work(['ignore', log, log]);
  } finally {
    closeSync(log);
  }
}

export interface BackgroundStart {
  /** 0: it holds its tasks, and goes on. 137: killed. */
  readonly status: number;
  /** What was written to the log meanwhile. */
  readonly said: string;
}

/** A line is enough to say what is wrong; what other supervisors say meanwhile is little. */
const MOST_SAID_BYTES = 64 * 1024;

function readFrom(log: number, from: number): string {
  const bytes = Buffer.alloc(Math.min(fstatSync(log).size - from, MOST_SAID_BYTES));
  return bytes.subarray(0, readSync(log, bytes, 0, bytes.length, from)).toString();
}

/** `args` with --background among them: returns once all tasks are held, or none is. */
export function startInBackground(
  runtimeFolder: string,
  uid: number,
  args: readonly string[],
): BackgroundStart {
  return withLog(runtimeFolder, uid, (stdio) => {
    const log = stdio[1];
    const before = fstatSync(log).size;
    const { status } = spawnSync(findSupervisor(), args, { stdio });
    return { status: status ?? 137, said: readFrom(log, before) };
  });
}
