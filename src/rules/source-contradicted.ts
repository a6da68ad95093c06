/**
 * The user has named the host of the dump, and the images tell something else: state that it doesn't
 * enable, frames and sizes of another kernel or CPU, CPUID as a process's C library has read it.
 * What the images can't tell: the vDSO, which the kernel's build decides.
 * Sources: Linux arch/x86/kernel/fpu/signal.c (sw_reserved), arch/x86/include/asm/elf.h (AT_HWCAP is
 * leaf 1 EDX as the kernel has it, AT_HWCAP2 RING3MWAIT and FSGSBASE).
 */
import {
  COMPONENT,
  COMPONENTS,
  componentMask,
  componentName,
  type FeatureName,
  isLegacyState,
  ROWS,
} from '../catalogue/index.js';
import type { Capabilities } from '../model/capabilities.js';
import type { ImageProcess, KeptCpuid } from '../model/image-folder.js';
import { findLeaf, readRegister } from '../model/leaves.js';
import { isUserVisible } from '../model/prerequisites.js';
import { bitMask, bitsOf, hasBit, hasBit64 } from '../model/registers.js';
import { seenSignature } from '../model/signature.js';
import {
  ABSENT,
  PRESENT,
  type Presence,
  presenceInMask,
  presenceOfBits,
  UNKNOWN,
} from '../model/xsave.js';
import type { Context } from './context.js';
import type { Found } from './finding.js';
import { firstOf, nameProcess } from './processes.js';
import { rule } from './rule.js';

type Facts = {
  /** What the images tell, as the object of a sentence: "AVX-512 state", "a signal frame of 1776 bytes". */
  readonly what: string;
  readonly says: 'has' | 'lacks' | 'differs';
  readonly processes: readonly string[];
  /** The host that the user names. */
  readonly source: string;
};

type Clash = Pick<Facts, 'what' | 'says'>;

const AT = { hwcap: 16, hwcap2: 26, minSigStack: 51 } as const;
type Row = (typeof ROWS)[number];
/** By permission, in frames of tasks that asked for it. */
const TILES = componentMask([COMPONENT.xtile_cfg, COMPONENT.xtile_data]);
/** The kernel sets or clears these, or a microcode does, while the CPU stays what it is. */
const NOT_CONSTANT: ReadonlySet<FeatureName> = new Set(['osxsave', 'ospke', 'rtm', 'hle']);

const USER_STATE: readonly number[] = COMPONENTS.filter(
  ({ bit, kind }) => !isLegacyState(bit) && kind === 'user',
).map(({ bit }) => bit);

/** Components in some registers or frame that the host doesn't enable. */
function stateClashes({ threads, signalFrames }: ImageProcess, told: Capabilities): Clash[] {
  const frames = signalFrames.known ? signalFrames.value : [];
  const seen =
    threads.reduce((all, { xsave }) => all | (xsave?.xstateBv ?? 0n), 0n) |
    frames.reduce((all, { features }) => all | features, 0n);
  const held = USER_STATE.filter(
    (bit) => hasBit64(seen, bit) && presenceInMask(told.xsave.enabled, bit) === ABSENT,
  );
  // A frame names all that its kernel has enabled.
  const lacking = frames.flatMap(({ features }) =>
    bitsOf(told.xsave.enabled.value & told.xsave.enabled.known & ~features & ~TILES).filter(
      (bit) => !isLegacyState(bit),
    ),
  );
  return [
    ...held.map((bit): Clash => ({ what: `${componentName(bit)} state`, says: 'has' })),
    ...[...new Set(lacking)].map(
      (bit): Clash => ({ what: `${componentName(bit)} state in a signal frame`, says: 'lacks' }),
    ),
  ];
}

/** What the kernel told a process at its start. */
function vectorClashes({ auxv }: ImageProcess, told: Capabilities): Clash[] {
  const clashes: Clash[] = [];
  const frame = auxv.get(AT.minSigStack);
  const bytes = told.system.minSigStackBytes;
  if (frame !== undefined && bytes !== undefined && Number(frame) !== bytes)
    clashes.push({ what: `AT_MINSIGSTKSZ of ${frame} bytes, not of ${bytes}`, says: 'differs' });
  const [extra, shown] = [auxv.get(AT.hwcap2), told.system.hwcap2];
  if (extra !== undefined && shown !== undefined && extra !== shown)
    clashes.push({ what: `AT_HWCAP2 of ${extra}, not of ${shown}`, says: 'differs' });
  const first = auxv.get(AT.hwcap);
  if (first === undefined) return clashes;
  for (const { leaf, reg, bit, name } of ROWS) {
    if (leaf !== 1 || reg !== 'edx' || typeof bit !== 'number') continue;
    if (isUserVisible(name) && hasBit(Number(first), bit) && told.hardware(name) === ABSENT)
      clashes.push({ what: `${name} in AT_HWCAP`, says: 'has' });
  }
  return clashes;
}

/** A leaf that isn't kept says nothing, whatever the highest one is. */
function keptPresence({ leaves }: KeptCpuid, { leaf, subleaf, reg, bit }: Row): Presence {
  if (typeof bit !== 'number' || findLeaf(leaves, leaf, subleaf) === undefined) return UNKNOWN;
  return presenceOfBits(readRegister(leaves, leaf, subleaf, reg), bitMask(bit));
}

/** `from`: the host through the tasks' mask. */
function cpuidClashes({ keptCpuid }: ImageProcess, from: Capabilities): Clash[] {
  if (!keptCpuid.known) return [];
  const kept = keptCpuid.value;
  const clashes: Clash[] = [];
  const seen = seenSignature(readRegister(kept.leaves, 1, 0, 'eax'));
  const { signature } = from;
  if (seen && signature && (seen.family !== signature.family || seen.model !== signature.model))
    clashes.push({
      what: `a CPU of family ${seen.family}, model ${seen.model}, not ${signature.family}, ${signature.model}`,
      says: 'differs',
    });
  for (const row of ROWS) {
    const { name } = row;
    if (!isUserVisible(name) || NOT_CONSTANT.has(name)) continue;
    const before = keptPresence(kept, row);
    const there = from.hardware(name);
    if (before === PRESENT && there === ABSENT) clashes.push({ what: name, says: 'has' });
    if (before === ABSENT && there === PRESENT) clashes.push({ what: name, says: 'lacks' });
  }
  return clashes;
}

function find({ images, from }: Context): Found<Facts>[] {
  const told = images?.told;
  if (images === undefined || told === undefined) return [];
  const found = new Map<string, Clash & { processes: string[] }>();
  for (const process of images.alive)
    for (const clash of [
      ...stateClashes(process, told),
      ...vectorClashes(process, told),
      ...cpuidClashes(process, from),
    ]) {
      const key = `${clash.says} ${clash.what}`;
      const before = found.get(key);
      if (before === undefined) found.set(key, { ...clash, processes: [nameProcess(process)] });
      else before.processes.push(nameProcess(process));
    }
  return [...found.values()].map((facts) => ({
    severity: 'unknown',
    facts: { ...facts, source: told.name },
  }));
}

function sentence({ facts: { what, says, processes, source } }: Found<Facts>): string {
  const who = firstOf(processes);
  if (says === 'has') return `Seen by ${who}: ${what}, which ${source} doesn't show.`;
  if (says === 'lacks') return `Not seen by ${who}: ${what}, which ${source} shows.`;
  return `Seen by ${who}: ${what}, as ${source} shows it.`;
}

export const sourceContradicted = rule<'source-contradicted', Facts>({
  code: 'source-contradicted',
  reads: ['images'],
  find,
  sentence,
  together: () =>
    "The images don't fit the host that --source names: the tasks were started on another, or it has changed since it was recorded.",
  subject: ({ facts: { what, says } }) => (says === 'lacks' ? `no ${what}` : what),
  remedy: 'dump-again',
  severities: ['unknown'],
  when: "the images don't fit the host that --source names (state in use, signal frames, the kernel's auxiliary vector, CPUID in the memory of the C library)",
  meaning:
    'The tasks were started on another host, under a mask that is not named, or the host has changed since it ' +
    'was recorded. What they have seen is not what is compared, and the answer is not yes.',
  advice:
    'Name the host that the tasks were started on with --source, and with --mask the baseline that they run under.',
});
