/** Speaks with the supervisor of running tasks, by way of its own program. */
import { execFileSync } from 'node:child_process';
import { InputError } from '../model/errors.js';
import { type MaskedTree, maskedTree, rootOfSupervisor } from './masked-tree.js';
import { listLiving, listProcesses, readProcess } from './processes.js';
import { findSupervisor, saidBySupervisor } from './supervisor.js';
import { parseStatus, type SupervisorStatus } from './supervisor-status.js';

export type ControlCommand = 'status' | 'detach' | 'release' | 'resume';

/** Of "cpugate-supervisor control": nobody holds the process (native/supervisor/control.cc). */
const NOT_SUPERVISED = 3;

/** Undefined: no supervisor with sockets in that folder holds the process. */
function ask(pid: number, command: ControlCommand, options: readonly string[]): string | undefined {
  try {
    const args = ['control', '--pid', `${pid}`, ...options, command];
    return execFileSync(findSupervisor(), args, { stdio: ['ignore', 'pipe', 'pipe'] }).toString();
  } catch (cause) {
    const { status, stderr } = cause as { status?: number; stderr?: Buffer };
    if (status === NOT_SUPERVISED) return undefined;
    const said = saidBySupervisor(`${stderr ?? ''}`);
    throw new InputError('supervisor', `the supervisor refused to ${command}: ${said || cause}`, {
      cause,
    });
  }
}

/** What the supervisor says. Throws InputError with its words. */
export function control(
  pid: number,
  command: ControlCommand,
  options: readonly string[] = [],
): string {
  const answer = ask(pid, command, options);
  if (answer !== undefined) return answer;
  throw new InputError('supervisor', `process ${pid} isn't supervised`, {
    remedy: 'Where its supervisor was started with --runtime-dir, give the same one.',
  });
}

/** Undefined: no supervisor holds the process, or what answers speaks otherwise. */
export function statusOf(pid: number, runtimeFolder: string): SupervisorStatus | undefined {
  const answer = ask(pid, 'status', ['--runtime-dir', runtimeFolder]);
  return answer === undefined ? undefined : parseStatus(answer);
}

/** Throws InputError where the root is gone, or a tracer that isn't a supervisor holds one of the tree. */
export function lookAtTree(root: number, runtimeFolder: string): MaskedTree {
  const tree = listLiving(root);
  if (tree.length === 0)
    throw new InputError('no-such-process', `there is no process ${root}`, {
      remedy: 'Give the process at the root of the tree.',
    });
  // One that was released has no tracer, and a supervisor all the same.
  const asked = tree.find(({ tracer }) => tracer !== 0) ?? tree[0];
  return maskedTree(tree, statusOf(asked?.pid ?? root, runtimeFolder));
}

/** Of /proc/PID/status: the kernel cuts names. */
const SUPERVISOR_NAME = 'cpugate-supervisor'.slice(0, 15);

/** The process to dump: `pid`, or the root of what it holds where it is a supervisor. Throws InputError. */
export function programOf(pid: number, runtimeFolder: string): number {
  if (readProcess(pid)?.name !== SUPERVISOR_NAME) return pid;
  // While a dump has released them, only who was started by "run" is known by its parent.
  const near = listProcesses().filter(({ tracer, parent }) => tracer === pid || parent === pid);
  const status = near
    .map((one) => statusOf(one.pid, runtimeFolder))
    .find((one) => one?.supervisor === pid);
  return rootOfSupervisor(pid, status, (one) => readProcess(one)?.parent);
}
