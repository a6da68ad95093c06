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
import {
  clearRecord,
  type DraftContent,
  describeDump,
  finishRecord,
  isDraftOf,
  writeDraft,
} from './dump-draft.js';
import { checkMask, mayClaimMask, notReleased } from './masked-tree.js';
import { listLiving, readProcess } from './processes.js';
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
  checkMask(tree, content.mask);
  clearRecord(folder);
  const mask = mayClaimMask(tree) ? content.mask : undefined;
  const description = describeDump({ ...content, mask });
  const [held] = tree.held;
  const stopped = held === undefined ? undefined : release(held, criu, runtimeFolder);
  if (held !== undefined && mask !== undefined) checkReleased(root, held, runtimeFolder);
  writeDraft(folder, { description, stopped, criu });
}

export function afterDump(folder: string, criu: number): void {
  if (isDraftOf(folder, criu)) finishRecord(folder);
}
