import { findProgram } from '../../enforce/find-program.js';
import { writeMaskFile } from '../../enforce/mask-file.js';
import { refusePidFile } from '../../enforce/pid-file.js';
import { refuseHigherLevel } from '../../enforce/prepare.js';
import { requireProc } from '../../enforce/processes.js';
import { neededLevel } from '../../enforce/program-level.js';
import { replaceProcess } from '../../enforce/replace-process.js';
import { findSupervisor } from '../../enforce/supervisor.js';
import { runArguments } from '../../enforce/supervisor-arguments.js';
import { described } from '../../model/capabilities.js';
import { probeHost } from '../../probe/index.js';
import { type AuditChoice, auditLaunch } from '../audit-launch.js';
import type { Run } from '../command.js';
import { maskOf, ownUid, runtimeFolderOf, trapOf } from '../mask-arguments.js';
import { maskHere } from '../mask-for-host.js';

export const run: Run = async (args) => {
  requireProc();
  const pidFile = args.text('pid-file');
  refusePidFile(pidFile);
  const named = await maskOf(args);
  const here = described(probeHost({ libc: false, faulting: 'offered' }));
  const trap = trapOf(args);
  const { mask } = maskHere(named, here, trap);
  const program = findProgram(args.trailing[0] as string, process.env.PATH);
  if (program !== undefined) {
    refuseHigherLevel(named.baseline, neededLevel(program));
    const choice = (args.text('audit') ?? 'warn') as AuditChoice;
    await auditLaunch(program, named, choice, ownUid());
  }
  const supervisor = findSupervisor();
  const runtimeFolder = runtimeFolderOf(args);
  const maskFile = writeMaskFile(mask, runtimeFolder, ownUid(), named);
  if (args.flag('verbose')) {
    const { explainRun } = await import('../run-notes.js');
    explainRun(named, here, supervisor, trap);
  }
  return replaceProcess(
    supervisor,
    runArguments({ maskFile, runtimeFolder, pidFile, trap }),
    args.trailing.length,
  );
};
