/** "cpugate hook criu": what CRIU's stages mean to cpugate. Others, and newer ones, pass. */
import { realpathSync } from 'node:fs';
import { InputError } from '../model/errors.js';
import { checkText } from '../report/text/check.js';
import type { Arguments } from './arguments.js';
import { ownUid, runtimeFolderOf } from './mask-arguments.js';
import { namedBaseline } from './named-baseline.js';
import { writeErr } from './output.js';
import { describeTerminal } from './terminal.js';
import { VERSION } from './version.js';

function variable(name: string): string {
  const value = process.env[name];
  if (value !== undefined && value !== '') return value;
  throw new InputError('usage', `${name} is not set`, {
    remedy: '"cpugate hook criu" is for CRIU to call: criu --action-script SCRIPT.',
  });
}

const rootPid = () => Number(variable('CRTOOLS_INIT_PID'));
const imagesFolder = () => realpathSync(variable('CRTOOLS_IMAGE_DIR'));

async function beforeDump(args: Arguments): Promise<void> {
  const hook = await import('../enforce/dump-hook.js');
  const path = args.text('mask');
  const mask = path === undefined ? undefined : await namedBaseline(path);
  hook.beforeDump(imagesFolder(), rootPid(), process.ppid, {
    mask,
    cpugate: VERSION,
    runtimeFolder: runtimeFolderOf(args),
  });
}

async function afterDump(): Promise<void> {
  const hook = await import('../enforce/dump-hook.js');
  hook.afterDump(imagesFolder(), process.ppid);
}

async function beforeRestore(args: Arguments): Promise<void> {
  const { judgeRestore, planSupervision } = await import('./restore-plan.js');
  const hook = await import('../enforce/restore-hook.js');
  const judged = await judgeRestore(args, imagesFolder());
  if (!judged.report.permitted) {
    writeErr(checkText(judged.report, describeTerminal(false), false));
    throw new InputError('refused', "cpugate's gate refuses the restore", {
      remedy: '"cpugate check --from IMAGES --to localhost" gives the reasons.',
    });
  }
  const folder = runtimeFolderOf(args);
  const plan = planSupervision(args, judged);
  hook.forgetSupervision(folder, process.ppid);
  if (plan !== undefined) hook.noteSupervision(folder, ownUid(), process.ppid, plan);
}

async function beforeResume(args: Arguments): Promise<void> {
  const { recallSupervision, stopTree } = await import('../enforce/restore-hook.js');
  if (recallSupervision(runtimeFolderOf(args), process.ppid) !== undefined) stopTree(rootPid());
}

async function afterResume(args: Arguments): Promise<void> {
  const hook = await import('../enforce/restore-hook.js');
  const folder = runtimeFolderOf(args);
  const plan = hook.recallSupervision(folder, process.ppid);
  hook.forgetSupervision(folder, process.ppid);
  if (plan === undefined) return;
  const root = rootPid();
  const cgroup = hook.cgroupOf(root);
  await hook.adoptTree(cgroup === undefined ? plan : { ...plan, cgroup }, root);
}

const STAGES: Readonly<Record<string, (args: Arguments) => Promise<void>>> = {
  'pre-dump': beforeDump,
  'post-dump': afterDump,
  'pre-restore': beforeRestore,
  'pre-resume': beforeResume,
  'post-resume': afterResume,
};

export async function runCriuStage(args: Arguments): Promise<void> {
  await STAGES[variable('CRTOOLS_SCRIPT_ACTION')]?.(args);
}
