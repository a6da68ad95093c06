/**
 * What happens around a dump, called by CRIU itself, so that it is the same for "cpugate dump" and for
 * engines that call CRIU. docs/restoring.md tells the story.
 *
 * pre-dump: nobody is held yet. The supervisor stops its tasks, disarms and lets go of them; it takes
 * them back when this CRIU ends, however that is.
 * post-dump: the images are there, CRIU still holds the tasks. The record is written; where that fails,
 * so does the dump, and the tasks go on.
 */
import { InputError } from '../model/errors.js';
import { freezerOf } from './cgroups.js';
import { freezesCgroup } from './criu-command.js';
import {
  clearRecord,
  type DraftContent,
  describeDump,
  finishRecord,
  isDraftOf,
  writeDraft,
} from './dump-draft.js';
import { keptBaseline } from './kept-baseline.js';
import { maskOfTree, mayClaimMask, notReleased } from './masked-tree.js';
import { commandLineOf, listLiving, readProcess } from './processes.js';
import { control, lookAtTree, statusOf } from './supervisor-control.js';

/** "PID running" or "PID stopped", a line a process, as it was before the release. */
export function stoppedIn(answer: string): number[] {
  return [...answer.matchAll(/^(\d+) stopped$/gm)].map(([, pid]) => Number(pid));
}

/** `held`: any process of the supervisor's. Gives the stopped ones, by the images' numbers. */
function release(held: number, criu: number, runtimeFolder: string): number[] {
  const options = ['--runtime-dir', runtimeFolder, '--until', `${criu}`];
  return stoppedIn(control(held, 'release', options)).map((pid) => readProcess(pid)?.ownPid ?? pid);
}

/** What entered the tree meanwhile, or was let go of for good, may have read the real CPU. */
function checkReleased(root: number, held: number, runtimeFolder: string): void {
  const pid = notReleased(listLiving(root), statusOf(held, runtimeFolder));
  if (pid === undefined) return;
  control(held, 'resume', ['--runtime-dir', runtimeFolder]);
  throw new InputError(
    'mask-differs',
    `process ${pid} of the tree is not under the mask, as it was a moment ago`,
    { remedy: 'Somebody let it go, or it entered the tree: dump again.' },
  );
}

/**
 * CRIU would wait for ever, and leave the container frozen: a task that is stopped and then frozen by the
 * freezer of version 1 never answers to PTRACE_SEIZE. That of version 2 lets tracers have their way.
 */
export function refuseFreezer(cmdline: string, cgroup: string | undefined): void {
  if (cgroup === undefined || !freezesCgroup(cmdline)) return;
  throw new InputError(
    'unavailable',
    `tasks under a mask can't be dumped while CRIU freezes their cgroup (${cgroup}) by version 1`,
    {
      remedy:
        'Boot the host with systemd.unified_cgroup_hierarchy=1, which is cgroup version 2; or dump without ' +
        'the freezer: cpugate dump --images DIR -- --tree PID.',
    },
  );
}

/**
 * `criu`: the process that dumps. Some versions call a script twice where an engine's own notifications
 * are on: then all is done already.
 */
export function beforeDump(
  folder: string,
  root: number,
  criu: number,
  content: DraftContent,
): void {
  if (isDraftOf(folder, criu)) return;
  const { runtimeFolder } = content;
  const tree = lookAtTree(root, runtimeFolder);
  const inForce = maskOfTree(tree, content.mask, keptBaseline);
  if (tree.held.length > 0) refuseFreezer(commandLineOf(criu), freezerOf(root));
  clearRecord(folder);
  const [mask, late] = mayClaimMask(tree) ? [inForce, undefined] : [undefined, inForce];
  const description = describeDump({ ...content, mask, late });
  const [held] = tree.held;
  const stopped = held === undefined ? undefined : release(held, criu, runtimeFolder);
  if (held !== undefined && mask !== undefined) checkReleased(root, held, runtimeFolder);
  writeDraft(folder, { description, stopped, criu });
}

export function afterDump(folder: string, criu: number): void {
  if (isDraftOf(folder, criu)) finishRecord(folder);
}
