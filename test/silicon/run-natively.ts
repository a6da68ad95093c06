/**
 * A table of commands run on this machine, some at once. What a command leaves behind is known by a word
 * in the environment that it was started with.
 */
import { spawn } from 'node:child_process';
import {
  chownSync,
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { GuestCase, GuestOutcome } from '../vm/masking/run-cases.js';
import { supervisorFile } from '../vm/masking/supervisor.js';

export const isRoot: boolean = process.getuid?.() === 0;

const MARK = 'CPUGATE_TEST_CASE';
const GRACE_MILLISECONDS = 3000;

function pidsOf(mark: string): number[] {
  const isOurs = (name: string) => {
    try {
      const words = readFileSync(`/proc/${name}/environ`, 'latin1').split('\0');
      return /^\d+$/.test(name) && words.includes(`${MARK}=${mark}`);
    } catch {
      // Gone, or another user's.
      return false;
    }
  };
  return readdirSync('/proc').filter(isOurs).map(Number);
}

function nameOf(pid: number): string {
  try {
    return `${pid} ${readFileSync(`/proc/${pid}/comm`, 'utf8').trim()}`;
  } catch {
    return `${pid}`;
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // With the one before it, as its child maybe.
  }
}

async function leftBehind(mark: string): Promise<string[]> {
  const limit = Date.now() + GRACE_MILLISECONDS;
  let pids = pidsOf(mark);
  for (; pids.length > 0 && Date.now() < limit; pids = pidsOf(mark)) await sleep(20);
  const names = pids.map(nameOf);
  for (const pid of pids) kill(pid);
  return names;
}

/** Where a supervisor of a user has its sockets. */
export function runtimeFolder(folder: string, user?: number): string {
  const path = join(folder, user === undefined ? 'run' : `run-${user}`);
  mkdirSync(path, { recursive: true, mode: 0o700 });
  if (user !== undefined && isRoot) chownSync(path, user, user);
  return path;
}

/** The supervisor of a folder, as a command whose sockets are in that folder, too. */
export function supervisorWithFolder(folder: string, user?: number): string {
  const path = join(folder, user === undefined ? 'supervisor.sh' : `supervisor-${user}.sh`);
  const runtime = runtimeFolder(folder, user);
  const script = `verb=$1; shift\nexec '${supervisorFile(folder)}' $verb --runtime-dir '${runtime}' "$@"`;
  writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return path;
}

async function runCase(one: GuestCase, folder: string, mark: string): Promise<GuestOutcome> {
  const start = Date.now();
  const path = join(folder, `output-${mark}`);
  const file = openSync(path, 'w', 0o666);
  const identity = one.user === undefined || !isRoot ? {} : { uid: one.user, gid: one.user };
  const [program = '', ...rest] = one.command;
  const child = spawn(program, rest, {
    stdio: ['ignore', file, file],
    env: { ...process.env, ...one.environment, [MARK]: mark },
    cwd: folder,
    ...identity,
  });
  closeSync(file);
  let late = false;
  const ended = new Promise<number>((resolve) => {
    child.on('error', () => resolve(127));
    child.on('exit', (code, signal) =>
      resolve(signal === null ? (code ?? -1) : 128 + constants.signals[signal]),
    );
  });
  const timer = setTimeout(() => {
    late = true;
    for (const pid of pidsOf(mark)) kill(pid);
    child.kill('SIGKILL');
  }, one.seconds * 1000);
  if (one.signal !== undefined) {
    while (!late && !readFileSync(path, 'utf8').includes('ready')) await sleep(10);
    child.kill(one.signal);
  }
  const status = await ended;
  clearTimeout(timer);
  const left = await leftBehind(mark);
  const output = readFileSync(path, 'utf8').slice(-200_000);
  return {
    name: one.name,
    status: late ? 124 : status,
    output,
    left,
    seconds: (Date.now() - start) / 1000,
  };
}

/** What became of each, by name. `folder` is one that every user may enter. */
export async function runNatively(
  cases: readonly GuestCase[],
  folder: string,
  atOnce = 3,
): Promise<ReadonlyMap<string, GuestOutcome>> {
  const outcomes = new Map<string, GuestOutcome>();
  const left = [...cases.entries()].reverse();
  const worker = async () => {
    for (let next = left.pop(); next !== undefined; next = left.pop()) {
      const [index, one] = next;
      outcomes.set(one.name, await runCase(one, folder, `${process.pid}-${index}`));
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return outcomes;
}
