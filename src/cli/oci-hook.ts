/**
 * "cpugate hook oci": a createRuntime hook. The container's first process exists then and waits for
 * the engine; its exec of the container's program is still to come, so that the supervisor, which
 * holds it from here on, arms that program before its first instruction.
 * Source: OCI runtime specification, config.md "POSIX-platform Hooks", runtime.md "State".
 */
import { readFileSync } from 'node:fs';
import { startInBackground, supervisorLog } from '../enforce/background.js';
import { cgroupToWatch } from '../enforce/cgroups.js';
import { writeMaskFile } from '../enforce/mask-file.js';
import { livingProcess, requireProc } from '../enforce/processes.js';
import { isRestore } from '../enforce/restoring.js';
import { attachArguments } from '../enforce/supervisor-arguments.js';
import { described } from '../model/capabilities.js';
import { InputError } from '../model/errors.js';
import { probeHost } from '../probe/index.js';
import type { Arguments } from './arguments.js';
import { maskOf, ownUid, runtimeFolderOf } from './mask-arguments.js';
import { maskHere } from './mask-for-host.js';
import { writeErr } from './output.js';
import { withoutCgroup } from './supervision-lines.js';

/** The state that the engine writes to a hook's standard input. */
function containerPid(): number {
  try {
    const state = JSON.parse(readFileSync(0, 'utf8')) as { pid?: unknown; status?: unknown };
    if (Number.isSafeInteger(state.pid) && Number(state.pid) > 1) return Number(state.pid);
  } catch {
    // Said below.
  }
  throw new InputError('usage', 'standard input holds no state of a container with a "pid"', {
    remedy: 'It is for a container engine to call, as a createRuntime hook.',
  });
}

export async function runOciHook(args: Arguments): Promise<void> {
  const named = await maskOf(args);
  requireProc();
  const pid = livingProcess(containerPid(), "the container's first process");
  if (isRestore(pid, runtimeFolderOf(args))) return;
  const { mask } = maskHere(named, described(probeHost({ libc: false })));
  const runtimeFolder = runtimeFolderOf(args);
  const cgroup = cgroupToWatch(pid);
  if (cgroup.watched === undefined) writeErr(`cpugate: ${withoutCgroup(cgroup.why)}\n`);
  const command = attachArguments({
    maskFile: writeMaskFile(mask, runtimeFolder, ownUid(), named),
    runtimeFolder,
    pids: [pid],
    cgroups: cgroup.watched === undefined ? [] : [cgroup.watched],
    isBackground: true,
    isFromStart: true,
  });
  const { status } = startInBackground(runtimeFolder, ownUid(), command);
  if (status !== 0)
    throw new InputError(
      'supervisor',
      `the container can't be put under the mask (status ${status})`,
      { place: { file: supervisorLog(runtimeFolder) }, remedy: 'The file holds the reason.' },
    );
}
