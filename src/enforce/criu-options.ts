/**
 * CRIU's command line, read as CRIU itself reads it (getopt_long), so that no spelling of an option that
 * is cpugate's slips through, and the commands that cpugate makes of it. Pure.
 * Source: CRIU 3.17.1 and 4.2, criu/config.c (short_opts, long_opts).
 */
import { InputError } from '../model/errors.js';

/** Short and long names of an option that cpugate itself gives, and why the user can't. */
interface OwnOption {
  readonly short?: string;
  readonly long: readonly string[];
  readonly why: string;
}

/** "no-" undoes what cpugate asks for: CRIU has it for each of its switches. */
function withOpposite(...names: readonly string[]): string[] {
  return names.flatMap((name) => [name, `no-${name}`]);
}

const IMAGES: OwnOption = {
  short: 'D',
  long: ['images-dir'],
  why: 'cpugate takes it as --images',
};
const STOPPED: OwnOption = {
  short: 's',
  long: ['leave-stopped'],
  why: 'cpugate stops and continues tasks under a mask itself',
};

export const OWN_DUMP_OPTIONS: readonly OwnOption[] = [IMAGES, STOPPED];

export const OWN_RESTORE_OPTIONS: readonly OwnOption[] = [
  IMAGES,
  STOPPED,
  { long: ['cpu-cap'], why: 'cpugate itself decides whether the CPU suffices' },
  {
    short: 'd',
    // "daemon" is the older name.
    long: withOpposite('restore-detached', 'daemon'),
    why: 'CRIU ends when all tasks are restored anyway',
  },
  {
    short: 'S',
    long: withOpposite('restore-sibling'),
    why: 'the supervisor learns how the tasks end',
  },
  { long: ['exec-cmd'], why: 'the supervisor runs once the tasks are restored' },
];

/** Short options with a value, which is the rest of the word or the next one. */
const VALUED = 'tDoJrWLM';
/** Those whose value may be left out: it is the rest of the word alone. */
const PERHAPS_VALUED = 'vx';
/** Long options whose value is the next word where the word has no "=". */
const LONG_VALUED: readonly string[] = [
  ...['tree', 'images-dir', 'work-dir', 'log-file', 'join-ns', 'root', 'close', 'pidfile'],
  ...[
    'veth-pair',
    'action-script',
    'address',
    'port',
    'prev-images-dir',
    'libdir',
    'ext-mount-map',
  ],
  ...['cgroup-root', 'inherit-fd', 'feature', 'skip-mnt', 'enable-fs', 'freeze-cgroup'],
  ...['ghost-limit', 'irmap-scan-path', 'lsm-profile', 'timeout', 'external', 'empty-ns'],
  ...['cgroup-props', 'cgroup-props-file', 'cgroup-dump-controller', 'status-fd', 'ps-socket'],
  ...['config', 'tls-cacert', 'tls-cacrl', 'tls-cert', 'tls-key', 'cgroup-yard', 'pre-dump-mode'],
  ...['file-validation', 'lsm-mount-context', 'network-lock'],
];

interface Given {
  /** As it was written. */
  readonly word: string;
  readonly short?: string;
  /** Perhaps cut short: getopt_long takes any beginning that is clear. */
  readonly long?: string;
  readonly value: string | undefined;
}

/** An exact name is that option, whatever other names begin with it. */
function isCutFrom(written: string, name: string): boolean {
  return written === name || (name.startsWith(written) && !LONG_VALUED.includes(written));
}

interface Read {
  readonly options: readonly Given[];
  /** Whether the next word is a value. */
  readonly usesNext: boolean;
}

function readShort(word: string, next: string | undefined): Read {
  const options: Given[] = [];
  for (let place = 1; place < word.length; place++) {
    const short = word[place] as string;
    const rest = word.slice(place + 1);
    if (VALUED.includes(short)) {
      options.push({ word, short, value: rest === '' ? next : rest });
      return { options, usesNext: rest === '' };
    }
    options.push({ word, short, value: undefined });
    if (PERHAPS_VALUED.includes(short)) break;
  }
  return { options, usesNext: false };
}

function readLong(word: string, next: string | undefined): Read {
  const [, long = '', given] = /^--([^=]*)(?:=(.*))?$/s.exec(word) ?? [];
  const takesNext = given === undefined && LONG_VALUED.some((name) => isCutFrom(long, name));
  // A name that is cut short may be another option, without a value, in another version of CRIU.
  const usesNext = takesNext && LONG_VALUED.includes(long);
  return { options: [{ word, long, value: takesNext ? next : given }], usesNext };
}

/** All options, in order. What is not an option, and all behind "--", is left out. */
function optionsIn(args: readonly string[]): Given[] {
  const found: Given[] = [];
  for (let place = 0; place < args.length; place++) {
    const word = args[place] as string;
    const next = args[place + 1];
    if (word === '--') break;
    if (!word.startsWith('-') || word === '-') continue;
    const { options, usesNext } = word.startsWith('--')
      ? readLong(word, next)
      : readShort(word, next);
    found.push(...options);
    if (usesNext) place++;
  }
  return found;
}

function isOption({ short, long }: Given, option: Omit<OwnOption, 'why'>): boolean {
  if (long === undefined) return short === option.short;
  return long !== '' && option.long.some((name) => isCutFrom(long, name));
}

/** Throws InputError for an option that is cpugate's. */
export function refuseOwnOptions(args: readonly string[], own: readonly OwnOption[]): void {
  for (const given of optionsIn(args)) {
    const option = own.find((one) => isOption(given, one));
    if (option !== undefined)
      throw new InputError('usage', `${given.word} can't be passed to CRIU: ${option.why}`, {
        remedy: 'Leave it out.',
      });
  }
}

function lastValue(args: readonly string[], short: string, long: string): string | undefined {
  return optionsIn(args).findLast((given) => isOption(given, { short, long: [long] }))?.value;
}

/** The process whose tree is to be dumped. Throws InputError where none is named. */
export function treeOf(args: readonly string[]): number {
  const given = lastValue(args, 't', 'tree') ?? '';
  const pid = Number(given);
  if (/^[0-9]+$/.test(given) && Number.isSafeInteger(pid) && pid > 1) return pid;
  throw new InputError('usage', 'the tasks to dump are missing', {
    remedy: 'For example: cpugate dump --images DIR -- --tree PID --shell-job',
  });
}

/** The same with another root: of options that are given twice, CRIU takes the last. */
export function withTree(args: readonly string[], root: number): string[] {
  const end = args.indexOf('--');
  const place = end === -1 ? args.length : end;
  return [...args.slice(0, place), '--tree', `${root}`, ...args.slice(place)];
}

/** No shell and no engine gives higher ones; a list of all lower ones is made. */
const HIGHEST_DESCRIPTOR = 1023;

/**
 * Open files of ours that CRIU's options name by their numbers, above the three standard ones: they are
 * handed on. "--inherit-fd fd[5]:pipe:[1234]", "--status-fd 3", "--ps-socket 7".
 */
export function descriptorsIn(args: readonly string[]): number[] {
  const numbers = optionsIn(args).flatMap((given) => {
    const value = given.value ?? '';
    if (isOption(given, { long: ['status-fd', 'ps-socket'] })) return [value];
    const [, inherited] = /^fd\[(\d+)\]:/.exec(value) ?? [];
    return isOption(given, { long: ['inherit-fd'] }) && inherited !== undefined ? [inherited] : [];
  });
  const valid = numbers.filter((text) => /^\d{1,4}$/.test(text)).map(Number);
  return [...new Set(valid)].filter((one) => one > 2 && one <= HIGHEST_DESCRIPTOR);
}

export interface DumpPlan {
  readonly images: string;
  /** What CRIU calls at its stages. */
  readonly script: string;
  /** The user's, behind "--". */
  readonly given: readonly string[];
}

export function dumpArguments({ images, script, given }: DumpPlan): string[] {
  return ['dump', '--images-dir', images, '--action-script', script, ...given];
}

export interface RestoreArguments {
  readonly images: string;
  /** Whether a supervisor takes the tasks: then none may run before. */
  readonly leavesStopped: boolean;
  /** For logs and statistics, where the user names none: CRIU's own choice is the images' folder. */
  readonly workFolder: string;
  readonly given: readonly string[];
}

export function restoreArguments(plan: RestoreArguments): string[] {
  const { images, leavesStopped, workFolder, given } = plan;
  return [
    ...['restore', '--images-dir', images, '--restore-detached', '--cpu-cap=none'],
    ...(leavesStopped ? ['--leave-stopped'] : []),
    ...(lastValue(given, 'W', 'work-dir') === undefined ? ['--work-dir', workFolder] : []),
    ...given,
  ];
}
