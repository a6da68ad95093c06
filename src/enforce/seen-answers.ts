/** Starts a program under the mask that prints what it sees, and reads that. */
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import type { OtherRoads } from '../mask/leaks.js';
import type { SeenAnswers } from '../mask/verify.js';
import { InputError } from '../model/errors.js';
import type { LeafRow } from '../model/leaves.js';
import { saidBySupervisor } from './supervisor.js';
import { runArguments } from './supervisor-arguments.js';
import type { Trap } from './trap.js';

const LIMIT_MS = 60_000;
const ROW = /^(?:[0-9a-f]{1,8} ){5}[0-9a-f]{1,8}$/;
const WORD = /^([a-z][a-z0-9-]*) ([0-9a-f]{1,20})$/;

function rowOf(line: string): LeafRow {
  const [leaf = 0, subleaf = 0, eax = 0, ebx = 0, ecx = 0, edx = 0] = line
    .split(' ')
    .map((word) => Number.parseInt(word, 16));
  return { leaf, subleaf, eax, ebx, ecx, edx };
}

/** As native/supervisor/probe.cc prints them: decimal, unlike all others. */
const DECIMAL: ReadonlySet<string> = new Set(['minsigstksz', 'arch-get-cpuid']);

function readWord(name: string, digits: string): bigint {
  return BigInt(DECIMAL.has(name) ? digits : `0x${digits}`);
}

/** The output of "cpugate-supervisor probe": rows of six hexadecimal numbers, and words by name. */
export function parseSeenAnswers(text: string): SeenAnswers {
  const rows: LeafRow[] = [];
  const words = new Map<string, bigint>();
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const word = WORD.exec(line);
    if (ROW.test(line)) rows.push(rowOf(line));
    else if (word !== null)
      words.set(word[1] as string, readWord(word[1] as string, word[2] as string));
    else
      throw new InputError(
        'no-probe',
        `the program that asks CPUID printed "${line.slice(0, 80)}"`,
      );
  }
  const frame = words.get('minsigstksz');
  return {
    rows,
    xcr0: words.get('xcr0'),
    hwcap: words.get('hwcap'),
    hwcap2: words.get('hwcap2'),
    minSigStackBytes: frame === undefined ? undefined : Number(frame),
  };
}

/** Throws InputError where the prober didn't come to its end. */
export function probeUnderMask(
  supervisor: string,
  maskFile: string,
  runtimeFolder: string,
  trap: Trap = 'faulting',
): SeenAnswers {
  const command = [...runArguments({ maskFile, runtimeFolder, trap }), supervisor, 'probe'];
  const { status, signal, stdout, stderr, error } = spawnSync(supervisor, command, {
    encoding: 'utf8',
    timeout: LIMIT_MS,
    maxBuffer: 16 * 1024 * 1024,
  });
  if (status === 0) return parseSeenAnswers(stdout);
  const how = error?.message ?? (signal === null ? `exit status ${status}` : `${signal}`);
  throw new InputError(
    'no-probe',
    `the program under the mask failed (${how}): ${saidBySupervisor(stderr)}`,
  );
}

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

export function otherRoads(trap: Exclude<Trap, 'auto'>): OtherRoads {
  return {
    cpuidDevice: isReadable('/dev/cpu/0/cpuid'),
    kvm: isReadable('/dev/kvm'),
    patched: trap === 'patch',
  };
}
