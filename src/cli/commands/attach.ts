import { startInBackground, supervisorLog } from '../../enforce/background.js';
import { processesInCgroup } from '../../enforce/cgroups.js';
import { writeMaskFile } from '../../enforce/mask-file.js';
import { refuseOwnTree } from '../../enforce/own-tree.js';
import { refusePidFile } from '../../enforce/pid-file.js';
import { livingProcess, requireProc } from '../../enforce/processes.js';
import { replaceProcess } from '../../enforce/replace-process.js';
import { findSupervisor, saidBySupervisor } from '../../enforce/supervisor.js';
import { attachArguments } from '../../enforce/supervisor-arguments.js';
import { statusOf } from '../../enforce/supervisor-control.js';
import { described } from '../../model/capabilities.js';
import { InputError } from '../../model/errors.js';
import { probeHost } from '../../probe/index.js';
import type { Arguments } from '../arguments.js';
import type { Run } from '../command.js';
import { maskOf, ownUid, pidsOf, refusePatching, runtimeFolderOf } from '../mask-arguments.js';
import { maskHere } from '../mask-for-host.js';
import { writeErr, writeOut } from '../output.js';
import { heldText } from '../supervision-lines.js';

/** Throws InputError for tasks that can't be meant, before anything is started. */
function tasksOf(args: Arguments): { readonly pids: number[]; readonly cgroups: string[] } {
  const pids = pidsOf(args).map(Number);
  const cgroups = [...args.list('cgroup')];
  if (pids.length + cgroups.length === 0)
    throw new InputError('usage', 'no task is given', {
      remedy: 'Give processes with --pid PID, or a cgroup with --cgroup PATH.',
    });
  if (args.flag('foreground') && args.flag('background'))
    throw new InputError('usage', '--foreground and --background contradict each other', {
      remedy: 'Leave one of them out; without either it is the background.',
    });
  return { pids, cgroups };
}

export const run: Run = async (args) => {
  const { pids, cgroups } = tasksOf(args);
  refusePatching(args, 'what runs already');
  requireProc();
  const named = await maskOf(args);
  for (const pid of pids) livingProcess(pid, `the process of --pid ${pid}`);
  refuseOwnTree(pids, cgroups);
  const pidFile = args.text('pid-file');
  refusePidFile(pidFile);
  const { mask } = maskHere(named, described(probeHost({ libc: false })));
  const supervisor = findSupervisor();
  const runtimeFolder = runtimeFolderOf(args);
  const maskFile = writeMaskFile(mask, runtimeFolder, ownUid(), named);
  const isBackground = !args.flag('foreground');
  const common = { maskFile, runtimeFolder, pidFile, pids, cgroups };
  const command = attachArguments({ ...common, isBackground, isFromStart: false });
  if (!isBackground) return replaceProcess(supervisor, command);
  const { status, said } = startInBackground(runtimeFolder, ownUid(), command);
  if (status !== 0) {
    const why = saidBySupervisor(said);
    writeErr(`cpugate: ${why === '' ? `the supervisor ended with status ${status}` : why}\n`);
    return status;
  }
  const [first = cgroups.flatMap(processesInCgroup)[0]] = pids;
  const held = first === undefined ? undefined : statusOf(first, runtimeFolder);
  const masked = [...(held?.processes ?? [])].filter(([, state]) => state === 'masked');
  writeOut(
    heldText({
      mask: named.name,
      supervisor: held?.supervisor,
      processes: [...new Set([...pids, ...masked.map(([pid]) => pid)])],
      cgroups,
      log: supervisorLog(runtimeFolder),
      runtimeFolder: args.text('runtime-dir'),
    }),
  );
  return 0;
};
