import { spawnSync } from 'node:child_process';
import { findSupervisor } from '../../enforce/supervisor.js';
import { InputError } from '../../model/errors.js';
import type { Run } from '../command.js';
import { passOn, pidsOf } from '../mask-arguments.js';

export const run: Run = async (args) => {
  const pids = pidsOf(args);
  if (pids.length === 0)
    throw new InputError('usage', 'no task is given', { remedy: 'Give one with --pid PID.' });
  const supervisor = findSupervisor();
  let failed = false;
  for (const pid of pids) {
    const command = ['control', '--pid', pid, ...passOn(args, 'runtime-dir'), 'detach'];
    const { status } = spawnSync(supervisor, command, { stdio: 'inherit' });
    failed ||= status !== 0;
  }
  return failed ? 1 : 0;
};
