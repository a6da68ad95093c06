/** Asks this machine. */
import { readFileSync } from 'node:fs';
import { hostname, release } from 'node:os';
import type { Host } from '../model/host.js';
import { loadAddon, type ProbeAddon, refuseOtherMachines } from './addon.js';
import { hostFromAnswers, type MachineAnswers } from './host-from-answers.js';
import { findLibc } from './proc-files.js';

export interface ProbeOptions {
  /**
   * Whether a child tries if CPUID can be made to trap; default true. 'offered': only where the kernel
   * doesn't offer it, for a caller whose supervisor will try it anyway (a child of Node's takes 3 ms).
   */
  readonly faulting?: boolean | 'offered';
  /** Whether the C library is read for the x86-64 level that it was built for; default true. */
  readonly libc?: boolean;
}

function readBytes(path: string): Uint8Array | undefined {
  try {
    return readFileSync(path);
  } catch {
    // A sandbox may hide any of these files; what they would tell is then unknown.
    return undefined;
  }
}

function readText(path: string): string | undefined {
  const bytes = readBytes(path);
  return bytes && Buffer.from(bytes).toString('latin1');
}

function readLibc(): Uint8Array | undefined {
  const path = findLibc(readText('/proc/self/maps') ?? '');
  return path === undefined ? undefined : readBytes(path);
}

function askFaulting(
  addon: ProbeAddon,
  { faulting = true }: ProbeOptions,
): MachineAnswers['faulting'] {
  if (faulting === false) return undefined;
  if (faulting === 'offered' && addon.offersCpuidFaulting()) return { how: 'works', number: 0 };
  return addon.cpuidFaulting();
}

function askMachine(addon: ProbeAddon, options: ProbeOptions): MachineAnswers {
  const glibcVersion = addon.glibcVersion();
  return {
    hostname: hostname(),
    kernel: release(),
    cpus: addon.probeCpus(),
    onlineCpus: readText('/sys/devices/system/cpu/online'),
    cpuinfo: readText('/proc/cpuinfo'),
    auxiliaryVector: readBytes('/proc/self/auxv'),
    glibcVersion,
    libc: glibcVersion === undefined || options.libc === false ? undefined : readLibc(),
    xcompSupported: addon.xcompSupported(),
    faulting: askFaulting(addon, options),
  };
}

/** This machine as a host. Throws InputError "no-probe" where it can't be asked. */
export function probeHost(options: ProbeOptions = {}): Host {
  refuseOtherMachines(process.platform, process.arch);
  return hostFromAnswers(askMachine(loadAddon(), options));
}
