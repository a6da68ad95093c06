import { findProgram } from '../../enforce/find-program.js';
import { writeMaskFile } from '../../enforce/mask-file.js';
import { refuseHigherLevel } from '../../enforce/prepare.js';
import { neededLevel } from '../../enforce/program-level.js';
import { replaceProcess } from '../../enforce/replace-process.js';
import { findSupervisor } from '../../enforce/supervisor.js';
import { described } from '../../model/capabilities.js';
import { probeHost } from '../../probe/index.js';
import type { Run } from '../command.js';
import { maskOf, ownUid, passOn, runtimeFolderOf } from '../mask-arguments.js';
import { maskHere } from '../mask-for-host.js';

export const run: Run = async (args) => {
  const named = await maskOf(args);
  const here = described(probeHost({ libc: false, faulting: 'offered' }));
  const { mask } = maskHere(named, here);
  const program = findProgram(args.trailing[0] as string, process.env.PATH);
  if (program !== undefined) refuseHigherLevel(named.baseline, neededLevel(program));
  const supervisor = findSupervisor();
  if (args.flag('verbose')) {
    const { explainRun } = await import('../run-notes.js');
    explainRun(named, here, supervisor);
  }
  const folder = runtimeFolderOf(args);
  const file = writeMaskFile(mask, folder, ownUid());
  return replaceProcess(
    supervisor,
    ['run', '--mask', file, '--runtime-dir', folder, ...passOn(args, 'pid-file'), '--'],
    args.trailing.length,
  );
};
