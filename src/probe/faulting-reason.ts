/** Puts into words what the attempt to make CPUID trap met. */
import { constants } from 'node:os';
import { getSystemErrorName } from 'node:util';
import type { SystemFacts } from '../model/host.js';
import type { FaultingVerdict } from './addon.js';

/** What is known of the machine, to say why it doesn't work. */
export interface FaultingContext {
  readonly kernel: string;
  /** The hypervisor's signature; empty or undefined: none, or not known. */
  readonly hypervisor: string | undefined;
  /** The CPU itself says that it can (gp_on_user_cpuid), as AMD CPUs do that have it. */
  readonly offeredByCpu: boolean;
}

function errorName(number: number): string {
  try {
    return getSystemErrorName(-number);
  } catch {
    return `error ${number}`;
  }
}

function signalName(number: number): string {
  const found = Object.entries(constants.signals).find(([, value]) => value === number);
  return found?.[0] ?? `signal ${number}`;
}

const WHO_HAS_IT = 'Intel has it from Ivy Bridge on, AMD from Zen 4 on';

function whyUnsupported(error: string, { kernel, hypervisor, offeredByCpu }: FaultingContext) {
  if (error !== 'ENODEV')
    return `the kernel (${kernel}) doesn't know ARCH_SET_CPUID (${error}); Linux does from 4.12 on`;
  const offer = 'the kernel offers no CPUID faulting (ARCH_SET_CPUID: ENODEV)';
  if (offeredByCpu)
    return `${offer}: the CPU has it, but Linux uses AMD's from 6.17 on, and this is ${kernel}`;
  if (hypervisor)
    return `${offer}: the CPU lacks it (${WHO_HAS_IT}) or the hypervisor (${hypervisor}) hides it`;
  return `${offer}: the CPU lacks it (${WHO_HAS_IT})`;
}

/**
 * The verdict as a host keeps it; `remark` where the attempt itself went wrong, which says nothing
 * about the machine.
 */
export function describeFaulting(
  { how, number }: FaultingVerdict,
  context: FaultingContext,
): { readonly fact?: NonNullable<SystemFacts['cpuidFaulting']>; readonly remark?: string } {
  const no = (reason: string) => ({ fact: { works: false, reason } });
  const notTold = (why: string) => ({ remark: `Whether CPUID faulting works is unknown: ${why}.` });
  switch (how) {
    case 'works':
      return {
        fact: {
          works: true,
          reason:
            'a child process that switched CPUID off (ARCH_SET_CPUID) got SIGSEGV on executing it',
        },
      };
    case 'unsupported':
      return no(whyUnsupported(errorName(number), context));
    case 'refused':
      return no(
        `ARCH_SET_CPUID was refused (${errorName(number)}), as a container's seccomp filter does`,
      );
    case 'no-trap':
      return no(
        'ARCH_SET_CPUID succeeded, but CPUID still gave an answer: the hypervisor lacks what it ' +
          'promises, or this process runs under a CPUID mask itself',
      );
    case 'odd-trap':
      return no(`CPUID raised SIGSEGV with si_code ${number}, not with SI_KERNEL`);
    case 'killed':
      return no(
        `the child process that tried it was killed by ${signalName(number)}` +
          (number === constants.signals.SIGSYS ? ': a seccomp filter forbids it' : ''),
      );
    case 'timeout':
      return notTold('the child process that tried it did not end in time');
    case 'no-child':
      return notTold(`no child process could be started to try it (${errorName(number)})`);
    case 'lost':
      return notTold('the child process that tried it ended without an answer');
  }
}
