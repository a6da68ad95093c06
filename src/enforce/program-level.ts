/**
 * The x86-64 level that a program needs before its first line runs: its own ELF note's, its loader's
 * and its C library's. A loader that sees less ends it ("CPU does not support x86-64-v2").
 */
import { closeSync, openSync, readSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { elfInterpreter } from '../probe/elf.js';
import { neededIsaLevel } from '../probe/isa-level-note.js';

export interface NeededLevel {
  readonly level: number;
  /** The file that asks for it. */
  readonly file: string;
}

/** As deep as the kernel follows "#!" lines (Linux exec_binprm). */
const MAX_SCRIPTS = 5;
const SHEBANG_BYTES = 256;
/** Linkers put program headers and notes at the front; a file that doesn't counts as not saying. */
const ELF_START_BYTES = 256 * 1024;

function readStart(file: string, bytes: number): Uint8Array {
  const descriptor = openSync(file, 'r');
  try {
    const buffer = Buffer.alloc(bytes);
    return buffer.subarray(0, readSync(descriptor, buffer, 0, bytes, 0));
  } finally {
    closeSync(descriptor);
  }
}

/** The program of a script's first line; undefined: no script. */
export function scriptInterpreter(start: Uint8Array): string | undefined {
  const [line = ''] = Buffer.from(start).toString('latin1').split('\n', 1);
  return /^#![ \t]*(\/[^ \t]+)/.exec(line)?.[1];
}

function readStartOrNothing(file: string, bytes: number): Uint8Array {
  try {
    return readStart(file, bytes);
  } catch {
    // What can't be read can still be executed; then it doesn't tell what it needs.
    return new Uint8Array();
  }
}

/** Follows "#!" lines; what "env NAME" starts is found by env itself, later. */
function binaryOf(program: string): string {
  let file = program;
  for (let depth = 0; depth < MAX_SCRIPTS; depth++) {
    const interpreter = scriptInterpreter(readStartOrNothing(file, SHEBANG_BYTES));
    if (interpreter === undefined) return file;
    file = interpreter;
  }
  return file;
}

/** glibc's libc.so.6 lies beside its loader in every distribution. */
function libraryBeside(loader: string): string | undefined {
  try {
    return join(dirname(realpathSync(loader)), 'libc.so.6');
  } catch {
    return undefined;
  }
}

/** The highest level that the program or what is loaded with it says it needs; undefined: none says. */
export function neededLevel(program: string): NeededLevel | undefined {
  const binary = binaryOf(program);
  const loader = elfInterpreter(readStartOrNothing(binary, ELF_START_BYTES));
  const files = [binary, loader, loader && libraryBeside(loader)].filter(
    (file) => file !== undefined,
  );
  return files
    .map((file) => ({
      file,
      level: neededIsaLevel(readStartOrNothing(file, ELF_START_BYTES)) ?? 0,
    }))
    .filter(({ level }) => level > 0)
    .reduce<NeededLevel | undefined>(
      (most, one) => (most === undefined || one.level > most.level ? one : most),
      undefined,
    );
}
