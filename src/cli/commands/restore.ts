import { realpathSync } from 'node:fs';
import { OWN_RESTORE_OPTIONS, refuseOwnOptions } from '../../enforce/criu-options.js';
import { refusePidFile } from '../../enforce/pid-file.js';
import { requireProc, signalProcess } from '../../enforce/processes.js';
import { logRestore } from '../../enforce/restore-log.js';
import { type Restored, restoreTasks } from '../../enforce/restore-tasks.js';
import { openRuntimeFolder } from '../../enforce/runtime-folder.js';
import type { GateReport } from '../../judge/gate.js';
import { exitStatus } from '../../judge/verdict.js';
import { InputError } from '../../model/errors.js';
import { printable } from '../../model/printable.js';
import { checkText } from '../../report/text/check.js';
import { waysOnText } from '../../report/text/ways-on.js';
import { nameProcess } from '../../rules/processes.js';
import type { Arguments } from '../arguments.js';
import type { Run } from '../command.js';
import { failOnOf } from '../fail-on.js';
import { ownUid, refusePatching, runtimeFolderOf } from '../mask-arguments.js';
import { writeErr } from '../output.js';
import { ownCommand } from '../own-command.js';
import { type RestorableImages, restorableImages } from '../restorable-images.js';
import { judgeRestore, planRepairs, planSupervision, tasksBefore } from '../restore-plan.js';
import { describeTerminal } from '../terminal.js';
import { writeWhole } from '../write-file.js';

function imagesFolderOf(args: Arguments): string {
  const folder = args.text('images');
  if (folder !== undefined) return folder;
  throw new InputError('usage', '--images DIR is missing', { remedy: 'Say where the images are.' });
}

function explain(args: Arguments, report: GateReport): void {
  const style = describeTerminal(args.flag('color'));
  writeErr(checkText(report, style, false));
  writeErr(
    report.permitted
      ? 'cpugate: restored all the same, because --force says so\n'
      : `cpugate: not restored. Nothing was started, the images are as they were.\n${waysOnText(report, style.width)}`,
  );
}

function sayRepaired({ repair }: GateReport): void {
  if (repair?.isAsked !== true) return;
  for (const { pid, comm, sizes } of repair.repairs)
    for (const { before, after } of sizes)
      writeErr(
        `cpugate: ${printable(nameProcess({ pid, comm }))}: glibc takes ${after} bytes of stack for registers now, ${before} before\n`,
      );
}

/** In the foreground: signals are the tasks' and the supervisor's business, the end is theirs. */
async function follow({ supervisor }: Restored): Promise<number> {
  if (supervisor === undefined) return 0;
  for (const signal of ['SIGINT', 'SIGQUIT'] as const) process.on(signal, () => {});
  for (const signal of ['SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => signalProcess(supervisor.pid, signal));
  return supervisor.ended;
}

/** The report where it refuses. */
async function restoreFrom(
  { folder }: RestorableImages,
  given: string,
  args: Arguments,
): Promise<Restored | GateReport> {
  const judged = await judgeRestore(args, folder, given);
  const { images, report } = judged;
  if (!report.permitted || report.forced) explain(args, report);
  if (!report.permitted) {
    const blockers = report.findings.filter(({ severity }) => severity === 'blocker');
    // That CPUID can't be masked here has a status of its own, wherever it is found.
    if (blockers.length > 0 && blockers.every(({ code }) => code === 'mask-unavailable'))
      planSupervision(args, judged);
    return report;
  }
  const runtimeFolder = runtimeFolderOf(args);
  openRuntimeFolder(runtimeFolder, ownUid());
  const restored = await restoreTasks({
    images: { ...images, name: realpathSync(images.name) },
    criuArguments: args.trailing,
    supervision: planSupervision(args, judged),
    repair: planRepairs(judged),
    stopped: tasksBefore(images, args.text('mask') !== undefined).stopped,
    guardCommand: ownCommand('hook', 'guard'),
    isBackground: args.flag('background') ?? false,
    runtimeFolder,
  });
  sayRepaired(report);
  logRestore(runtimeFolder, ownUid(), report, {
    root: restored.root,
    supervisor: restored.supervisor?.pid,
    failOn: failOnOf(args),
  });
  return restored;
}

export const run: Run = async (args) => {
  refuseOwnOptions(args.trailing, OWN_RESTORE_OPTIONS);
  const pidFile = args.text('pid-file');
  refusePidFile(pidFile);
  refusePatching(args, 'what is restored');
  requireProc();
  const given = imagesFolderOf(args);
  const images = await restorableImages(given);
  let restored: Restored | GateReport;
  try {
    restored = await restoreFrom(images, given, args);
  } finally {
    images.remove();
  }
  if ('verdict' in restored) return exitStatus(restored.verdict, 'at-risk');
  if (pidFile !== undefined) writeWhole(pidFile, `${restored.supervisor?.pid ?? restored.root}\n`);
  if (!(args.flag('background') ?? false)) return follow(restored);
  restored.supervisor?.release();
  return 0;
};
