import { realpathSync } from 'node:fs';
import { exitStatus, type Verdict } from '../../compare/verdict.js';
import { criuVersion, OWN_RESTORE_OPTIONS, refuseOwnOptions } from '../../enforce/criu.js';
import { readImageFolder } from '../../enforce/image-folder.js';
import { writeMaskFile } from '../../enforce/mask-file.js';
import { maskForHost } from '../../enforce/prepare.js';
import type { NamedBaseline } from '../../enforce/recorded-mask.js';
import { logRestore } from '../../enforce/restore-log.js';
import { type RestorePlan, restoreTasks } from '../../enforce/restore-tasks.js';
import { findSupervisor } from '../../enforce/supervisor.js';
import { type GateReport, gate } from '../../gate/gate.js';
import { InputError } from '../../model/errors.js';
import type { Host } from '../../model/host.js';
import type { ImageFolder } from '../../model/image-folder.js';
import { probeHost } from '../../probe/index.js';
import { checkText } from '../../report/text/check.js';
import { allowedOf } from '../allowed.js';
import type { Arguments } from '../arguments.js';
import type { Run } from '../command.js';
import { ownUid, runtimeFolderOf } from '../mask-arguments.js';
import { namedBaseline, recordedBaseline } from '../named-baseline.js';
import { ownCommand } from '../own-command.js';
import { describeTerminal } from '../terminal.js';
import { writeWhole } from '../write-file.js';

function readImages(args: Arguments): ImageFolder {
  const folder = args.text('images');
  if (folder === undefined)
    throw new InputError('usage', '--images DIR is missing', {
      remedy: 'Say where the images are.',
    });
  const root = args.text('root');
  return readImageFolder(folder, root === undefined ? {} : { root });
}

/** What the tasks shall see here: as told, else as before the dump; undefined: the CPU as it is. */
async function maskOf(args: Arguments, images: ImageFolder): Promise<NamedBaseline | undefined> {
  const path = args.text('mask');
  if (path !== undefined) return namedBaseline(path);
  return images.record?.mask === undefined ? undefined : recordedBaseline(images.name);
}

function judge(args: Arguments, images: ImageFolder, here: Host, mask: NamedBaseline | undefined) {
  const failOn = args.text('fail-on') as Verdict | undefined;
  return gate(images, here, {
    criuVersion: criuVersion(),
    allow: allowedOf(args.list('allow')),
    force: args.flag('force') ?? false,
    ...(mask === undefined ? {} : { mask: { ...mask.baseline, name: mask.name } }),
    ...(failOn === undefined ? {} : { failOn }),
  });
}

function explain(args: Arguments, report: GateReport): void {
  const style = describeTerminal(args.flag('color'));
  process.stderr.write(checkText(report, style, false));
  process.stderr.write(
    report.permitted
      ? 'cpugate: restored all the same, because --force says so\n'
      : 'cpugate: not restored. Nothing was started, the images are as they were.\n',
  );
}

function supervisionFor(
  args: Arguments,
  images: ImageFolder,
  here: Host,
  mask: NamedBaseline | undefined,
): RestorePlan['supervision'] {
  if (mask === undefined) return undefined;
  const program = findSupervisor();
  const runtimeFolder = runtimeFolderOf(args);
  const maskFile = writeMaskFile(maskForHost(mask.baseline, here).mask, runtimeFolder, ownUid());
  const seen = images.processes.filter(({ isStopped }) => isStopped).map(({ pid }) => pid);
  const stopped = images.record?.mask === undefined ? seen : images.record.stopped;
  return { program, maskFile, runtimeFolder, stopped };
}

export const run: Run = async (args) => {
  refuseOwnOptions(args.trailing, OWN_RESTORE_OPTIONS);
  const images = readImages(args);
  const here = probeHost();
  const mask = await maskOf(args, images);
  const report = judge(args, images, here, mask);
  if (!report.permitted || report.forced) explain(args, report);
  if (!report.permitted) return exitStatus(report.verdict, 'at-risk');
  const supervision = supervisionFor(args, images, here, mask);
  const isBackground = args.flag('background') ?? false;
  const restored = await restoreTasks({
    images: { ...images, name: realpathSync(images.name) },
    criuArguments: args.trailing,
    supervision,
    guardCommand: ownCommand('hook', 'guard'),
    isBackground,
  });
  logRestore(runtimeFolderOf(args), ownUid(), report, restored);
  const pidFile = args.text('pid-file');
  if (pidFile !== undefined) writeWhole(pidFile, `${restored.supervisor ?? restored.root}\n`);
  return isBackground ? 0 : restored.ended;
};
