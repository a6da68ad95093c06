/** Finds and loads the native addon. Its other side is native/probe/addon.cc. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { InputError } from '../model/errors.js';
import { BUILD_NATIVES, nativeFolders, thisPlatform } from './natives.js';
import { packageRoot } from './package-root.js';

/** One logical CPU's answers. */
export interface CpuAnswer {
  /** Linux's number. */
  readonly cpu: number;
  /** Not 0: couldn't be asked (errno; EAGAIN where it went away meanwhile), and nothing else holds. */
  readonly error: number;
  /** Six numbers a row: leaf, subleaf, EAX, EBX, ECX, EDX. */
  readonly leaves: Uint32Array;
  /** XGETBV(0); undefined: the OS doesn't use XSAVE. */
  readonly xcr0: bigint | undefined;
  /** XGETBV(1); undefined: the CPU doesn't tell. */
  readonly xinuse: bigint | undefined;
}

/** What a child met that switched CPUID off and executed it (native/probe/faulting.h). */
export interface FaultingVerdict {
  readonly how:
    | 'works'
    | 'unsupported'
    | 'refused'
    | 'no-trap'
    | 'odd-trap'
    | 'killed'
    | 'timeout'
    | 'no-child'
    | 'lost';
  /** errno, si_code or signal, as `how` says; else 0. */
  readonly number: number;
}

export interface ProbeAddon {
  /** Asks every CPU that this process may use. */
  probeCpus(): CpuAnswer[];
  cpuidFaulting(): FaultingVerdict;
  /** Whether the kernel takes the switch; only a trial tells whether it does anything. */
  offersCpuidFaulting(): boolean;
  /** Undefined: the kernel is older than 5.16. */
  xcompSupported(): bigint | undefined;
  /** Undefined: another C library. */
  glibcVersion(): string | undefined;
  /**
   * Executes a program in Node's place; the last `kept` arguments of Node's own command line follow
   * the given ones, byte by byte. Gives errno where that fails.
   */
  replaceProcess(file: string, args: readonly string[], kept: number): number;
  /**
   * Takes an open file for this process alone until it is closed, without waiting. Gives 0 or errno:
   * EAGAIN where another process has it.
   */
  lockFile(descriptor: number): number;
}

const FUNCTIONS = [
  'probeCpus',
  'cpuidFaulting',
  'offersCpuidFaulting',
  'xcompSupported',
  'glibcVersion',
  'replaceProcess',
  'lockFile',
] as const;

const ELSEWHERE =
  'Files and named profiles work here; for another host, run "cpugate probe -o FILE" there and give FILE.';

/** Throws where no build of the addon could exist. */
export function refuseOtherMachines(platform: string, arch: string): void {
  if (platform === 'linux' && arch === 'x64') return;
  throw new InputError(
    'no-probe',
    `only Linux on x86-64 can be probed, and this is Node.js for ${platform} on ${arch}`,
    { remedy: ELSEWHERE },
  );
}

/** `from`: a file of the package. */
export function loadAddon(from: string = import.meta.filename): ProbeAddon {
  const root = packageRoot(from);
  if (root === undefined)
    throw notLoaded(`${from} is not below a folder with cpugate's package.json`);
  const tried: NotLoaded[] = [];
  for (const folder of nativeFolders(root)) {
    const loaded = tryLoad(join(folder, 'cpugate_probe.node'));
    if ('addon' in loaded) return loaded.addon;
    tried.push(loaded);
  }
  const why = tried.map((one) => one.why).join('; ');
  throw notLoaded(`${why}; ${thisPlatform()}`, tried.find((one) => one.cause)?.cause);
}

interface NotLoaded {
  readonly why: string;
  readonly cause?: unknown;
}

function tryLoad(file: string): { readonly addon: ProbeAddon } | NotLoaded {
  if (!existsSync(file)) return { why: `${file} is missing` };
  let addon: unknown;
  try {
    addon = createRequire(import.meta.filename)(file);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.split('\n', 1)[0] : String(cause);
    return { why: `${file} can't be loaded: ${why}`, cause };
  }
  const missing = FUNCTIONS.find((name) => typeof (addon as ProbeAddon)[name] !== 'function');
  if (missing !== undefined) return { why: `${file} is of another version: it has no ${missing}` };
  return { addon: addon as ProbeAddon };
}

function notLoaded(why: string, cause?: unknown): InputError {
  return new InputError('no-probe', `the native addon that asks the CPU can't be used: ${why}`, {
    remedy: `${BUILD_NATIVES} ${ELSEWHERE}`,
    cause,
  });
}
