import { mkdirSync, realpathSync } from 'node:fs';
import { criuVersion, startCriu } from '../../enforce/criu.js';
import {
  dumpArguments,
  OWN_DUMP_OPTIONS,
  refuseOwnOptions,
  treeOf,
  withTree,
} from '../../enforce/criu-options.js';
import { writeScript } from '../../enforce/criu-script.js';
import { clearRecord } from '../../enforce/dump-draft.js';
import { keptBaseline } from '../../enforce/kept-baseline.js';
import { maskOfTree, mayClaimMask } from '../../enforce/masked-tree.js';
import { requireProc } from '../../enforce/processes.js';
import { lookAtTree, programOf } from '../../enforce/supervisor-control.js';
import { InputError } from '../../model/errors.js';
import type { Arguments } from '../arguments.js';
import type { Run } from '../command.js';
import { ownUid, passOn, runtimeFolderOf } from '../mask-arguments.js';
import { absoluteMask, namedBaseline } from '../named-baseline.js';
import { writeErr } from '../output.js';
import { ownCommand } from '../own-command.js';
import { cameUnderText } from '../supervision-lines.js';

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

interface DumpTasks {
  /** Behind "--", with the program for its supervisor. */
  readonly criuArguments: readonly string[];
  /** A mask that the record won't name. */
  readonly late: string | undefined;
}

/** All that can be refused before CRIU is started: the hook would refuse it too, less clearly. */
async function checkTasks(args: Arguments): Promise<DumpTasks> {
  refuseOwnOptions(args.trailing, OWN_DUMP_OPTIONS);
  const wanted = treeOf(args.trailing);
  requireProc();
  const runtimeFolder = runtimeFolderOf(args);
  const path = args.text('mask');
  const given = path === undefined ? undefined : await namedBaseline(path);
  const root = programOf(wanted, runtimeFolder);
  const tree = lookAtTree(root, runtimeFolder);
  const mask = maskOfTree(tree, given, keptBaseline);
  criuVersion();
  return {
    criuArguments: root === wanted ? args.trailing : withTree(args.trailing, root),
    late: mayClaimMask(tree) ? undefined : mask?.name,
  };
}

export const run: Run = async (args) => {
  const { criuArguments, late } = await checkTasks(args);
  const folder = imagesFolderOf(args);
  clearRecord(folder);
  const mask = args.text('mask');
  const hook = ownCommand(
    ...['hook', 'criu', ...passOn(args, 'runtime-dir')],
    ...(mask === undefined ? [] : ['--mask', absoluteMask(mask)]),
  );
  const script = writeScript(hook, runtimeFolderOf(args), ownUid());
  const criu = startCriu(dumpArguments({ images: folder, script, given: criuArguments }));
  const status = await criu.ended;
  if (status === 0) {
    if (late !== undefined) writeErr(cameUnderText(late));
    return 0;
  }
  // Of images that are complete, but whose tasks go on here.
  clearRecord(folder);
  throw new InputError('dump-failed', `CRIU: criu dump ended with status ${status}`, {
    remedy: 'The tasks go on as before. What CRIU says is above, or in the file of its --log-file.',
  });
};
