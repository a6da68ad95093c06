/**
 * Runs in a guest: the commands of a table (a JSON file) after each other, and prints how each ended
 * as a line of JSON. Output goes through a file: what a command leaves behind can't hold it open.
 * Programs are run from memory: every exec would ask the host for its file.
 */
import { spawn } from 'node:child_process';
import {
  chownSync,
  closeSync,
  cpSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  writeSync,
} from 'node:fs';
import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

export interface GuestCase {
  readonly name: string;
  readonly command: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Default: root. */
  readonly user?: number;
  /** Sent to the command once its output says "ready". */
  readonly signal?: NodeJS.Signals;
  readonly seconds: number;
}

export interface GuestOutcome {
  readonly name: string;
  /** As a shell says it: 128 + N for signal N; 124: took too long. */
  readonly status: number;
  readonly output: string;
  /** Processes that were there afterwards and not before. */
  readonly left: readonly string[];
  readonly seconds: number;
}

const OUTPUT = '/tmp/case-output';
const IN_MEMORY = '/dev/shm/programs';
const GRACE_SECONDS = 3;

/** Of processes that live and aren't the kernel's. */
function processes(): Map<number, string> {
  const list = new Map<number, string>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
      const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      const command = stat.slice(stat.indexOf('('), stat.lastIndexOf(')') + 1);
      if (parent === '2' || name === '2' || state === 'Z') continue;
      list.set(Number(name), `${name} ${command} ${state}, child of ${parent}`);
    } catch {
      // It went while we looked.
    }
  }
  return list;
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // With the one before it, as its child maybe.
  }
}

async function leftBehind(before: ReadonlyMap<number, string>): Promise<string[]> {
  for (let tries = 0; ; tries++) {
    const now = [...processes()].filter(([pid]) => !before.has(pid));
    if (now.length === 0) return [];
    if (tries < GRACE_SECONDS * 50) await sleep(20);
    else {
      for (const [pid] of now) killIfThere(pid);
      await sleep(100);
      return now.map(([, text]) => text);
    }
  }
}

async function runCase(one: GuestCase): Promise<GuestOutcome> {
  const before = processes();
  const start = Date.now();
  const file = openSync(OUTPUT, 'w', 0o666);
  const identity = one.user === undefined ? {} : { uid: one.user, gid: one.user };
  const [program = '', ...rest] = one.command;
  const child = spawn(program, rest, {
    stdio: ['ignore', file, file],
    env: { ...process.env, ...one.environment },
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
    child.kill('SIGKILL');
  }, one.seconds * 1000);
  if (one.signal !== undefined) {
    while (!late && !readFileSync(OUTPUT, 'utf8').includes('ready')) await sleep(20);
    child.kill(one.signal);
  }
  const status = await ended;
  clearTimeout(timer);
  const left = await leftBehind(before);
  return {
    name: one.name,
    status: late ? 124 : status,
    output: readFileSync(OUTPUT, 'utf8').slice(-200_000),
    left,
    seconds: (Date.now() - start) / 1000,
  };
}

async function main(file: string, programs: string): Promise<void> {
  mkdirSync('/run/user/65534', { recursive: true });
  chownSync('/run/user/65534', 65534, 65534);
  cpSync(programs, IN_MEMORY, { recursive: true });
  const text = readFileSync(file, 'utf8').replaceAll(programs, IN_MEMORY);
  const cases = JSON.parse(text) as readonly GuestCase[];
  for (const one of cases) writeSync(1, `${JSON.stringify(await runCase(one))}\n`);
}

main(process.argv[2] ?? '', process.argv[3] ?? '').catch((error: unknown) => {
  writeSync(2, `${error}\n`);
  process.exitCode = 1;
});
