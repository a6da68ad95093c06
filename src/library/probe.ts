/**
 * This machine as a Host, for programs. Apart from the rest of the library: it loads the native part
 * and needs Node.js on Linux and x86-64.
 */
import { probeHost as probeInner } from '../probe/index.js';
import { giveHost } from './handles.js';
import type { Host } from './shapes.js';

export interface ProbeOptions {
  /** What reports call the host; default: the machine's name. */
  readonly name?: string;
  /** Whether a child process tries if CPUID can be made to trap; default: true. */
  readonly faulting?: boolean;
}

/** All that this machine shows. Rejects with InputError ("no-probe") where it can't be asked. */
export async function probeHost({ name, ...options }: ProbeOptions = {}): Promise<Host> {
  const host = probeInner(options);
  return giveHost(name === undefined ? host : { ...host, name });
}
