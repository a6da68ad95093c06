/**
 * clearcpuid=: Linux does without the features. CPUID goes on showing them to programs, but state that
 * Linux doesn't enable (AVX-512, AMX, protection keys) is off in XCR0, can't be used by anybody and
 * doesn't count into the XSAVE area; and what Linux sets up for programs (FSGSBASE) isn't set up.
 *
 * Names as /proc/cpuinfo prints them are taken from Linux 5.19 on; numbers, which older ones want,
 * aren't stable. Linux taints itself, and clears what depends on a cleared feature
 * (arch/x86/kernel/cpu/cpuid-deps.c). It reads the value into 128 bytes and of several clearcpuid=
 * takes the last (arch/x86/kernel/cpu/common.c, cpu_parse_early_param): a longer list is cut in the
 * middle of a name without a word.
 */
import type { Baseline } from '../baseline/baseline.js';
import { VISIBLE_ORDER } from '../baseline/host-kind.js';
import { COMPONENTS, type FeatureName, featureRow } from '../catalogue/index.js';
import { hasFlag } from '../formats/proc-cpuinfo-flags.js';
import { hiddenFeatures, neverHidden } from './hidden-features.js';
import { notExpressed, note, type Remark } from './remark.js';
import type { Exported, Target } from './target.js';

/** One byte of the 128 ends the text. */
export const LONGEST_VALUE = 127;

const STATE_SWITCHES: ReadonlySet<string> = new Set(COMPONENTS.flatMap((row) => row.enabledBy));

/** Features whose clearing a program can notice otherwise than by a look at /proc/cpuinfo. */
const NOTICED: ReadonlySet<FeatureName> = new Set(['xsave', 'fsgsbase', 'shstk', 'ibt']);

/** Bits that show what Linux enabled, and so go with what they show. */
const SHOWS: Partial<Record<FeatureName, FeatureName>> = { ospke: 'pku', osxsave: 'xsave' };

/** The value has little room: what matters most comes first. */
function rank(name: FeatureName): number {
  if (STATE_SWITCHES.has(name) || NOTICED.has(name)) return 0;
  return featureRow(name).class === 'isa' ? 1 : 2;
}

/** Whether Linux clears the feature when it clears these. */
function fallsWith(name: FeatureName, cleared: ReadonlySet<FeatureName>): boolean {
  const linuxNeeds = (featureRow(name).needs ?? [])
    .filter(({ sources }) => sources.split(' ').includes('linux'))
    .map(({ on }) => on as FeatureName);
  const shown = SHOWS[name];
  return [...linuxNeeds, ...(shown === undefined ? [] : [shown])].some(
    (needed) => cleared.has(needed) || fallsWith(needed, cleared),
  );
}

export interface Clearing {
  /** To be named; what depends on one of them falls with it. */
  readonly names: readonly FeatureName[];
  /** For which the value has no room. */
  readonly left: readonly FeatureName[];
}

/** Takes prerequisites before what needs them, so that few names do. */
export function namesToClear(features: readonly FeatureName[]): Clearing {
  const wanted = new Set(features);
  const ordered = VISIBLE_ORDER.filter((name) => wanted.has(name)).sort(
    (a, b) => rank(a) - rank(b),
  );
  const names = new Set<FeatureName>();
  let room = LONGEST_VALUE;
  for (const name of ordered) {
    const length = name.length + (names.size === 0 ? 0 : 1);
    if (length > room || fallsWith(name, names)) continue;
    names.add(name);
    room -= length;
  }
  const left = features.filter((name) => !names.has(name) && !fallsWith(name, names));
  return { names: [...names], left };
}

const HEAD: readonly Remark[] = [
  'Kernel parameter for hosts that have more than the baseline. Linux 5.19 and later take names; older ones need numbers, which change with every release.',
  'It does not hide a feature from CPUID. It does switch state off (AVX-512, AMX, protection keys), which shrinks XCR0 and the XSAVE area, and it takes the flags out of /proc/cpuinfo and AT_HWCAP2.',
  'Linux is tainted by it (flag S), and since 7.2 no longer documents it: meant for tests. A virtual CPU model or CPUID faulting is the better way where there is one.',
].map(note);

function write(baseline: Baseline): Exported {
  const hidden = hiddenFeatures(baseline);
  const usable = hidden.filter(hasFlag);
  const { names, left } = namesToClear(usable);
  const cleared = new Set(names);
  const nameless = hidden.filter((name) => !hasFlag(name) && !fallsWith(name, cleared));
  const needed = neverHidden(baseline);
  const lost: string[] = [];
  if (nameless.length > 0) lost.push(`Linux has no name for ${nameless.join(', ')}.`);
  if (needed.length > 0) lost.push(`${needed.join(', ')} left out: Linux itself can't do without.`);
  if (left.length > 0)
    lost.push(`${left.join(', ')} left out: the value holds ${LONGEST_VALUE} characters.`);
  if (names.length > 0)
    lost.push(
      `CPUID goes on showing ${names.join(', ')}: programs that ask it and not XGETBV still find them.`,
    );
  const nothing = names.length === 0 ? [note('No host has anything to clear.')] : [];
  return {
    content: names.length === 0 ? '' : `clearcpuid=${names.join(',')}\n`,
    remarks: [...HEAD, ...nothing, ...lost.map(notExpressed)],
  };
}

export const clearcpuid: Target = {
  name: 'clearcpuid',
  file: 'clearcpuid.txt',
  comments: 'hash',
  write,
};
