import { COMPONENT, componentName } from '../catalogue/index.js';
import type { Capabilities } from '../model/capabilities.js';
import { bufferOf, GLIBC_SAVES, type GlibcSave, savesOfRelease } from '../model/glibc-saves.js';
import type { ImageProcess, SaveWay } from '../model/image-folder.js';
import { holdsPacked, type PackedAnswer, type PackedFit } from '../model/packed-area.js';
import { ALL_KNOWN_64, hasBit64, type Known64 } from '../model/registers.js';
import { ABSENT, PRESENT } from '../model/xsave.js';
import { SMALLER_AREA } from './advice.js';
import type { Context, ImageEvidence } from './context.js';
import type { Found, Severity } from './finding.js';
import { waysOf } from './lazy-binding.js';
import { nameProcess } from './processes.js';
import { rule } from './rule.js';
import { areTwins } from './twins.js';

type Facts = {
  /**
   * State of the source that moves behind glibc's room, state that only the target has and that lies
   * behind it, that this isn't known, or no more than that CPUID says a larger number.
   */
  readonly what: 'moved' | 'behind' | 'unknown' | 'number';
  /** Bytes that glibc reserves, or that CPUID said. */
  readonly before: number;
  /** Where the state ends at the target, or what CPUID says there. */
  readonly after: number;
  /** The first component that ends behind the room. */
  readonly state: string | null;
  /**
   * Whose glibc: that of 64-bit programs, as far as its release is known; any other, in containers or of
   * 32-bit programs; that of a process of the images.
   */
  readonly glibc: 'own' | 'other' | 'process' | null;
  readonly process: string | null;
};

interface Answer extends PackedAnswer {
  readonly reserved: number;
}

const WORST: readonly PackedFit[] = ['overrun', 'unknown', 'behind', 'fits'];

function worstOf(answers: readonly Answer[]): Answer {
  const ranked = [...answers].sort((a, b) => WORST.indexOf(a.fit) - WORST.indexOf(b.fit));
  return ranked[0] ?? { fit: 'fits', written: 0, reserved: 0 };
}

/** What a table of glibc's ways comes to. */
function answerBy(saves: readonly GlibcSave[], from: Capabilities, to: Capabilities): Answer {
  return worstOf(
    saves.map((save) => {
      const buffer = bufferOf(save, from.xsave.shown);
      const answer = holdsPacked(buffer, from.xsave.enabled, to.xsave);
      return { ...answer, reserved: buffer.least };
    }),
  );
}

/**
 * What a task can have out of its initial state: all that it was shown, and what its registers are marked
 * with now, whatever they hold. XSAVEC writes that, too.
 */
function inUseOf({ threads }: ImageProcess, { xsave: { enabled } }: Capabilities): Known64 {
  const marked = threads.reduce((all, { xsave }) => all | (xsave?.xstateBv ?? 0n), 0n);
  return { value: enabled.value | marked, known: enabled.known | marked };
}

/** What a process keeps, for TLS descriptors too; where that isn't seen, the table's. Undefined: not known. */
function answerOf(
  process: ImageProcess,
  images: ImageEvidence,
  { from, to }: Context,
): Answer | undefined {
  const ways = waysOf(process, images);
  if (ways === undefined) return undefined;
  const packed = ways.filter(({ instruction }) => instruction === 'xsavec');
  // glibc that asks for APX saves for TLS descriptors, too, and then tiles as well (2.40).
  const asks = ({ components }: SaveWay, bit: number) => hasBit64(components, bit);
  const hasTls = packed.some((way) => asks(way, COMPONENT.apx) && !asks(way, COMPONENT.xtile_data));
  const { keptSizes } = process;
  const tls = (keptSizes.known && hasTls ? keptSizes.value : []).filter(
    (size) => size.instruction === 'xsavec' && asks(size, COMPONENT.xtile_data),
  );
  const others = GLIBC_SAVES.filter(
    ({ what }) => hasTls && tls.length === 0 && what === 'TLS descriptors',
  );
  return worstOf([
    ...[...packed, ...tls].map(({ components, areaBytes }) => ({
      ...holdsPacked(
        { components, least: areaBytes, most: areaBytes },
        inUseOf(process, from),
        to.xsave,
      ),
      reserved: areaBytes,
    })),
    ...(others.length === 0 ? [] : [answerBy(others, from, to)]),
  ]);
}

const KIND_OF = { overrun: 'moved', behind: 'behind', unknown: 'unknown' } as const;
const SEVERITY_OF = { overrun: 'blocker', behind: 'risk', unknown: 'unknown' } as const;

function found(
  { fit, component, written, reserved }: Answer,
  glibc: Facts['glibc'],
  process: string | null,
  isXsavecKnown: boolean,
): Found<Facts>[] {
  if (fit === 'fits') return [];
  // Where it isn't known whether glibc saves so at all, it may.
  const sure = isXsavecKnown || fit === 'behind' ? fit : 'unknown';
  const severity: Severity = glibc === 'other' ? 'risk' : SEVERITY_OF[sure];
  const facts: Facts = {
    what: KIND_OF[sure],
    before: reserved,
    after: written,
    state: component === undefined ? null : componentName(component),
    glibc,
    process,
  };
  return [{ severity, component: 'xsave', facts }];
}

/** What the release of the source's glibc tells; without one, the worst of all that are known. */
function byTable({ from, to }: Context, isXsavecKnown: boolean): Found<Facts>[] {
  const own =
    savesOfRelease(from.system.glibc?.version) ??
    GLIBC_SAVES.filter(({ what }) => what !== '32-bit TLS');
  const ofOwn = found(answerBy(own, from, to), 'own', null, isXsavecKnown);
  if (ofOwn.length > 0) return ofOwn;
  const others = GLIBC_SAVES.filter((save) => !own.includes(save));
  return found(answerBy(others, from, to), 'other', null, isXsavecKnown);
}

/** What some object of the process has the address of, the process saves by. */
function hasChosen({ lazyBinding }: ImageProcess): boolean {
  return lazyBinding.known && lazyBinding.value.kind === 'chosen';
}

function byImages(context: Context, images: ImageEvidence, isXsavecKnown: boolean): Found<Facts>[] {
  if (images.source === undefined) return [];
  const answers = images.alive.map((process) => ({
    process,
    answer: answerOf(process, images, context),
  }));
  const guessed = answers.some(({ answer }) => answer === undefined)
    ? byTable(context, isXsavecKnown)
    : [];
  const certain = answers.flatMap(({ process, answer }) =>
    answer === undefined
      ? []
      : found(answer, 'process', nameProcess(process), isXsavecKnown || hasChosen(process)),
  );
  const order = ['blocker', 'unknown', 'risk'];
  return [...certain, ...guessed]
    .sort((a, b) => order.indexOf(a.severity) - order.indexOf(b.severity))
    .slice(0, 1);
}

/** Leaf 0xD.1 EBX, where an OS said it on both sides. It counts supervisor state, too. */
function byNumber({ from, to }: Context): Found<Facts>[] {
  const [before, after] = [from.xsave.compactedBytes, to.xsave.compactedBytes];
  const isSaid = from.xsave.basis === 'read' && to.xsave.basis === 'read';
  if (!isSaid || before === undefined || after === undefined || after <= before) return [];
  const facts = { what: 'number', before, after, state: null, glibc: null, process: null } as const;
  return [{ severity: 'info', component: 'xsave', facts }];
}

/** What could move on a twin is what its kernel or hypervisor might enable: no more than a risk. */
function amongTwins(found: Found<Facts>): Found<Facts> {
  return found.severity === 'unknown' ? { ...found, severity: 'risk' } : found;
}

function find(context: Context): Found<Facts>[] {
  const { from, to, images } = context;
  // From a host to itself nothing moves.
  if (context.isOneRecord === true) return [];
  // A target without XSAVEC ends such a task in any case: see instruction-missing.
  if ([from, to].some((host) => host.effective('xsavec') === ABSENT)) return [];
  // Without OSXSAVE glibc saves with FXSAVE.
  const { value, known } = from.xsave.enabled;
  if (value === 0n && known === ALL_KNOWN_64) return [];
  const isXsavecKnown = from.effective('xsavec') === PRESENT;
  const packed =
    images === undefined
      ? byTable(context, isXsavecKnown)
      : byImages(context, images, isXsavecKnown);
  if (packed.length === 0) return byNumber(context);
  return areTwins(from, to) ? packed.map(amongTwins) : packed;
}

/**
 * XSAVEC lays out what it is asked for and the CPU at hand has enabled, one behind the other: a component
 * that only the target enables moves all that come after it. glibc sizes its room by the subleaves that
 * CPUID showed at its start, enabled or not. What a task has in use and moves beyond that room overwrites
 * its stack; what lies beyond it and no task from the source uses isn't written.
 * A host's glibc is that of its own 64-bit programs: containers bring theirs.
 * Sources: Intel SDM vol. 1, 13.4.3 and 13.10; glibc, see model/glibc-saves.
 */
export const compactedAreaGrows = rule({
  code: 'compacted-area-grows',
  reads: ['packed', 'images'],
  find,
  sentence: ({ facts: { what, before, after, state, glibc, process } }, { from, to }) => {
    const whose = {
      own: `glibc of tasks from ${from} reserves`,
      other: `Other releases of glibc than that of ${from}, and 32-bit ones, reserve`,
      process: `glibc in ${process} reserves`,
    }[glibc ?? 'own'];
    const room = `${whose} ${before} bytes for what it saves with XSAVEC`;
    const overrun = 'overruns the stack when glibc binds a function lazily (memory corruption).';
    switch (what) {
      case 'moved':
        return `${room}, and on ${to} the CPU puts ${state} state up to byte ${after}: a task that uses it ${overrun}`;
      case 'behind':
        return `${room}, and on ${to} ${state} state, new there, ends at byte ${after}: code that asks CPUID only then, and uses it, ${overrun}`;
      case 'unknown':
        return `${room}, as far as is known, and on ${to} ${state} state may end at byte ${after}: a task that uses it then ${overrun}`;
      case 'number':
        return `The compacted XSAVE area (leaf 0xD.1 EBX) grows from ${before} to ${after} bytes; glibc sizes its buffers otherwise.`;
    }
  },
  remedy: ({ facts: { what } }) => (what === 'number' ? 'none' : 'launch-mask'),
  modes: { strict: 'blocker', instructions: 'info' },
  severities: ['blocker', 'unknown', 'risk', 'info'],
  where:
    "blocker where state that the source's tasks use moves behind glibc's room, unknown where that isn't known; " +
    'risk where only state that is new lies behind it, where only another glibc than the source host has too ' +
    'little room, or where hosts of one CPU model show the same; info where no more than the number in CPUID is larger',
  when: 'XSAVEC lays out more at the target than glibc left room for at the source',
  meaning:
    'glibc saves vector registers on the stack when it binds a function lazily. Where the CPU puts them beyond the ' +
    'room that was reserved, it overwrites the stack of whoever uses them.',
  advice: SMALLER_AREA,
});
