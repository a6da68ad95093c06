import { basename } from 'node:path';
import { criuVersion } from '../../enforce/criu.js';
import {
  refuseOthersPrograms,
  removeFiles,
  stateOf,
  writeFiles,
} from '../../enforce/install-files.js';
import {
  checkMaskName,
  type Engine,
  type InstallFile,
  type InstallPlan,
  installFiles,
  usageLines,
} from '../../enforce/install-plan.js';
import { InputError } from '../../model/errors.js';
import type { Arguments } from '../arguments.js';
import type { Run } from '../command.js';
import { maskOf, ownUid } from '../mask-arguments.js';
import { writeErr, writeOut } from '../output.js';
import { ownCommand } from '../own-command.js';

function nameOf(args: Arguments): string {
  const given = args.text('name');
  if (given !== undefined) return checkMaskName(given);
  const mask = args.text('mask');
  if (mask === undefined)
    throw new InputError('usage', 'neither --mask BASELINE nor --name NAME is given', {
      remedy: 'Give the baseline; to remove a mask, its name is enough: --remove --name NAME.',
    });
  return checkMaskName(basename(mask).replace(/\.json$/, ''));
}

/** CRIU 3 stops at a bug where an engine's notifications and a script come together. */
function takesScripts(): boolean {
  try {
    return Number.parseInt(criuVersion(), 10) >= 4;
  } catch {
    return false;
  }
}

async function baselineText(args: Arguments): Promise<string> {
  const { json } = await maskOf(args);
  return `${JSON.stringify(json, null, 2)}\n`;
}

function showFiles(files: readonly InstallFile[], root: string, isRemoval: boolean): void {
  for (const file of files) {
    const state = stateOf(root, file);
    if (isRemoval) {
      if (state === 'ours' || state === 'old') writeOut(`would remove ${file.path}\n`);
    } else if (state === 'ours' || state === 'served') writeOut(`is there already: ${file.path}\n`);
    else if (state === 'foreign') writeOut(`is somebody else's, and is left: ${file.path}\n`);
    else writeOut(`would write ${file.path}:\n${file.content.replace(/^(?=.)/gm, '  ')}\n`);
  }
}

function say(word: string, files: readonly InstallFile[]): void {
  for (const { path } of files) writeOut(`${word} ${path}\n`);
}

function remove(plan: InstallPlan, root: string, isDry: boolean): number {
  const own = installFiles({ ...plan, hasScripts: true });
  // Whatever the baseline of that name is by now: it is cpugate's.
  const files = own.map((file, place) => (place === 0 ? { ...file, isOwn: isBaseline } : file));
  if (isDry) showFiles(files.toReversed(), root, true);
  else say('removed', removeFiles(root, files));
  return 0;
}

function isBaseline(text: string): boolean {
  return text.includes('"cpugate-baseline"');
}

const NO_SCRIPTS =
  "cpugate: CRIU here takes no action script beside an engine's notifications (release 4 does): engines' own " +
  'checkpoints are not gated, and restores of containers that ask for the mask are refused.\n';

export const run: Run = async (args) => {
  const engine = args.positionals[0] as Engine;
  const root = args.text('root') ?? '/';
  const isDry = args.flag('dry-run') ?? false;
  const isRemoval = args.flag('remove') ?? false;
  const name = nameOf(args);
  if (root === '/' && !isDry && ownUid() !== 0)
    throw new InputError('usage', "engines' configuration is root's", {
      remedy: 'Run it as root.',
    });
  const command = ownCommand();
  const common = { engine, name, command };
  if (isRemoval) return remove({ ...common, baseline: '', hasScripts: true }, root, isDry);
  const hasScripts = takesScripts();
  const files = installFiles({ ...common, baseline: await baselineText(args), hasScripts });
  if (root === '/') refuseOthersPrograms(command);
  if (isDry) showFiles(files, root, false);
  else {
    say('wrote', writeFiles(root, files));
    writeOut(
      `Containers ask for it by:\n${usageLines(engine, name).join('\n').replace(/^/gm, '  ')}\n`,
    );
  }
  if (!hasScripts) writeErr(NO_SCRIPTS);
  return 0;
};
