/** The table: a program, how it is linked, what it is told, and how it ends (0 unless said). */
import type { Build } from './build-programs.js';
import type { MaskName } from './masks.js';

export interface TrapCase {
  readonly program: string;
  readonly builds: readonly Build[];
  /** "@name.build" is another program of the suite, "@mode" the word "bare" or "masked". */
  readonly args?: readonly string[];
  /** Beside the program's name, where one program is run in several ways. */
  readonly how?: string;
  readonly status?: number;
  /** Under the mask, where that differs by nature, with what the supervisor says of it. */
  readonly masked?: { readonly status: number; readonly says: RegExp };
  /** Without privileges, the supervisor too. */
  readonly unprivileged?: true;
  readonly mask?: MaskName;
  readonly only?: 'bare' | 'masked';
  /** Sent to the supervisor, or to the program that runs bare, when the program says "ready". */
  readonly signal?: NodeJS.Signals;
}

const ALL = ['glibc', 'static-glibc', 'musl', 'static-musl', 'i386'] as const;
const TWO = ['glibc', 'i386'] as const;
const EVERY_EXEC = [
  '@sees.glibc',
  '@sees.static-glibc',
  '@sees.static-pie',
  '@sees.musl',
  '@sees.static-musl',
  '@sees.i386',
];
const SECCOMP_ON_ARCH_PRCTL = ['errno', 'trap', 'kill'];

export const TRAP_CASES: readonly TrapCase[] = [
  { program: 'sees', builds: [...ALL, 'static-pie'] },
  { program: 'sees', how: 'unprivileged', builds: ['glibc', 'i386'], unprivileged: true },
  { program: 'before_main', builds: ALL },
  { program: 'exec_roads', builds: TWO, args: EVERY_EXEC },
  {
    program: 'exec_chain',
    builds: ['glibc'],
    args: ['24', ...ALL.map((build) => `@exec_chain.${build}`)],
  },
  { program: 'exec_loop', builds: ['no-libc', 'no-libc-i386'], args: ['50', '@mode'] },
  {
    program: 'exec_attack',
    builds: ['glibc'],
    args: ['200', '1', '@exec_loop.no-libc', '0', '@mode'],
  },
  {
    program: 'exec_attack',
    how: 'unprivileged',
    builds: ['glibc'],
    args: ['200', '2', '@exec_loop.no-libc', '0', '@mode'],
    unprivileged: true,
  },
  { program: 'socket_attack', builds: TWO },
  { program: 'socket_attack', how: 'unprivileged', builds: ['glibc'], unprivileged: true },
  { program: 'exec_thread', builds: ['glibc', 'static-musl', 'i386'] },
  { program: 'vfork', builds: ['glibc', 'static-musl', 'i386'] },
  { program: 'clone_flags', builds: TWO },
  { program: 'clone_flags', how: 'unprivileged', builds: ['glibc'], unprivileged: true },
  { program: 'clone3', builds: TWO },
  { program: 'clone3_errors', builds: TWO },
  { program: 'clone3_errors', how: 'unprivileged', builds: TWO, unprivileged: true },
  { program: 'clone_parent', builds: ['glibc'], status: 3 },
  { program: 'threads_race', builds: ['glibc', 'static-musl', 'i386'] },
  { program: 'fork_tree', builds: ['glibc', 'i386'] },
  { program: 'daemon', builds: ['glibc'] },
  { program: 'churn', builds: ['glibc'], args: ['20'] },
  { program: 'undumpable', builds: TWO },
  { program: 'undumpable', how: 'unprivileged', builds: ['glibc'], unprivileged: true },
  { program: 'segv_handler', builds: ['glibc', 'static-musl', 'i386'] },
  { program: 'segv_ignored', builds: ['glibc', 'static-musl', 'i386'] },
  { program: 'segv_ignored_exec', builds: ['glibc', 'static-glibc', 'static-musl', 'i386'] },
  { program: 'segv_blocked', builds: ['glibc', 'static-musl', 'i386'] },
  { program: 'segv_pending', builds: TWO },
  { program: 'segv_waited', builds: TWO },
  { program: 'segv_flags', builds: TWO },
  { program: 'segv_altstack', builds: TWO },
  { program: 'segv_real', builds: TWO },
  { program: 'prefixes', builds: TWO },
  { program: 'page_end', builds: TWO },
  { program: 'made_code', builds: ['glibc', 'static-glibc', 'static-musl'] },
  { program: 'registers', builds: TWO },
  { program: 'single_step', builds: TWO },
  { program: 'traceme', builds: ['glibc'] },
  { program: 'compat_segment', builds: ['low'] },
  { program: 'ldt_segment', builds: ['low', 'i386'] },
  { program: 'ldt_segment', how: 'unprivileged', builds: ['low', 'i386'], unprivileged: true },
  { program: 'sig_ignored_race', builds: TWO },
  { program: 'ignored_signal', builds: TWO },
  { program: 'rseq', builds: ['glibc', 'static-musl'] },
  { program: 'uffd_freeze', builds: TWO },
  { program: 'job_control', builds: TWO },
  { program: 'job_threads', builds: TWO },
  { program: 'stop_in_call', builds: TWO },
  { program: 'restart', builds: TWO },
  { program: 'arch_prctl', builds: ['glibc', 'static-musl', 'i386'] },
  { program: 'arch_prctl', how: 'unprivileged', builds: TWO, unprivileged: true },
  { program: 'xcomp', builds: TWO },
  { program: 'auxv', builds: ALL },
  { program: 'auxv', how: 'without FSGSBASE', builds: ALL, mask: 'sandybridge', only: 'masked' },
  { program: 'per_cpu', builds: TWO },
  { program: 'pid_namespace', builds: TWO },
  { program: 'pid_namespace', how: 'unprivileged', builds: ['glibc'], unprivileged: true },
  ...SECCOMP_ON_ARCH_PRCTL.map((action) => ({
    program: 'seccomp',
    how: `${action}, then exec`,
    builds: TWO,
    args: [action, '@sees.static-glibc'],
  })),
  ...['errno-all', 'kill-all'].map((action) => ({
    program: 'seccomp',
    how: `${action}, then exec`,
    builds: ['glibc'] as const,
    args: [action, '@exec_loop.no-libc', '2', '@mode'],
  })),
  ...['strict', 'few'].map((action) => ({
    program: 'seccomp',
    how: action,
    builds: TWO,
    args: [action],
  })),
  {
    program: 'seccomp',
    how: 'kill, then exec, unprivileged',
    builds: ['glibc'],
    args: ['kill', '@sees.static-glibc'],
    unprivileged: true,
    // Only with CAP_SYS_ADMIN can a filter be held off while the new program is armed.
    masked: { status: 137, says: /^cpugate: .*(seccomp|can't be made to trap)/m },
  },
  ...(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR1'] as const).map((signal, index) => ({
    program: 'wait_signal',
    how: `gets ${signal}`,
    builds: ['glibc'] as const,
    args: [`${[15, 2, 1, 10][index]}`, `${40 + index}`],
    signal,
    status: 40 + index,
    ...(index < 2 ? {} : { only: 'bare' as const }),
  })),
  {
    program: 'wait_signal',
    how: 'loses its supervisor',
    builds: ['glibc'],
    args: ['15', '40'],
    signal: 'SIGKILL',
    status: 137,
  },
];

const AS_NOBODY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
/** "@" is the folder of the suite's programs; the modes of these files are set first. */
export const PREPARATION = [
  'cd @; cp ids.glibc set-root; chown 0 set-root; chmod 4755 set-root',
  'cp ids.glibc set-nobody; chown 65534 set-nobody; chmod 4755 set-nobody',
  'cp sees.static-glibc unreadable; chmod 711 unreadable',
].join('\n');
/** Bare and masked: set-user-id programs keep their privileges if the supervisor has its own. */
export const SETUID_CASES: readonly {
  readonly name: string;
  readonly command: readonly string[];
  readonly unprivileged?: true;
  readonly only?: 'bare' | 'masked';
  readonly status?: number;
}[] = [
  { name: 'set-user-id root, run by a user', command: [...AS_NOBODY, '@/set-root', '0'] },
  { name: 'set-user-id of another user', command: ['@/set-nobody', '65534'] },
  {
    name: 'set-user-id root, by an unprivileged supervisor: without privileges',
    command: ['@/set-root', '65534'],
    unprivileged: true,
    only: 'masked',
  },
  {
    name: 'set-user-id root, bare',
    command: ['@/set-root', '0'],
    unprivileged: true,
    only: 'bare',
  },
  { name: 'a program that may only be executed', command: ['@/unreadable'] },
  {
    name: 'a program that may only be executed, unprivileged, bare',
    command: ['@/unreadable'],
    unprivileged: true,
    only: 'bare',
  },
  {
    // It can't be looked into, so not armed: better not at all than unmasked.
    name: 'a program that may only be executed, unprivileged: killed',
    command: ['@/unreadable'],
    unprivileged: true,
    only: 'masked',
    status: 137,
  },
];

/** Commands of a shell and system, under the mask only: what becomes of their end. */
export const STATUS_CASES: readonly { name: string; command: readonly string[]; status: number }[] =
  [
    { name: 'exit 0', command: ['sh', '-c', 'exit 0'], status: 0 },
    { name: 'exit 7', command: ['sh', '-c', 'exit 7'], status: 7 },
    { name: 'exit 255', command: ['sh', '-c', 'exit 255'], status: 255 },
    { name: 'SIGTERM', command: ['sh', '-c', 'kill -TERM $$'], status: 143 },
    { name: 'SIGKILL', command: ['sh', '-c', 'kill -KILL $$'], status: 137 },
    { name: 'SIGSEGV', command: ['sh', '-c', 'kill -SEGV $$'], status: 139 },
    { name: 'SIGINT', command: ['sh', '-c', 'kill -INT $$'], status: 130 },
    { name: 'not found', command: ['/nonexistent/program'], status: 127 },
    { name: 'not found in PATH', command: ['no-such-program'], status: 127 },
    { name: 'not executable', command: ['/etc/passwd'], status: 126 },
    { name: 'a folder', command: ['/etc'], status: 126 },
  ];
