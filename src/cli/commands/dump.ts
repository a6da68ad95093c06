import { mkdirSync, realpathSync } from 'node:fs';
import { criuVersion, startCriu } from '../../enforce/criu.js';
import {
  dumpArguments,
  OWN_DUMP_OPTIONS,
  refuseOwnOptions,
  treeOf,
} from '../../enforce/criu-options.js';
import { writeScript } from '../../enforce/criu-script.js';
import { clearRecord } from '../../enforce/dump-draft.js';
import { checkMask } from '../../enforce/masked-tree.js';
import { requireProc } from '../../enforce/processes.js';
import { lookAtTree } from '../../enforce/supervisor-control.js';
import { InputError } from '../../model/errors.js';
import type { Arguments } from '../arguments.js';
import type { Run } from '../command.js';
import { ownUid, passOn, runtimeFolderOf } from '../mask-arguments.js';
import { absoluteMask, namedBaseline } from '../named-baseline.js';
import { ownCommand } from '../own-command.js';

function imagesFolderOf(args: Arguments): string {
  const folder = args.text('images');
  if (folder === undefined)
    throw new InputError('usage', '--images DIR is missing', {
      remedy: 'Say where images shall go.',
    });
  try {
    mkdirSync(folder, { recursive: true });
    return realpathSync(folder);
  } catch (cause) {
    throw new InputError('unwritable', `can't be made (${(cause as NodeJS.ErrnoException).code})`, {
      place: { file: folder },
      cause,
    });
  }
}

/** All that can be refused before CRIU is started: the hook would refuse it too, less clearly. */
async function checkTasks(args: Arguments): Promise<void> {
  refuseOwnOptions(args.trailing, OWN_DUMP_OPTIONS);
  const root = treeOf(args.trailing);
  requireProc();
  const path = args.text('mask');
  const mask = path === undefined ? undefined : await namedBaseline(path);
  checkMask(lookAtTree(root, runtimeFolderOf(args)), mask);
  criuVersion();
}

export const run: Run = async (args) => {
  await checkTasks(args);
  const folder = imagesFolderOf(args);
  clearRecord(folder);
  const mask = args.text('mask');
  const hook = ownCommand(
    ...['hook', 'criu', ...passOn(args, 'runtime-dir')],
    ...(mask === undefined ? [] : ['--mask', absoluteMask(mask)]),
  );
  const script = writeScript(hook, runtimeFolderOf(args), ownUid());
  const criu = startCriu(dumpArguments({ images: folder, script, given: args.trailing }));
  const status = await criu.ended;
  if (status === 0) return 0;
  // Of images that are complete, but whose tasks go on here.
  clearRecord(folder);
  throw new InputError('dump-failed', `CRIU: criu dump ended with status ${status}`, {
    remedy: 'The tasks go on as before. What CRIU says is above, or in the file of its --log-file.',
  });
};
