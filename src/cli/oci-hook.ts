/**
 * "cpugate hook oci": a createRuntime hook. The container's first process exists then and waits for
 * the engine; its exec of the container's program is still to come, so that the supervisor, which
 * holds it from here on, arms that program before its first instruction.
 * Source: OCI runtime specification, config.md "POSIX-platform Hooks", runtime.md "State".
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { supervisorLog, withLog } from '../enforce/background.js';
import { writeMaskFile } from '../enforce/mask-file.js';
import { cgroupOf } from '../enforce/restore-hook.js';
import { findSupervisor } from '../enforce/supervisor.js';
import { FROM_START } from '../enforce/supervisor-control.js';
import { described } from '../model/capabilities.js';
import { InputError } from '../model/errors.js';
import { probeHost } from '../probe/index.js';
import type { Arguments } from './arguments.js';
import { maskOf, ownUid, runtimeFolderOf } from './mask-arguments.js';
import { maskHere } from './mask-for-host.js';

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
  const pid = containerPid();
  const folder = runtimeFolderOf(args);
  const mask = writeMaskFile(
    maskHere(named, described(probeHost({ libc: false }))).mask,
    folder,
    ownUid(),
  );
  const cgroup = cgroupOf(pid);
  const command = [
    ...['attach', '--mask', mask, '--runtime-dir', folder, '--background', '--pid', `${pid}`],
    ...['--pid-file', join(folder, `${FROM_START}${pid}`)],
    ...(cgroup === undefined ? [] : ['--cgroup', cgroup]),
  ];
  const { status } = withLog(folder, ownUid(), (stdio) =>
    spawnSync(findSupervisor(), command, { stdio }),
  );
  if (status !== 0)
    throw new InputError(
      'supervisor',
      `the container can't be put under the mask (status ${status})`,
      { place: { file: supervisorLog(folder) }, remedy: 'The file holds the reason.' },
    );
}
