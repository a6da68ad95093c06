/** "cpugate hook criu": what CRIU's stages mean to cpugate. Others, and newer ones, pass. */
import { realpathSync } from 'node:fs';
import { CRIU_STAGES, type CriuStage } from '../enforce/criu-script.js';
import { InputError } from '../model/errors.js';
import { checkText } from '../report/text/check.js';
import { waysOnText } from '../report/text/ways-on.js';
import type { Arguments } from './arguments.js';
import { failOnOf } from './fail-on.js';
import { ExplainedRefusal } from './hook-failure.js';
import { ownUid, runtimeFolderOf } from './mask-arguments.js';
import { namedBaseline } from './named-baseline.js';
import { writeErr } from './output.js';
import { withoutCgroup } from './supervision-lines.js';
import { describeTerminal } from './terminal.js';
import { VERSION } from './version.js';

function variable(name: string): string {
  const value = process.env[name];
  if (value !== undefined && value !== '') return value;
  throw new InputError('usage', `${name} is not set`, {
    remedy: '"cpugate hook criu" is for CRIU to call: criu --action-script SCRIPT.',
  });
}

/** Throws InputError where it isn't there. */
async function rootPid(): Promise<number> {
  const { livingProcess } = await import('../enforce/processes.js');
  return livingProcess(Number(variable('CRTOOLS_INIT_PID')), "CRIU's root task");
}

const imagesFolder = () => realpathSync(variable('CRTOOLS_IMAGE_DIR'));

async function beforeDump(args: Arguments): Promise<void> {
  const hook = await import('../enforce/dump-hook.js');
  const path = args.text('mask');
  const mask = path === undefined ? undefined : await namedBaseline(path);
  hook.beforeDump(imagesFolder(), await rootPid(), process.ppid, {
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
  const { logRestore } = await import('../enforce/restore-log.js');
  const hook = await import('../enforce/restore-hook.js');
  const judged = await judgeRestore(args, imagesFolder());
  if (!judged.report.permitted) {
    const style = describeTerminal(false);
    const text = checkText(judged.report, style, false) + waysOnText(judged.report, style.width);
    writeErr(text);
    throw new ExplainedRefusal(
      "cpugate's gate refuses the restore",
      '"cpugate why" and "cpugate check --from IMAGES --to localhost" give the reasons.',
      text,
    );
  }
  const folder = runtimeFolderOf(args);
  const supervision = planSupervision(args, judged);
  const stopped = judged.images.record?.stopped;
  hook.writeNote(folder, ownUid(), hook.callingCriu(), { supervision, stopped });
  logRestore(folder, ownUid(), judged.report, { failOn: failOnOf(args) });
}

async function beforeResume(args: Arguments): Promise<void> {
  const hook = await import('../enforce/restore-hook.js');
  const note = hook.readNote(runtimeFolderOf(args), hook.callingCriu());
  const step = hook.stepAt('pre-resume', note);
  if (step !== undefined) await hook.takeStep(step, note, await rootPid());
}

async function afterResume(args: Arguments): Promise<void> {
  const hook = await import('../enforce/restore-hook.js');
  const folder = runtimeFolderOf(args);
  const criu = hook.callingCriu();
  const note = hook.readNote(folder, criu);
  hook.removeNote(folder, criu);
  const step = hook.stepAt('post-resume', note);
  if (step === undefined) return;
  const remark = await hook.takeStep(step, note, await rootPid());
  if (remark !== undefined) writeErr(`cpugate: ${withoutCgroup(remark)}\n`);
}

const STAGES: Readonly<Record<CriuStage, (args: Arguments) => Promise<void>>> = {
  'pre-dump': beforeDump,
  'post-dump': afterDump,
  'pre-restore': beforeRestore,
  'pre-resume': beforeResume,
  'post-resume': afterResume,
};

export async function runCriuStage(args: Arguments): Promise<void> {
  const stage = variable('CRTOOLS_SCRIPT_ACTION');
  const known = CRIU_STAGES.find((name) => name === stage);
  if (known !== undefined) await STAGES[known](args);
}
