/**
 * A handler is running, and the frame that its return will load lies in the task's memory, laid out by
 * the dump's CPU. The target's kernel takes a frame of at most its own size, else it loads x87 and SSE
 * alone and clears the rest, without an error; what it takes, it reads by the target's places.
 * Source: Linux arch/x86/kernel/fpu/signal.c (check_xstate_in_sigframe, restore_fpregs_from_user).
 */
import {
  COMPONENT,
  componentMask,
  componentName,
  LEGACY_STATE,
  LINUX_STATE,
} from '../catalogue/index.js';
import type { Capabilities } from '../model/capabilities.js';
import type { SignalFrame } from '../model/image-folder.js';
import { bitsOf, hasBit64 } from '../model/registers.js';
import {
  ABSENT,
  PRESENT,
  presenceInMask,
  type StateComponent,
  standardAreaBytes,
} from '../model/xsave.js';
import type { Context, ImageEvidence } from './context.js';
import type { Found } from './finding.js';
import { nameProcess, nameThreads } from './processes.js';
import { rule } from './rule.js';

/** AMX's tiles come into a frame only with the task's permission. */
const TILES = componentMask([COMPONENT.xtile_cfg, COMPONENT.xtile_data]);

/** Bytes of a frame's XSAVE area on a host, of tasks without AMX. */
function frameBytes({ xsave }: Capabilities): number | undefined {
  if (xsave.areaBytes === 0) return 0;
  const isCertain = (xsave.enabled.known & LINUX_STATE) === LINUX_STATE;
  if (!isCertain) return undefined;
  return standardAreaBytes(xsave.components.filter(({ bit }) => !hasBit64(TILES, bit)));
}

function componentOf({ xsave }: Capabilities, bit: number): StateComponent | undefined {
  return xsave.components.find((one) => one.bit === bit);
}

/** A context with images. */
type Asked = Context & { readonly images: ImageEvidence };

type Fate = 'kept' | 'lost' | 'unknown';

/** What becomes of one component of a frame that the target takes as a whole. */
function fateOf(bit: number, source: Capabilities | undefined, target: Capabilities): Fate {
  const there = presenceInMask(target.xsave.enabled, bit);
  // Linux gives each task some PKRU, and without keys it means nothing.
  if (there === ABSENT) return bit === COMPONENT.pkru ? 'kept' : 'lost';
  if (there !== PRESENT) return 'unknown';
  // AVX state has one place everywhere.
  if (bit === COMPONENT.ymm_hi128) return 'kept';
  const before = source === undefined ? undefined : componentOf(source, bit);
  const after = componentOf(target, bit);
  if (before?.offset === undefined || after?.offset === undefined) return 'unknown';
  return before.offset === after.offset && before.size === after.size ? 'kept' : 'lost';
}

function fatesOf(
  areaBytes: number | undefined,
  inUse: bigint,
  { images: { source }, to: target }: Asked,
): Map<number, Fate> {
  const room = frameBytes(target);
  const bits = bitsOf(inUse & ~LEGACY_STATE);
  if (areaBytes === undefined || room === undefined)
    return new Map(bits.map((bit) => [bit, 'unknown']));
  // PKRU keeps what it has while the handler runs.
  const isDropped = areaBytes > room;
  return new Map(
    bits.map((bit) => {
      if (!isDropped) return [bit, fateOf(bit, source, target)];
      return [bit, bit === COMPONENT.pkru ? 'kept' : 'lost'];
    }),
  );
}

function namesOf(fates: ReadonlyMap<number, Fate>, wanted: Fate): string[] {
  return [...fates].filter(([, fate]) => fate === wanted).map(([bit]) => componentName(bit));
}

type Facts = {
  /** The frame's thread and bytes; null: whether there is a frame isn't known. */
  readonly thread: number | null;
  readonly bytes: number | null;
  /** State that would be dropped or misread, or may be. */
  readonly state: readonly string[];
  /** Of the first process that couldn't be looked into, how many there are, and why. */
  readonly process: string | null;
  readonly processes: number;
  readonly reason: string | null;
};

function ofFrame(frame: SignalFrame, asked: Asked): Found<Facts>[] {
  const fates = fatesOf(frame.areaBytes, frame.inUse, asked);
  const lost = namesOf(fates, 'lost');
  const unknown = namesOf(fates, 'unknown');
  if (lost.length + unknown.length === 0) return [];
  return [
    {
      severity: lost.length > 0 ? 'blocker' : 'unknown',
      facts: {
        thread: frame.tid,
        bytes: frame.areaBytes,
        state: lost.length > 0 ? lost : unknown,
        process: null,
        processes: 0,
        reason: null,
      },
    },
  ];
}

/** Where nobody could look, a frame may be there: as the source makes them, with all that tasks have. */
function ofUnseen(asked: Asked): Found<Facts>[] {
  const { alive, source, mask } = asked.images;
  const unseen = alive.flatMap((one) =>
    one.signalFrames.known ? [] : [{ process: one, reason: one.signalFrames.reason }],
  );
  const [first] = unseen;
  if (first === undefined) return [];
  const enabled = source?.xsave.enabled ?? { value: 0n, known: 0n };
  const possible = (enabled.value | (~enabled.known & LINUX_STATE)) & ~TILES;
  const bytes = source === undefined ? undefined : frameBytes(source);
  const fates = fatesOf(bytes, possible & (mask?.xcr0 ?? possible), asked);
  const state = [...namesOf(fates, 'lost'), ...namesOf(fates, 'unknown')];
  if (state.length === 0) return [];
  return [
    {
      severity: 'unknown',
      facts: {
        thread: null,
        bytes: null,
        state,
        process: nameProcess(first.process),
        processes: unseen.length,
        reason: first.reason,
      },
    },
  ];
}

function find(context: Context): Found<Facts>[] {
  const { images } = context;
  if (images === undefined) return [];
  const asked = { ...context, images };
  const seen = images.alive.flatMap(({ signalFrames }) =>
    signalFrames.known ? signalFrames.value.flatMap((frame) => ofFrame(frame, asked)) : [],
  );
  return [...seen, ...ofUnseen(asked)];
}

export const signalFrameLayout = rule({
  code: 'signal-frame-layout',
  reads: ['images'],
  find,
  sentence: ({ severity, facts: { thread, bytes, state, process, processes, reason } }, { to }) => {
    if (thread === null)
      return (
        `Whether a signal handler is running in ${process}` +
        `${processes > 1 ? ` and ${processes - 1} more` : ''} is unknown: ${reason}. ` +
        `${to} may misread its frame.`
      );
    const running = `A signal handler of ${nameThreads([thread])} is running; its frame (${bytes} bytes) holds ${state.join(', ')} state`;
    return severity === 'blocker'
      ? `${running} that ${to} drops or misreads, without an error, when the handler returns.`
      : `${running}, and whether ${to} reads it correctly is unknown.`;
  },
  remedy: 'dump-again',
  modes: { strict: 'blocker' },
  severities: ['blocker', 'unknown'],
  where: 'unknown where it is unknown whether a handler runs, and it would matter',
  when: 'a signal handler is running in a dumped task, and the target would read its frame wrongly',
  meaning:
    'When the handler returns, the kernel drops vector state or loads it from wrong places, without an error.',
  advice:
    'Dump again when no signal handler is running; a moment later is usually enough. The tasks can go on ' +
    'running on the source.',
});
