import { writeMaskFile } from '../../enforce/mask-file.js';
import { replaceProcess } from '../../enforce/replace-process.js';
import { findSupervisor } from '../../enforce/supervisor.js';
import { described } from '../../model/capabilities.js';
import { InputError } from '../../model/errors.js';
import { probeHost } from '../../probe/index.js';
import type { Run } from '../command.js';
import { maskOf, ownUid, passOn, pidsOf, runtimeFolderOf } from '../mask-arguments.js';
import { maskHere } from '../mask-for-host.js';

export const run: Run = async (args) => {
  const tasks = [
    ...pidsOf(args).flatMap((pid) => ['--pid', pid]),
    ...args.list('cgroup').flatMap((path) => ['--cgroup', path]),
  ];
  if (tasks.length === 0)
    throw new InputError('usage', 'no task is given', {
      remedy: 'Give processes with --pid PID, or a cgroup with --cgroup PATH.',
    });
  const { mask } = maskHere(await maskOf(args), described(probeHost({ libc: false })));
  const supervisor = findSupervisor();
  const folder = runtimeFolderOf(args);
  const file = writeMaskFile(mask, folder, ownUid());
  return replaceProcess(supervisor, [
    'attach',
    '--mask',
    file,
    '--runtime-dir',
    folder,
    ...passOn(args, 'pid-file'),
    ...(args.flag('background') ? ['--background'] : []),
    ...tasks,
  ]);
};
