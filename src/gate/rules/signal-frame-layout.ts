/**
 * A handler is running, and the frame that its return will load lies in the task's memory, laid out by
 * the dump's CPU. The target's kernel takes a frame of at most its own size, else it loads x87 and SSE
 * alone and clears the rest, without an error; what it takes, it reads by the target's places.
 * Source: Linux arch/x86/kernel/fpu/signal.c (check_xstate_in_sigframe, restore_fpregs_from_user).
 */
import { componentName } from '../../catalogue/index.js';
import type { Finding } from '../../compare/finding.js';
import type { Capabilities } from '../../model/capabilities.js';
import type { SignalFrame } from '../../model/image-folder.js';
import { bitsOf } from '../../model/registers.js';
import {
  ABSENT,
  PRESENT,
  presenceInMask,
  type StateComponent,
  standardAreaBytes,
} from '../../model/xsave.js';
import { type GateCase, type GateRule, nameProcess, nameThreads } from '../rule.js';

const PKRU = 9;
/** AMX's tiles come into a frame only with the task's permission. */
const IN_EVERY_FRAME = ~((1n << 17n) | (1n << 18n));

/** Bytes of a frame's XSAVE area on a host, of tasks without AMX. */
function frameBytes({ xsave }: Capabilities): number | undefined {
  if (xsave.areaBytes === 0) return 0;
  const isCertain = (xsave.enabled.known & 0xfffffn) === 0xfffffn;
  if (!isCertain) return undefined;
  return standardAreaBytes(xsave.components.filter(({ bit }) => bit !== 17 && bit !== 18));
}

function componentOf({ xsave }: Capabilities, bit: number): StateComponent | undefined {
  return xsave.components.find((one) => one.bit === bit);
}

type Fate = 'kept' | 'lost' | 'unknown';

/** What becomes of one component of a frame that the target takes as a whole. */
function fateOf(bit: number, source: Capabilities | undefined, target: Capabilities): Fate {
  const there = presenceInMask(target.xsave.enabled, bit);
  // Linux gives each task some PKRU, and without keys it means nothing.
  if (there === ABSENT) return bit === PKRU ? 'kept' : 'lost';
  if (there !== PRESENT) return 'unknown';
  // AVX state has one place everywhere.
  if (bit === 2) return 'kept';
  const before = source === undefined ? undefined : componentOf(source, bit);
  const after = componentOf(target, bit);
  if (before?.offset === undefined || after?.offset === undefined) return 'unknown';
  return before.offset === after.offset && before.size === after.size ? 'kept' : 'lost';
}

function fatesOf(areaBytes: number | undefined, inUse: bigint, asked: GateCase): Map<number, Fate> {
  const { source, target } = asked;
  const room = frameBytes(target);
  const bits = bitsOf(inUse & ~3n);
  if (areaBytes === undefined || room === undefined)
    return new Map(bits.map((bit) => [bit, 'unknown']));
  // PKRU keeps what it has while the handler runs.
  const isDropped = areaBytes > room;
  return new Map(
    bits.map((bit) => {
      if (!isDropped) return [bit, fateOf(bit, source, target)];
      return [bit, bit === PKRU ? 'kept' : 'lost'];
    }),
  );
}

function namesOf(fates: ReadonlyMap<number, Fate>, wanted: Fate): string[] {
  return [...fates].filter(([, fate]) => fate === wanted).map(([bit]) => componentName(bit));
}

function ofFrame(frame: SignalFrame, asked: GateCase): Finding[] {
  const fates = fatesOf(frame.areaBytes, frame.inUse, asked);
  const running = `A signal handler of ${nameThreads([frame.tid])} is running; its frame (${frame.areaBytes} bytes)`;
  const lost = namesOf(fates, 'lost');
  if (lost.length > 0)
    return [
      {
        code: 'signal-frame-layout',
        severity: 'blocker',
        effect: `${running} holds ${lost.join(', ')} state that ${asked.target.name} drops or misreads, without an error, when the handler returns. A dump taken after the handler has returned has no such frame.`,
        remedy: 'none',
      },
    ];
  const unknown = namesOf(fates, 'unknown');
  if (unknown.length === 0) return [];
  return [
    {
      code: 'signal-frame-layout',
      severity: 'unknown',
      effect: `${running} holds ${unknown.join(', ')} state, and whether ${asked.target.name} reads it correctly is unknown.`,
      remedy: 'none',
    },
  ];
}

/** Where nobody could look, a frame may be there: as the source makes them, with all that tasks have. */
function ofUnseen(asked: GateCase): Finding[] {
  const { alive, source, target, mask } = asked;
  const unseen = alive.flatMap((one) =>
    one.signalFrames.known ? [] : [{ process: one, reason: one.signalFrames.reason }],
  );
  const [first] = unseen;
  if (first === undefined) return [];
  const enabled = source?.xsave.enabled ?? { value: 0n, known: 0n };
  const possible = (enabled.value | (~enabled.known & 0xfffffn)) & IN_EVERY_FRAME;
  const bytes = source === undefined ? undefined : frameBytes(source);
  const fates = fatesOf(bytes, possible & (mask?.xcr0 ?? possible), asked);
  if ([...fates.values()].every((fate) => fate === 'kept')) return [];
  return [
    {
      code: 'signal-frame-layout',
      severity: 'unknown',
      effect:
        `Whether a signal handler is running in ${nameProcess(first.process)}` +
        `${unseen.length > 1 ? ` and ${unseen.length - 1} more` : ''} is unknown: ${first.reason}. ` +
        `${target.name} may misread its frame.`,
      remedy: 'none',
    },
  ];
}

export const signalFrameLayout: GateRule = (asked) => [
  ...asked.alive.flatMap(({ signalFrames }) =>
    signalFrames.known ? signalFrames.value.flatMap((frame) => ofFrame(frame, asked)) : [],
  ),
  ...ofUnseen(asked),
];
