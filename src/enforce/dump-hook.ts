/**
 * What happens around a dump, called by CRIU itself, so that it is the same for "cpugate dump" and for
 * engines that call CRIU. docs/restoring.md tells the story.
 *
 * pre-dump: nobody is held yet. The supervisor stops its tasks, disarms and lets go of them; it takes
 * them back when this CRIU ends, however that is.
 * post-dump: the images are there, CRIU still holds the tasks. The record is written; where that fails,
 * so does the dump, and the tasks go on.
 */
import { encodeMask } from '../mask/bytes.js';
import { compileMask } from '../mask/compile.js';
import { InputError } from '../model/errors.js';
import {
  clearRecord,
  type DraftContent,
  describeDump,
  finishRecord,
  isDraftOf,
  writeDraft,
} from './dump-draft.js';
import { readProcess } from './processes.js';
import type { NamedBaseline } from './recorded-mask.js';
import { control, type Supervision, supervisionOf } from './supervisor-control.js';

function refuse(message: string, remedy: string): never {
  throw new InputError('mask-differs', message, { remedy });
}

/** The record mustn't claim a mask that the tasks weren't under. */
export function checkMask(
  pid: number,
  supervision: Supervision | undefined,
  mask: NamedBaseline | undefined,
): void {
  if (supervision === undefined && mask !== undefined)
    refuse(
      `process ${pid} is not under a mask, although --mask is given`,
      'Leave --mask out: the tasks have seen the real CPU.',
    );
  if (supervision === undefined) return;
  if (mask === undefined)
    refuse(
      `process ${pid} is under a mask`,
      'Name it: --mask BASELINE, with the file that "cpugate run --mask" was given.',
    );
  const expected = encodeMask(compileMask(mask.baseline).mask);
  if (supervision.mask === undefined)
    refuse(
      `the mask of process ${pid} can no longer be read`,
      'Its file lies in the runtime folder (/run/cpugate) and must stay there.',
    );
  if (!Buffer.from(supervision.mask).equals(expected))
    refuse(
      `process ${pid} is under a different mask than that of ${mask.name}`,
      'Give the baseline that the tasks were started under.',
    );
}

/** "PID running" or "PID stopped", a line a process, as it was before the release. */
function stoppedOf(answer: string): number[] {
  const pids = [...answer.matchAll(/^(\d+) stopped$/gm)].map(([, pid]) => Number(pid));
  return pids.map((pid) => readProcess(pid)?.ownPid ?? pid);
}

/** Gives the stopped ones, by the images' numbers. */
function release(root: number, criu: number, runtimeFolder: string): number[] {
  const options = ['--runtime-dir', runtimeFolder, '--until', `${criu}`];
  return stoppedOf(control(root, 'release', options));
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
  const supervision = supervisionOf(root);
  checkMask(root, supervision, content.mask);
  clearRecord(folder);
  // Tasks that were put under the mask while they ran have seen more than it shows.
  const mask = supervision?.isFromStart ? content.mask : undefined;
  const description = describeDump({ ...content, mask });
  const stopped =
    supervision === undefined ? undefined : release(root, criu, content.runtimeFolder);
  writeDraft(folder, { description, stopped, criu });
}

export function afterDump(folder: string, criu: number): void {
  if (isDraftOf(folder, criu)) finishRecord(folder);
}
