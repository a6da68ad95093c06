/** Files with code, found where the user says: files, folders, what a process has mapped. */
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
} from 'node:fs';
import { join } from 'node:path';
import type { UnreadCode } from '../model/code-audit.js';
import { InputError } from '../model/errors.js';

/** No program is that large; what is larger is data with a program's first bytes. */
export const MAX_CODE_BYTES = 1 << 30;
const ELF_MAGIC = 0x7f454c46;
const EM_X86_64 = 62;
const HEAD_BYTES = 20;
const MAX_FOLDERS_DEEP = 64;

export interface FoundCode {
  /** What people know it by. */
  readonly path: string;
  /** Where it can be opened. */
  readonly at: string;
}

export interface FoundCodes {
  readonly files: readonly FoundCode[];
  readonly unread: readonly UnreadCode[];
}

/** Undefined: no regular file. Devices and pipes aren't waited for. */
function openRegular(path: string): number | undefined {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  if (fstatSync(descriptor).isFile()) return descriptor;
  closeSync(descriptor);
  return undefined;
}

function isCode(descriptor: number): boolean {
  const head = Buffer.alloc(HEAD_BYTES);
  return (
    readSync(descriptor, head, 0, HEAD_BYTES, 0) === HEAD_BYTES &&
    head.readUInt32BE(0) === ELF_MAGIC &&
    head.readUInt16LE(18) === EM_X86_64
  );
}

/** The whole file; undefined: no program or library for x86-64. Throws what the system throws. */
export function readCode({ path, at }: FoundCode): Uint8Array | undefined {
  const descriptor = openRegular(at);
  if (descriptor === undefined) return undefined;
  try {
    if (!isCode(descriptor)) return undefined;
    const { size } = fstatSync(descriptor);
    if (size > MAX_CODE_BYTES)
      throw new InputError('too-large', `is larger than ${MAX_CODE_BYTES / 2 ** 20} MiB`, {
        place: { file: path },
        remedy: 'No program or library is that large.',
      });
    return readFileSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** All regular files below; links aren't followed, so nothing is read twice and none leads out. */
export function* filesBelow(folder: string, depth = 0): Generator<FoundCode> {
  if (depth > MAX_FOLDERS_DEEP) return;
  const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) =>
    a.name < b.name ? -1 : 1,
  );
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isFile()) yield { path, at: path };
    else if (entry.isDirectory()) {
      try {
        yield* filesBelow(path, depth + 1);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code !== 'EACCES' && code !== 'ENOENT') throw error;
      }
    }
  }
}

interface Mapping {
  readonly start: string;
  readonly end: string;
  readonly bytes: number;
  readonly name: string;
}

/** Executable ones. Source: proc(5), /proc/PID/maps. */
function executableMappings(text: string): Mapping[] {
  return text.split('\n').flatMap((line) => {
    const match = /^([0-9a-f]+)-([0-9a-f]+) ..x. \S+ \S+ \d+ *(.*)$/.exec(line);
    if (match === null) return [];
    const [, start = '', end = '', name = ''] = match;
    return [{ start, end, bytes: Number(BigInt(`0x${end}`) - BigInt(`0x${start}`)), name }];
  });
}

/** The kernel's own: no task's code. */
const KERNELS = ['[vdso]', '[vsyscall]'];
const GONE = ' (deleted)';

/** What a process has mapped to execute. Throws InputError where it can't be asked. */
export function codeOfProcess(pid: string): FoundCodes {
  let maps: string;
  try {
    maps = readFileSync(`/proc/${pid}/maps`, 'latin1');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw code === 'ENOENT'
      ? new InputError('no-such-process', `there is no process ${pid}`, { cause: error })
      : new InputError('unreadable', `what process ${pid} has mapped may not be read`, {
          remedy: 'Ask as its user, or as root.',
          cause: error,
        });
  }
  const files = new Map<string, FoundCode>();
  const unread: UnreadCode[] = [];
  for (const { start, end, bytes, name } of executableMappings(maps)) {
    if (KERNELS.includes(name)) continue;
    if (!name.startsWith('/'))
      unread.push({
        what: `memory at 0x${start} of process ${pid}`,
        why: 'made-at-run-time',
        bytes,
      });
    else if (name.endsWith(GONE)) {
      const path = name.slice(0, -GONE.length);
      // The kernel still has it, for those who may ask (CAP_CHECKPOINT_RESTORE).
      const at = `/proc/${pid}/map_files/${start}-${end}`;
      try {
        closeSync(openSync(at, 'r'));
        if (!files.has(name)) files.set(name, { path, at });
      } catch {
        unread.push({ what: path, why: 'gone', bytes });
      }
    } else if (!files.has(name)) files.set(name, { path: name, at: `/proc/${pid}/root${name}` });
  }
  return { files: [...files.values()], unread };
}
