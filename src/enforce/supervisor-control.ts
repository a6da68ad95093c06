/** Speaks with the supervisor of running tasks, by way of its own program. */
import { execFileSync } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';
import { InputError } from '../model/errors.js';
import { readProcess } from './processes.js';
import { findSupervisor, saidBySupervisor } from './supervisor.js';

/** Beginning of the name of a supervisor's pid file: its tasks were under the mask all their life. */
export const FROM_START = 'from-start-';

/** Who keeps a task to a mask. */
export interface Supervision {
  readonly supervisor: number;
  /** The mask file's bytes, as far as they can still be read. */
  readonly mask: Uint8Array | undefined;
  /** False: tasks were put under it while they ran, and had seen the CPU as it is. */
  readonly isFromStart: boolean;
}

function commandLine(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0');
  } catch {
    return [];
  }
}

function isSupervisor(pid: number): boolean {
  try {
    return readlinkSync(`/proc/${pid}/exe`).replace(/ \(deleted\)$/, '') === findSupervisor();
  } catch {
    return false;
  }
}

/** Of "run"; of the others where cpugate has named the pid file so, knowing it. */
function isFromStart(supervisor: number): boolean {
  const words = commandLine(supervisor);
  const pidFile = words.includes('--pid-file') ? words[words.indexOf('--pid-file') + 1] : undefined;
  return words[1] === 'run' || basename(pidFile ?? '').startsWith(FROM_START);
}

function readMask(supervisor: number): Uint8Array | undefined {
  const words = commandLine(supervisor);
  const file = words[words.indexOf('--mask') + 1];
  if (!words.includes('--mask') || file === undefined) return undefined;
  try {
    return readFileSync(file.startsWith('/') ? file : `/proc/${supervisor}/cwd/${file}`);
  } catch {
    return undefined;
  }
}

/** Undefined: nobody traces the process. Throws InputError where somebody else does. */
export function supervisionOf(pid: number): Supervision | undefined {
  const task = readProcess(pid);
  if (task === undefined)
    throw new InputError('no-such-process', `there is no process ${pid}`, {
      remedy: 'Give the process at the root of the tree.',
    });
  if (task.tracer === 0) return undefined;
  if (!isSupervisor(task.tracer))
    throw new InputError('other-tracer', `process ${pid} is traced by process ${task.tracer}`, {
      remedy: "End that debugger or tracer; CRIU can't dump what another one holds.",
    });
  const { tracer } = task;
  return { supervisor: tracer, mask: readMask(tracer), isFromStart: isFromStart(tracer) };
}

export type ControlCommand = 'status' | 'detach' | 'release' | 'resume';

/** What the supervisor says. Throws InputError with its words. */
export function control(
  pid: number,
  command: ControlCommand,
  options: readonly string[] = [],
): string {
  try {
    const args = ['control', '--pid', `${pid}`, ...options, command];
    return execFileSync(findSupervisor(), args, { stdio: ['ignore', 'pipe', 'pipe'] }).toString();
  } catch (cause) {
    const said = saidBySupervisor(`${(cause as { stderr?: Buffer }).stderr ?? ''}`);
    throw new InputError('supervisor', `the supervisor refused to ${command}: ${said || cause}`, {
      cause,
    });
  }
}
