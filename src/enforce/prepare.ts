/** What must hold before tasks go under a mask here. Each refusal says why, and what to do. */
import type { Baseline } from '../baseline/baseline.js';
import { judgeUnder } from '../baseline/under-mask.js';
import { LEVELS } from '../catalogue/index.js';
import { refuses } from '../judge/verdict.js';
import { type CompiledMask, compileMask } from '../mask/compile.js';
import type { Described } from '../model/capabilities.js';
import { InputError } from '../model/errors.js';
import type { Host } from '../model/host.js';
import { advicesOf, groupFindings } from '../rules/group.js';
import type { Finding } from '../rules/index.js';
import type { NeededLevel } from './program-level.js';
import type { NamedBaseline } from './recorded-mask.js';
import type { Trap } from './trap.js';

/** The code of errors that mean: not on this host. */
export const UNAVAILABLE = 'unavailable';

/** Where the host was tried. */
export function trapHere(trap: Trap, { system }: Host): Exclude<Trap, 'auto'> {
  if (trap !== 'auto') return trap;
  return system?.cpuidFaulting?.works ? 'faulting' : 'patch';
}

const WHAT_REMAINS =
  'Other ways on this host: "cpugate run --trap patch", which changes CPUID in the code of programs that mean ' +
  'no harm, settings that hide features from one runtime ("cpugate export BASELINE --for ' +
  'glibc" and others), a virtual machine with the baseline as its CPU ("--for qemu", "--for ' +
  'libvirt"), or moving tasks only between hosts that "cpugate check" calls compatible.';

function refuseWithoutFaulting({ system, remarks }: Host): void {
  const faulting = system?.cpuidFaulting;
  if (faulting?.works) return;
  // Why it isn't known, if that is known, is among the remarks.
  const why =
    faulting === undefined
      ? ['. Whether CPUID faulting works is unknown.', ...remarks].join(' ')
      : `: ${faulting.reason}`;
  throw new InputError(UNAVAILABLE, `CPUID can't be masked on this host${why}`, {
    remedy: WHAT_REMAINS,
  });
}

/** The findings in a few words, for the refusal's one message. */
function summary(findings: readonly Finding[]): string {
  return groupFindings(findings)
    .map(({ code, subjects, effect }) =>
      [code, ...(subjects.length === 0 ? [] : [subjects.join(', ')]), effect].join(': '),
    )
    .join(' ');
}

export interface HostMask extends CompiledMask {
  /** What may harm some tasks under the mask here, and doesn't refuse it. */
  readonly risks: readonly Finding[];
}

/**
 * Throws InputError where CPUID can't be masked, or where tasks that see the baseline could fail by the
 * judge's word; its mask otherwise.
 */
export function maskForHost(
  { name, baseline }: Pick<NamedBaseline, 'name' | 'baseline'>,
  { host, seen }: Described,
  trap: Trap = 'faulting',
): HostMask {
  if (trap === 'faulting') refuseWithoutFaulting(host);
  const { verdict, findings } = judgeUnder(name, baseline, seen);
  if (refuses(verdict, 'unknown')) {
    const against = findings.filter(({ severity }) => ['blocker', 'unknown'].includes(severity));
    throw new InputError(UNAVAILABLE, `${host.name} can't give ${name}: ${summary(against)}`, {
      remedy: advicesOf(against).join(' '),
    });
  }
  const risks = findings.filter(({ severity }) => severity === 'risk');
  return { ...compileMask(baseline), risks };
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
