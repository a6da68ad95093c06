/**
 * A thread is inside glibc's code that saves registers around what it calls, and will load them with
 * XRSTOR at the target. The image is of the CPU that saved it, mask or not: glibc asks XSAVEC for a fixed
 * set, and XCOMP_BV holds what the real XCR0 has of it. XRSTOR refuses XCOMP_BV, or in the standard format
 * XSTATE_BV, with a bit that XCR0 lacks; the standard format is read by the places of the CPU at hand.
 * Source: Intel SDM vol. 1, 13.8.1 and 13.8.2; glibc sysdeps/x86_64/dl-trampoline.h, dl-tlsdesc-dynamic.h.
 */
import { COMPONENT, componentName, isLegacyState } from '../catalogue/index.js';
import type { Capabilities } from '../model/capabilities.js';
import { GLIBC_COMPONENTS } from '../model/glibc-saves.js';
import type { SavedState } from '../model/image-folder.js';
import { bitsOf, hasBit64 } from '../model/registers.js';
import { ABSENT, PRESENT, presenceInMask } from '../model/xsave.js';
import type { Context, ImageEvidence } from './context.js';
import type { Found } from './finding.js';
import { nameProcess, nameThreads } from './processes.js';
import { rule } from './rule.js';

/** A context with images. */
type Asked = Context & { readonly images: ImageEvidence };

/** refused: XRSTOR raises #GP. moved: it lies elsewhere at the target. */
type Fate = 'kept' | 'refused' | 'moved' | 'unknown';

function placeOf({ xsave }: Capabilities, bit: number): string | undefined {
  const found = xsave.components.find((one) => one.bit === bit);
  if (found?.offset === undefined || found.size === undefined) return undefined;
  return `${found.offset} ${found.size}`;
}

function fateOf(
  bit: number,
  format: SavedState['format'],
  { images: { source }, to }: Asked,
): Fate {
  const there = presenceInMask(to.xsave.enabled, bit);
  if (there !== PRESENT) return there === ABSENT ? 'refused' : 'unknown';
  // AVX state has one place everywhere.
  const isFixed = isLegacyState(bit) || bit === COMPONENT.ymm_hi128;
  if (format === 'compacted' || isFixed) return 'kept';
  const before = source === undefined ? undefined : placeOf(source, bit);
  const after = placeOf(to, bit);
  if (before === undefined || after === undefined) return 'unknown';
  return before === after ? 'kept' : 'moved';
}

type Facts = {
  readonly what: Exclude<Fate, 'kept'>;
  /** Null: whether a thread binds isn't known. */
  readonly thread: number | null;
  /** Components that the target refuses or misreads, or may. */
  readonly state: readonly string[];
  /** Of the first process that couldn't be looked into, and why. */
  readonly process: string | null;
  readonly reason: string | null;
};

const WORST = ['refused', 'moved', 'unknown'] as const;

function worstOf(
  mask: bigint,
  format: SavedState['format'],
  asked: Asked,
): Pick<Facts, 'what' | 'state'> | undefined {
  const fates = bitsOf(mask).map((bit) => ({ bit, fate: fateOf(bit, format, asked) }));
  const what = WORST.find((one) => fates.some(({ fate }) => fate === one));
  if (what === undefined) return undefined;
  const state = fates.filter(({ fate }) => fate === what).map(({ bit }) => componentName(bit));
  return { what, state };
}

function ofState({ tid, format, components }: SavedState, asked: Asked): Found<Facts>[] {
  const worst = worstOf(components, format, asked);
  if (worst === undefined) return [];
  const severity = worst.what === 'unknown' ? 'unknown' : 'blocker';
  return [{ severity, facts: { ...worst, thread: tid, process: null, reason: null } }];
}

/** Where nobody could look, a thread may bind: with all that the source's CPU saves. */
function ofUnseen(asked: Asked): Found<Facts>[] {
  const { alive, source } = asked.images;
  const unseen = alive.flatMap((one) =>
    one.savedStates.known ? [] : [{ process: one, reason: one.savedStates.reason }],
  );
  const [first] = unseen;
  if (first === undefined || source === undefined) return [];
  const { value, known } = source.xsave.enabled;
  const possible = GLIBC_COMPONENTS & (value | ~known);
  const formats = source.effective('xsavec') === PRESENT ? (['compacted'] as const) : FORMATS;
  const state = bitsOf(possible)
    .filter((bit) => hasBit64(possible, bit))
    .filter((bit) => formats.some((format) => fateOf(bit, format, asked) !== 'kept'))
    .map(componentName);
  if (state.length === 0) return [];
  const { process, reason } = first;
  const facts: Facts = {
    what: 'unknown',
    thread: null,
    state,
    process: nameProcess(process),
    reason,
  };
  return [{ severity: 'unknown', facts }];
}

const FORMATS = ['compacted', 'standard'] as const;

function find(context: Context): Found<Facts>[] {
  const { images } = context;
  if (images === undefined) return [];
  const asked = { ...context, images };
  const seen = images.alive.flatMap(({ savedStates }) =>
    savedStates.known ? savedStates.value.flatMap((one) => ofState(one, asked)) : [],
  );
  return [...seen, ...ofUnseen(asked)];
}

export const bindingInFlight = rule({
  code: 'binding-in-flight',
  reads: ['images'],
  find,
  sentence: ({ facts: { what, thread, state, process, reason } }, { to }) => {
    if (thread === null)
      return (
        `Whether a thread of ${process} is binding a function is unknown: ${reason}. ` +
        `${to} may not load the registers that it has saved (${state.join(', ')}).`
      );
    const saved = `glibc has saved registers on the stack of ${nameThreads([thread])}, which is binding a function, with ${state.join(', ')} state`;
    switch (what) {
      case 'refused':
        return `${saved}: ${to} does not enable that, and loading them ends the task, mask or not.`;
      case 'moved':
        return `${saved}, which lies elsewhere on ${to}: wrong registers are loaded, without an error.`;
      case 'unknown':
        return `${saved}, and whether ${to} loads that correctly is unknown.`;
    }
  },
  remedy: 'dump-again',
  modes: { strict: 'blocker' },
  severities: ['blocker', 'unknown'],
  where:
    'unknown where it is unknown whether the target loads the registers, or whether a thread binds, and it would matter',
  when:
    'a dumped thread is inside the code of glibc that binds a function lazily or finds the place of a ' +
    "thread's variable, and the target would refuse or misread the registers saved there",
  meaning:
    'When the binding is done, XRSTOR ends the task or loads wrong registers: what was saved is laid out by the ' +
    "source's CPU, whatever a mask has shown.",
  advice:
    'Dump again; a moment later is usually enough. What an earlier binding has left on a stack looks the same: ' +
    'where it is found again and again, that is it, and --allow binding-in-flight accepts it.',
});
