/**
 * Finds the signal frames that the kernel has put on a thread's stacks: a handler is running, and its
 * return will load registers from there. On x86-64 a frame is, from low to high addresses,
 *
 *     return address, ucontext (with the registers, and a pointer to the FPU's), siginfo,
 *     FPU state at a multiple of 64: FXSAVE's 512 bytes, of which the last 48 say how large the XSAVE
 *     area is, then the XSAVE header and the components, then a closing magic.
 *
 * Frames of handlers that have returned lie below the stack pointer, where nobody looks.
 * Source: Linux arch/x86/kernel/fpu/signal.c, arch/x86/include/uapi/asm/sigcontext.h.
 */
import { COMPONENT, componentMask } from '../../catalogue/index.js';
import type { ImageThread, SignalFrame, Told } from '../../model/image-folder.js';
import type { AddressSpace, DumpedPart } from './address-space.js';

const MAGIC1 = 0x46505853;
const MAGIC2 = 0x46505845;
const MAGIC1_AT = 464;
const AREA_ALIGNMENT = 64n;
const FXSAVE_AND_HEADER = 576;
/** AMX's 8 KiB fit; no CPU has more. */
const LARGEST_AREA = 64 * 1024;
/** The pointer to the FPU's part lies this far below it at most (ucontext's rest, siginfo). */
const POINTER_REACH = 512;
/** From the pointer down to the saved stack pointer, and to the instruction pointer behind it. */
const RSP_BEFORE_POINTER = 64n;
const RIP_BEFORE_POINTER = 56n;

/** Stacks are 8 MiB as a rule; of more only so much is searched. */
const MOST_BYTES = 256 * 1024 * 1024;
const MOST_STACKS = 16;
const CHUNK = 1 << 20;

/** Where code stands, or stood when a handler interrupted it. */
export interface Standing {
  readonly rip: bigint;
  readonly rsp: bigint;
}

interface Found extends SignalFrame {
  readonly interrupted: Standing;
}

/** What a thread has of stack: what is searched, and where its code stands, itself and below its handlers. */
export interface ThreadStacks {
  readonly frames: readonly SignalFrame[];
  readonly standing: readonly Standing[];
  readonly parts: readonly DumpedPart[];
}

/** The frame whose FPU state begins here, if the kernel made it. */
function frameAt(space: AddressSpace, tid: number, at: bigint): Found | undefined {
  const head = space.read(at, FXSAVE_AND_HEADER);
  if (head === undefined) return undefined;
  const view = new DataView(head.buffer);
  const areaBytes = view.getUint32(MAGIC1_AT + 16, true);
  const extendedBytes = view.getUint32(MAGIC1_AT + 4, true);
  if (areaBytes < FXSAVE_AND_HEADER || areaBytes > LARGEST_AREA) return undefined;
  if (extendedBytes < areaBytes + 4) return undefined;
  const closing = space.read(at + BigInt(areaBytes), 4);
  if (closing === undefined) return undefined;
  if (new DataView(closing.buffer).getUint32(0, true) !== MAGIC2) return undefined;
  const pointer = findPointer(space, at);
  if (pointer === undefined) return undefined;
  return {
    tid,
    areaBytes,
    features: view.getBigUint64(MAGIC1_AT + 8, true),
    inUse: view.getBigUint64(512, true) & ~emptyState(space, at),
    interrupted: {
      rsp: space.u64(pointer - RSP_BEFORE_POINTER) ?? 0n,
      rip: space.u64(pointer - RIP_BEFORE_POINTER) ?? 0n,
    },
  };
}

/** AVX state, in its one place: CPUs may call it in use where all of it is zero. */
const AVX = { mask: componentMask([COMPONENT.ymm_hi128]), at: 576n, bytes: 256 } as const;

function emptyState(space: AddressSpace, at: bigint): bigint {
  const content = space.read(at + AVX.at, AVX.bytes);
  return content?.every((byte) => byte === 0) ? AVX.mask : 0n;
}

/** Where the ucontext points to the FPU state at `at`. */
function findPointer(space: AddressSpace, at: bigint): bigint | undefined {
  for (let below = 8; below <= POINTER_REACH; below += 8) {
    const place = at - BigInt(below);
    if (space.u64(place) === at) return place;
  }
  return undefined;
}

/** Places in the range where FPU state with the opening magic may begin; undefined: not readable. */
function candidates(space: AddressSpace, start: bigint, end: bigint): bigint[] | undefined {
  const found: bigint[] = [];
  for (const part of space.dumpedParts(start, end))
    for (let at = part.start; at < part.end; at += BigInt(CHUNK)) {
      const length = Number(part.end - at < BigInt(CHUNK) ? part.end - at : BigInt(CHUNK));
      const bytes = space.read(at, length);
      if (bytes === undefined) return undefined;
      const view = new DataView(bytes.buffer);
      const phase = (BigInt(MAGIC1_AT) - at) % AREA_ALIGNMENT;
      const first = Number((phase + AREA_ALIGNMENT) % AREA_ALIGNMENT);
      for (let place = first; place + 4 <= length; place += Number(AREA_ALIGNMENT))
        if (view.getUint32(place, true) === MAGIC1)
          found.push(at + BigInt(place) - BigInt(MAGIC1_AT));
    }
  return found;
}

/** Of one thread: on the stack that it runs on, and on those that its handlers have interrupted. */
export function findStacks(space: AddressSpace, thread: ImageThread): Told<ThreadStacks> {
  if (thread.compat) return { known: false, reason: `thread ${thread.tid} runs 32-bit code` };
  const frames = new Map<bigint, SignalFrame>();
  const searched = new Map<bigint, bigint>();
  const parts: DumpedPart[] = [];
  const standing: Standing[] = [{ rip: thread.rip, rsp: thread.rsp }];
  const toSearch = [thread.rsp];
  let bytes = 0n;
  for (let rsp = toSearch.pop(); rsp !== undefined; rsp = toSearch.pop()) {
    const stack = space.mappingAt(rsp);
    if (stack === undefined || stack.kind === 'other')
      return {
        known: false,
        reason: `a stack of thread ${thread.tid} is not among the pages of its process`,
      };
    const before = searched.get(stack.start);
    if (before !== undefined && before <= rsp) continue;
    searched.set(stack.start, rsp);
    bytes += (before ?? stack.end) - rsp;
    if (bytes > BigInt(MOST_BYTES) || searched.size > MOST_STACKS)
      return { known: false, reason: `thread ${thread.tid} has too much stack to search` };
    parts.push({ start: rsp, end: before ?? stack.end });
    const places = candidates(space, rsp, before ?? stack.end);
    if (places === undefined)
      return {
        known: false,
        reason: `the images lack pages of the stack of thread ${thread.tid}`,
      };
    for (const place of places) {
      const frame = frameAt(space, thread.tid, place);
      if (frame === undefined) continue;
      const { interrupted, ...rest } = frame;
      if (!frames.has(place)) standing.push(interrupted);
      frames.set(place, rest);
      toSearch.push(interrupted.rsp);
    }
  }
  return { known: true, value: { frames: [...frames.values()], standing, parts } };
}
