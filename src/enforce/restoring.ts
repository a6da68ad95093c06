/**
 * Engines call a container's createRuntime hooks when CRIU restores it, too (runc does, at CRIU's
 * notification "setup-namespaces"): the process is the first that CRIU has made, and it will execute no
 * program. Whoever waited for its exec would wait for ever, and the mask is the gate's business then.
 */
import { existsSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';
import { InputError } from '../model/errors.js';
import { mayRestore } from './criu-command.js';
import { commandLineOf, listProcesses, type ProcessStatus, readProcess } from './processes.js';
import { noteFile } from './restore-hook.js';

/** What tells a task that CRIU is making from an engine's own first process. */
export interface FirstProcess {
  readonly name: string;
  /** Of /proc/PID/exe; undefined: it can't be read. */
  readonly program: string | undefined;
}

/** Pure. */
export function isBeingRestored({ name, program }: FirstProcess): boolean {
  return name === 'criu' || basename(program?.replace(/ \(deleted\)$/, '') ?? '') === 'criu';
}

function programOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/exe`);
  } catch {
    return undefined;
  }
}

/** CRIU itself: the task's parent, or a child of the same parent ("restore sibling", as engines ask for). */
function restorersOf({ pid, parent }: ProcessStatus): ProcessStatus[] {
  const others = listProcesses().filter(
    (one) => one.pid !== pid && (one.pid === parent || one.parent === parent),
  );
  return others
    .filter((one) => isBeingRestored({ name: one.name, program: programOf(one.pid) }))
    .filter((one) => mayRestore(commandLineOf(one.pid)));
}

/**
 * Whether a container's first process is one that CRIU restores, and that "cpugate hook criu" has passed.
 * Throws InputError where CRIU hasn't called it: the container would come back without its mask.
 */
export function isRestore(pid: number, runtimeFolder: string): boolean {
  const first = readProcess(pid);
  if (first === undefined) return false;
  if (!isBeingRestored({ name: first.name, program: programOf(pid) })) return false;
  if (restorersOf(first).some((criu) => existsSync(noteFile(runtimeFolder, criu)))) return true;
  throw new InputError(
    'no-gate',
    'the container is being restored, and CRIU has not called "cpugate hook criu": it would come back ' +
      'without its mask',
    {
      remedy:
        'Put the action script into the configuration that the engine has CRIU read (CRIU 4 takes it): ' +
        '"cpugate install runc".',
    },
  );
}
