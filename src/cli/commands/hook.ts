import { realpathSync } from 'node:fs';
import { InputError } from '../../model/errors.js';
import type { Arguments } from '../arguments.js';
import type { Run } from '../command.js';
import { namedBaseline } from '../named-baseline.js';
import { VERSION } from '../version.js';

async function draftContent(args: Arguments) {
  const path = args.text('mask');
  return { mask: path === undefined ? undefined : await namedBaseline(path), cpugate: VERSION };
}

function variable(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '')
    throw new InputError('usage', `${name} is not set`, {
      remedy: '"cpugate hook criu" is for CRIU to call: criu --action-script SCRIPT.',
    });
  return value;
}

const CRIU_STAGES: Readonly<Record<string, (args: Arguments) => Promise<void>>> = {
  'pre-dump': async (args) => {
    const { beforeDump } = await import('../../enforce/dump-hook.js');
    const root = Number(variable('CRTOOLS_INIT_PID'));
    const folder = realpathSync(variable('CRTOOLS_IMAGE_DIR'));
    beforeDump(folder, root, process.ppid, await draftContent(args));
  },
  'post-dump': async () => {
    const { afterDump } = await import('../../enforce/dump-hook.js');
    afterDump(realpathSync(variable('CRTOOLS_IMAGE_DIR')));
  },
};

export const run: Run = async (args) => {
  const [caller] = args.positionals;
  if (caller === 'guard') {
    const { guardRestore } = await import('../../enforce/restore-guard.js');
    await guardRestore();
    return 0;
  }
  if (caller !== 'criu')
    throw new InputError('usage', `there is no hook "${caller ?? ''}"`, {
      remedy: 'Hooks: criu, oci.',
    });
  // Stages that say nothing to us, and those of newer CRIUs, pass.
  await CRIU_STAGES[variable('CRTOOLS_SCRIPT_ACTION')]?.(args);
  return 0;
};
