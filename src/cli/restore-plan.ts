/** What "restore" and the hook at a restore decide alike: gate, mask, supervision. */

import { criuVersion } from '../enforce/criu.js';
import { readImageFolder } from '../enforce/image-folder.js';
import { writeMaskFile } from '../enforce/mask-file.js';
import type { NamedBaseline } from '../enforce/recorded-mask.js';
import type { RestorePlan } from '../enforce/restore-tasks.js';
import type { SupervisionPlan } from '../enforce/supervise.js';
import { findSupervisor } from '../enforce/supervisor.js';
import { type GateReport, gate } from '../judge/gate.js';
import { type Described, described } from '../model/capabilities.js';
import type { ImageFolder } from '../model/image-folder.js';
import { probeHost } from '../probe/index.js';
import { allowedOf } from './allowed.js';
import type { Arguments } from './arguments.js';
import { failOnOf } from './fail-on.js';
import { ownUid, runtimeFolderOf } from './mask-arguments.js';
import { maskHere } from './mask-for-host.js';
import { namedBaseline, recordedBaseline } from './named-baseline.js';
import { sourceOf } from './source-argument.js';

export interface JudgedRestore {
  readonly images: ImageFolder;
  readonly here: Described;
  /** What the tasks shall see here: as told, else as before the dump; undefined: the CPU as it is. */
  readonly mask: NamedBaseline | undefined;
  readonly report: GateReport;
}

async function maskOf(args: Arguments, images: ImageFolder): Promise<NamedBaseline | undefined> {
  const path = args.text('mask');
  if (path !== undefined) return namedBaseline(path);
  return images.record?.mask === undefined ? undefined : recordedBaseline(images.name);
}

/** `name`: what the user calls the images, where that isn't their folder. */
export async function judgeRestore(
  args: Arguments,
  folder: string,
  name = folder,
): Promise<JudgedRestore> {
  const root = args.text('root');
  const images = readImageFolder(folder, root === undefined ? {} : { root });
  const here = described(probeHost());
  const mask = await maskOf(args, images);
  const source = await sourceOf(args);
  const report = gate({ ...images, name }, here, {
    criuVersion: criuVersion(),
    allow: allowedOf(args.list('allow')),
    force: args.flag('force') ?? false,
    repair: args.flag('repair') ?? false,
    ...(mask === undefined ? {} : { mask: { ...mask.baseline, name: mask.name } }),
    failOn: failOnOf(args),
    ...(source === undefined ? {} : { source }),
  });
  return { images, here, mask, report };
}

/** Who stays stopped, and what the tasks have seen before. Pure. */
export function tasksBefore(
  { record, processes }: Pick<ImageFolder, 'record' | 'processes'>,
  /** Of --mask: another one than before, and what the tasks have seen is the earlier one. */
  isMaskGiven: boolean,
): Pick<SupervisionPlan, 'stopped' | 'isFromStart'> {
  const seen = processes.filter(({ isStopped }) => isStopped).map(({ pid }) => pid);
  return {
    stopped: record?.stopped ?? seen,
    isFromStart: record?.mask !== undefined && !isMaskGiven,
  };
}

/** What --repair does here; undefined: it wasn't asked for, or nothing is too small. */
export function planRepairs({ report }: JudgedRestore): RestorePlan['repair'] {
  const { repair } = report;
  if (repair === undefined || !repair.isAsked || repair.repairs.length === 0) return undefined;
  return { program: findSupervisor(), repairs: repair.repairs };
}

/** Throws InputError where this host can't keep tasks to the mask. */
export function planSupervision(
  args: Arguments,
  { images, here, mask }: JudgedRestore,
): SupervisionPlan | undefined {
  if (mask === undefined) return undefined;
  const program = findSupervisor();
  const runtimeFolder = runtimeFolderOf(args);
  const maskFile = writeMaskFile(maskHere(mask, here).mask, runtimeFolder, ownUid(), mask);
  const before = tasksBefore(images, args.text('mask') !== undefined);
  return { program, maskFile, runtimeFolder, ...before };
}
