/** The programs of test/vm/programs, compiled on this machine into a folder that guests see. */
import { execFile, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { isHere } from '../../export/tools.js';
import { projectRoot } from '../lab.js';

const WARNINGS = ['-Wall', '-Wextra', '-Wconversion', '-Wno-sign-conversion', '-Werror'];
const C = ['-D_GNU_SOURCE', '-O1', '-pthread', ...WARNINGS];
/** Inline assembly of these programs uses the stack. */
const C64 = [...C, '-mno-red-zone'];
const BARE = ['-O1', '-ffreestanding', '-nostdlib', '-static', '-fno-stack-protector'];
const AT_FIXED_PLACE = ['-fno-pie', '-no-pie'];

/** How a program can be linked, hence what runs before its main. */
const COMPILERS = {
  glibc: ['gcc', ...C64],
  'static-glibc': ['gcc', '-static', ...C64],
  'static-pie': ['gcc', '-static-pie', ...C64],
  musl: ['musl-gcc', ...C64],
  'static-musl': ['musl-gcc', '-static', ...C64],
  i386: ['gcc', '-m32', '-static', ...C],
  'no-libc': ['gcc', ...BARE, ...AT_FIXED_PLACE, ...WARNINGS],
  'no-libc-i386': ['gcc', '-m32', ...BARE, ...AT_FIXED_PLACE, ...WARNINGS],
  /** Has 32-bit code that jumps back by an absolute address. */
  low: ['gcc', ...C64, ...AT_FIXED_PLACE],
} as const;
export type Build = keyof typeof COMPILERS;

const run = promisify(execFile);
const sources = join(projectRoot, 'test', 'vm', 'programs');

export interface Programs {
  readonly folder: string;
  remove(): void;
}

export function programFile(folder: string, program: string, build: Build): string {
  return join(folder, `${program}.${build}`);
}

const missing = new Map<Build, boolean>();

/** Whether this machine can make programs of a kind; the suite skips those that it can't. */
export function canBuild(build: Build): boolean {
  const known = missing.get(build);
  if (known !== undefined) return !known;
  const compiler = COMPILERS[build][0];
  const m32 = build.includes('i386');
  const works = isHere(compiler, '--version') && (!m32 || hasLibrariesFor32Bits());
  missing.set(build, !works);
  return works;
}

function hasLibrariesFor32Bits(): boolean {
  const { stdout } = spawnSync('gcc', ['-m32', '-print-file-name=libc.a'], { encoding: 'utf8' });
  return existsSync(stdout?.trim() ?? '');
}

async function compile(
  folder: string,
  program: string,
  build: Build,
  definitions: readonly string[],
): Promise<void> {
  const [compiler, ...options] = COMPILERS[build];
  const files = ['-o', programFile(folder, program, build), join(sources, `${program}.c`)];
  await run(compiler, [...options, ...definitions, ...files]);
}

/** test/vm/programs/go; false where there is no Go. */
export async function buildGo(file: string, cache: string): Promise<boolean> {
  if (!isHere('go', 'version')) return false;
  const cwd = join(sources, 'go');
  const settings = { GOCACHE: cache, GOFLAGS: '-mod=mod', GOPROXY: 'off', GOTOOLCHAIN: 'local' };
  await run('go', ['build', '-o', file, '.'], { cwd, env: { ...process.env, ...settings } });
  return true;
}

/** test/vm/programs/java, as classes; false where there is no compiler. */
export async function buildJava(folder: string): Promise<boolean> {
  if (!isHere('javac', '-version')) return false;
  await run('javac', ['-d', folder, join(sources, 'java', 'Sees.java')]);
  return true;
}

/** Compiles each once, two at a time; `definitions` are more of the compiler's arguments. */
export async function buildPrograms(
  wanted: readonly (readonly [program: string, build: Build])[],
  definitions: readonly string[] = [],
): Promise<Programs> {
  const folder = mkdtempSync(join(tmpdir(), 'cpugate-programs-'));
  // Users without privileges run them too.
  chmodSync(folder, 0o755);
  const left = [...new Map(wanted.map((one) => [one.join('.'), one])).values()];
  const worker = async () => {
    for (let next = left.pop(); next !== undefined; next = left.pop())
      await compile(folder, ...next, definitions);
  };
  await Promise.all([worker(), worker()]);
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
