/**
 * Other projects' test suites: how each is built, which programs it has, and what their ends and
 * outputs say. Nothing of them is kept here; their sources are given.
 */
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
} from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { END, type Program, type Results } from './compare.js';

export interface TestProgram extends Program {
  readonly command: readonly string[];
  /** Where it is run; undefined: in an empty folder. */
  readonly folder?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

/** 128 and the number for a signal, as shells and the supervisor have it; undefined: out of time. */
export type ExitStatus = number | undefined;

export interface Suite {
  readonly name: string;
  readonly title: string;
  /** What --NAME takes. */
  readonly argument: string;
  /** Builds in `built` what is given as `source`. */
  build(source: string, built: string): void;
  programs(source: string, built: string): readonly TestProgram[];
  /** Statuses that aren't failures; otherwise 0 alone. */
  readonly ends: Readonly<Record<number, string>>;
  cases(output: string): Readonly<Record<string, string>>;
}

const LAST_SIGNAL = 128 + 64;

export const OUT_OF_TIME = 'out of time';

/** What an exit status says in a suite. */
export function endOf(suite: Pick<Suite, 'ends'>, status: ExitStatus): string {
  if (status === undefined) return OUT_OF_TIME;
  const known = { 0: 'passes', ...suite.ends }[status];
  if (known !== undefined) return known;
  return status > 128 && status <= LAST_SIGNAL ? `signal ${status - 128}` : `fails (${status})`;
}

export function resultsOf(suite: Suite, status: ExitStatus, output: string): Results {
  return { ...suite.cases(output), [END]: endOf(suite, status) };
}

/** A case that comes more than once has all its results. */
function collect(pairs: Iterable<readonly [name: string, result: string]>): Record<string, string> {
  const sets = new Map<string, Set<string>>();
  for (const [name, result] of pairs) {
    const set = sets.get(name) ?? new Set();
    sets.set(name, set.add(result));
  }
  return Object.fromEntries([...sets].map(([name, set]) => [name, [...set].sort().join(' and ')]));
}

/** Addresses, process numbers and times in names differ from run to run. */
function withoutNumbers(name: string): string {
  return name.replace(/0x[0-9a-f]+|\d{3,}(?:\.\d+)?/gi, 'N');
}

/** The Test Anything Protocol, as the kernel's tests print it, with tests inside of tests. */
export function tapCases(output: string): Record<string, string> {
  const lines = output.matchAll(/^[# ]*(not ok|ok) (\d+)[ -]*(.*)$/gm);
  return collect(
    [...lines].map(([, verdict = '', number = '', text = '']) => {
      const [, name = '', directive = verdict] =
        /^(.*?)(?: *# *(SKIP|XFAIL|TODO)\b.*)?$/.exec(text) ?? [];
      return [withoutNumbers(name.trim()) || `case ${number}`, directive.toLowerCase()];
    }),
  );
}

/** "file.c:12: TPASS: …"; how often a line is reached may depend on time, so that isn't counted. */
export function ltpCases(output: string): Record<string, string> {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: LTP colours its words on request.
  const lines = output.matchAll(/^(\S+\.[ch]:\d+): (?:\x1b\[[\d;]*m)?(TPASS|TFAIL|TBROK|TCONF)/gm);
  return collect([...lines].map(([, place = '', result = '']) => [place, result]));
}

/** libc-test prints failures alone. */
export function libcTestCases(output: string): Record<string, string> {
  const lines = output.matchAll(/(?:^|\/)(src\/\S+\.c:\d+): /gm);
  return collect([...lines].map(([, place = '']) => [place, 'fails']));
}

/** unittest's list of what failed, and how many were skipped: other lines are torn by the tests' own output. */
export function unittestCases(output: string): Record<string, string> {
  const failures = [...output.matchAll(/^(FAIL|ERROR): (\w+) \((\S+?)\)/gm)].map(
    ([, result = '', , id = '']) => [id, result === 'FAIL' ? 'fails' : 'error'] as const,
  );
  const skipped = [...output.matchAll(/\bskipped=(\d+)/g)].map(([, count]) => Number(count));
  const total = skipped.reduce((sum, count) => sum + count, 0);
  return collect([...failures, ['skipped cases', `${total}`]]);
}

/** Failing parts are left out: not every library that some test wants is there. */
function make(log: string, args: readonly string[]): void {
  const file = openSync(log, 'a');
  try {
    execFileSync('make', [`-j${availableParallelism()}`, '-k', ...args], {
      stdio: ['ignore', file, file],
    });
  } catch (error) {
    if ((error as { code?: unknown }).code !== undefined) throw error;
  } finally {
    closeSync(file);
  }
}

function copySource(source: string, built: string): string {
  const copy = join(built, 'source');
  cpSync(source, copy, { recursive: true, verbatimSymlinks: true });
  return copy;
}

/** It puts the machine to sleep. */
const UNFIT = new Set(['breakpoints/step_after_suspend_test']);

/** Folders of tools/testing/selftests that are about what a program asks of the kernel. */
const SELFTESTS = [
  ...['breakpoints', 'capabilities', 'clone3', 'core', 'exec', 'fpu', 'futex', 'ipc', 'kcmp'],
  ...['landlock', 'membarrier', 'memfd', 'mincore', 'mm', 'mount', 'mount_setattr', 'mqueue'],
  ...['move_mount_set_group', 'nsfs', 'openat2', 'pid_namespace', 'pidfd', 'prctl', 'proc'],
  ...['ptrace', 'rlimits', 'rseq', 'sched', 'seccomp', 'sigaltstack', 'signal', 'size', 'splice'],
  ...['sync', 'syscall_user_dispatch', 'timens', 'timers', 'tmpfs', 'user', 'user_events', 'vDSO'],
  ...['vm', 'x86'],
];

const selftests: Suite = {
  name: 'selftests',
  title: "Linux's selftests",
  argument: 'the unpacked sources of Linux, as of Debian\'s package "linux-source"',
  build(source, built) {
    const folder = join(source, 'tools', 'testing', 'selftests');
    const targets = SELFTESTS.filter((target) => existsSync(join(folder, target)));
    const log = join(built, 'log');
    const output = `O=${join(built, 'objects')}`;
    make(log, ['-C', source, 'headers', output]);
    make(log, [
      ...['-C', folder, `TARGETS=${targets.join(' ')}`, output, 'FORCE_TARGETS='],
      ...[`INSTALL_PATH=${join(built, 'installed')}`, 'install'],
    ]);
  },
  programs(_source, built) {
    const installed = join(built, 'installed');
    const list = join(installed, 'kselftest-list.txt');
    if (!existsSync(list)) return [];
    return readFileSync(list, 'utf8')
      .split('\n')
      .filter((line) => line.includes(':'))
      .filter((line) => line.includes(':'))
      .map((line) => line.split(':') as [string, string])
      .flatMap(([target, program]) => {
        const folder = join(installed, target);
        const name = `${target}/${program}`;
        if (UNFIT.has(name) || !existsSync(join(folder, program))) return [];
        return { suite: 'selftests', name, command: [`./${program}`], folder };
      });
  },
  ends: { 4: 'skips' },
  cases: tapCases,
};

const ltp: Suite = {
  name: 'ltp',
  title: "the Linux Test Project's system calls",
  argument: 'its sources (github.com/linux-test-project/ltp)',
  build(source, built) {
    const copy = copySource(source, built);
    const log = join(built, 'log');
    const configure = `./configure --prefix=${join(built, 'installed')} --without-modules`;
    make(log, ['-C', copy, 'autotools']);
    execFileSync('sh', ['-c', `${configure} >>${log} 2>&1`], { cwd: copy });
    const tests = ['testcases/kernel/syscalls', 'testcases/lib'];
    for (const folder of ['lib', 'libs', ...tests]) make(log, ['-C', join(copy, folder)]);
    for (const folder of tests) make(log, ['-C', join(copy, folder), 'install']);
  },
  programs(source, built) {
    const root = join(built, 'installed');
    const bin = join(root, 'testcases', 'bin');
    if (!existsSync(bin)) return [];
    const there = new Set(readdirSync(bin));
    return readFileSync(join(source, 'runtest', 'syscalls'), 'utf8')
      .split('\n')
      .map((line) => /^(\w[\w.-]*)\s+((\S+).*)$/.exec(line))
      .flatMap((found) => {
        const [, name = '', command = '', program = ''] = found ?? [];
        if (!there.has(program)) return [];
        return {
          suite: 'ltp',
          name,
          command: ['sh', '-c', `exec ${command}`],
          environment: {
            LTPROOT: root,
            PATH: `${bin}:${process.env.PATH ?? ''}`,
            LTP_COLORIZE_OUTPUT: 'n',
            // The limit is ours: a slow machine fails no test.
            LTP_TIMEOUT_MUL: '20',
            // Distributions keep the kernel's configuration in different places.
            KCONFIG_SKIP_CHECK: 'y',
          },
        };
      });
  },
  ends: { 32: 'skips' },
  cases: ltpCases,
};

const LIBC_FOLDERS = ['functional', 'regression'];

const libcTest: Suite = {
  name: 'libc-test',
  title: 'libc-test',
  argument: 'its sources (git://repo.or.cz/libc-test)',
  build(source, built) {
    const copy = copySource(source, built);
    const programs = LIBC_FOLDERS.flatMap((folder) =>
      readdirSync(join(copy, 'src', folder))
        .filter((file) => file.endsWith('.c'))
        .map((file) => `src/${folder}/${file.slice(0, -2)}`),
    );
    const config = join(copy, 'config.mak');
    if (!existsSync(config)) cpSync(join(copy, 'config.mak.def'), config);
    const wanted = programs.flatMap((path) => [`${path}.exe`, `${path}-static.exe`]);
    mkdirSync(built, { recursive: true });
    make(join(built, 'log'), ['-C', copy, ...wanted]);
  },
  programs(_source, built) {
    const src = join(built, 'source', 'src');
    return LIBC_FOLDERS.flatMap((folder) =>
      readdirSync(join(src, folder))
        .filter((file) => file.endsWith('.exe'))
        .sort()
        .map((file) => ({
          suite: 'libc-test',
          name: `${folder}/${file.slice(0, -'.exe'.length)}`,
          command: [join(src, folder, file)],
        })),
    );
  },
  ends: {},
  cases: libcTestCases,
};

/** Of CPython's modules of tests those that are about processes, signals, threads, files and time. */
const PYTHON_MODULES = [
  ...['asyncio.test_base_events', 'asyncio.test_events', 'asyncio.test_locks'],
  ...['asyncio.test_selector_events', 'asyncio.test_streams', 'asyncio.test_subprocess'],
  ...['asyncio.test_tasks', 'asyncio.test_unix_events', 'asyncio.test_waitfor'],
  ...['atexit', 'bdb', 'cmd_line', 'concurrent_futures', 'context', 'contextlib', 'ctypes'],
  ...['devpoll', 'eintr', 'epoll', 'exceptions', 'faulthandler', 'fcntl', 'fileio', 'fork1', 'gc'],
  ...['getpass', 'hashlib', 'importlib', 'io', 'kqueue', 'largefile', 'lib2to3', 'math', 'mmap'],
  ...['multiprocessing_fork', 'multiprocessing_forkserver', 'multiprocessing_main_handling'],
  ...['multiprocessing_spawn', 'openpty', 'os', 'pdb', 'pickle', 'pipes', 'poll', 'popen', 'posix'],
  ...['posixpath', 'pty', 'queue', 'random', 'regrtest', 'resource', 'sched', 'select'],
  ...['selectors', 'shutil', 'signal', 'site', 'socket', 'socketserver', 'ssl', 'struct'],
  ...['subprocess', 'support', 'sys', 'sys_setprofile', 'sys_settrace', 'syslog', 'tempfile'],
  ...['thread', 'threadedtempfile', 'threading', 'threading_local', 'threadsignals', 'time'],
  ...['timeout', 'tracemalloc', 'uuid', 'venv', 'wait3', 'wait4', 'weakref', 'zlib'],
];

const cpython: Suite = {
  name: 'cpython',
  title: "CPython's tests",
  argument: 'a Python that has its package "test", as of Debian\'s "libpython3.11-testsuite"',
  build(source) {
    execFileSync(source, ['-c', 'import test.test_signal'], { stdio: 'ignore' });
  },
  programs(source) {
    const find = 'import os, test; print(os.path.dirname(test.__file__))';
    const folder = execFileSync(source, ['-c', find], { encoding: 'utf8' }).trim();
    const isThere = (module: string): boolean => {
      const path = module.startsWith('asyncio.')
        ? join(folder, 'test_asyncio', module.slice('asyncio.'.length))
        : join(folder, `test_${module}`);
      return existsSync(`${path}.py`) || existsSync(path);
    };
    return PYTHON_MODULES.filter(isThere).map((module) => ({
      suite: 'cpython',
      name: `test_${module}`,
      command: [source, '-m', 'test', '-v', `test_${module}`],
    }));
  },
  ends: {},
  cases: unittestCases,
};

export const SUITES: readonly Suite[] = [selftests, ltp, libcTest, cpython];
