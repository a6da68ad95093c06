/** One host is asked over ssh: the probe goes there, its answer comes back. What comes is anybody's. */
import { spawn } from 'node:child_process';
import { REMOTE_COMMAND } from './remote-script.js';
import type { Target } from './targets.js';

export interface AskOptions {
  /** The program and its first arguments. */
  readonly ssh: readonly string[];
  /** cpugate-probe. */
  readonly probe: Uint8Array;
  readonly timeoutMs: number;
}

export interface Answer {
  /** Exit status; 128 and more: a signal. Undefined: it was ended, for `cut`. */
  readonly status: number | undefined;
  /** What ended it: time, or an answer that had no end. */
  readonly cut?: 'time' | 'size';
  readonly stdout: Buffer;
  /** The last of it. */
  readonly stderr: Buffer;
}

/** Hosts with hundreds of CPUs of several kinds have a tenth of it. */
export const MOST_ANSWER_BYTES = 8 * 1024 * 1024;
const STDERR_BYTES = 8192;

/** Each a group of its own, which ends with all that it started. */
const running = new Set<number>();

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

/** For whoever ends this program. */
export function endAllQuestions(): void {
  for (const pid of running) killGroup(pid);
}

/** Rejects with the system's error where ssh can't be started. */
export function askHost(target: Target, { ssh, probe, timeoutMs }: AskOptions): Promise<Answer> {
  const [program = 'ssh', ...first] = ssh;
  const port = target.port === undefined ? [] : ['-p', String(target.port)];
  const args = [...first, ...port, target.destination, REMOTE_COMMAND];
  return new Promise((resolve, reject) => {
    // Detached: its own session, so that nothing asks at the terminal and no child is left.
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
    const pid = child.pid;
    if (pid !== undefined) running.add(pid);
    const parts: Buffer[] = [];
    let size = 0;
    let stderr = Buffer.alloc(0);
    let cut: Answer['cut'];
    const end = (why: 'time' | 'size') => {
      cut ??= why;
      if (pid !== undefined) killGroup(pid);
      child.stdout.destroy();
      child.stderr.destroy();
    };
    const timer = setTimeout(end, timeoutMs, 'time');
    child.stdout.on('data', (part: Buffer) => {
      size += part.length;
      if (size > MOST_ANSWER_BYTES) end('size');
      else parts.push(part);
    });
    child.stderr.on('data', (part: Buffer) => {
      stderr = Buffer.concat([stderr, part]).subarray(-STDERR_BYTES);
    });
    // A host that takes no probe says why on standard error.
    child.stdin.on('error', () => {});
    child.stdin.end(probe);
    const finish = () => {
      clearTimeout(timer);
      if (pid !== undefined) running.delete(pid);
    };
    child.on('error', (error) => {
      finish();
      reject(error);
    });
    child.on('close', (status, signal) => {
      // What it started and left running holds no pipe of ours, and nothing that is worth waiting for.
      if (pid !== undefined) killGroup(pid);
      finish();
      const ended = signal === null ? (status ?? 128) : 128;
      resolve({
        status: cut === undefined ? ended : undefined,
        ...(cut === undefined ? {} : { cut }),
        stdout: Buffer.concat(parts),
        stderr,
      });
    });
  });
}
