/** What must hold before tasks go under a mask here. Each refusal says why, and what to do. */
import type { Baseline } from '../baseline/baseline.js';
import { LEVELS } from '../catalogue/index.js';
import { type CompiledMask, compileMask } from '../mask/compile.js';
import { findMisfits } from '../mask/host-fits.js';
import { describeHost } from '../model/capabilities.js';
import { InputError } from '../model/errors.js';
import type { Host } from '../model/host.js';
import type { NeededLevel } from './program-level.js';

/** The code of errors that mean: not on this host. */
export const UNAVAILABLE = 'unavailable';

const WHAT_REMAINS =
  'Other ways on this host: settings that hide features from one runtime ("cpugate export BASELINE --for ' +
  'glibc" and others), a virtual machine with the baseline as its CPU ("--for qemu", "--for ' +
  'libvirt"), or moving tasks only between hosts that "cpugate check" calls compatible.';

function refuseWithoutFaulting({ system, remarks }: Host): void {
  const faulting = system?.cpuidFaulting;
  if (faulting?.works) return;
  const why =
    faulting === undefined
      ? `. ${remarks.find((one) => one.includes('faulting')) ?? 'Whether CPUID faulting works is unknown.'}`
      : `: ${faulting.reason}`;
  throw new InputError(UNAVAILABLE, `CPUID can't be masked on this host${why}`, {
    remedy: WHAT_REMAINS,
  });
}

function refuseMisfits(baseline: Baseline, host: Host): void {
  const misfits = findMisfits(baseline, describeHost(host));
  if (misfits.length === 0) return;
  throw new InputError(UNAVAILABLE, misfits.map(({ reason }) => reason).join('; '), {
    remedy: [...new Set(misfits.map(({ remedy }) => remedy))].join(' '),
  });
}

/** Throws InputError where this host can't give the baseline; its mask otherwise. */
export function maskForHost(baseline: Baseline, host: Host): CompiledMask {
  refuseWithoutFaulting(host);
  refuseMisfits(baseline, host);
  return compileMask(baseline);
}

/** A program built for a level above the baseline's ends, or crashes, before its first line. */
export function refuseHigherLevel(baseline: Baseline, needed: NeededLevel | undefined): void {
  const shown = LEVELS.findIndex(({ name }) => name === baseline.level) + 1;
  if (needed === undefined || needed.level <= shown) return;
  throw new InputError(
    'level-too-low',
    `needs ${LEVELS[needed.level - 1]?.name}, and the baseline shows ` +
      `${baseline.level === undefined ? 'not even x86-64-v1' : `only ${baseline.level}`}`,
    {
      place: { file: needed.file },
      remedy:
        'Use a build for the lower level (another release of the distribution, where it is the C library ' +
        'that needs it), or keep hosts below the level out of the baseline.',
    },
  );
}
