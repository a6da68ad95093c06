/**
 * Finds XSAVE images that glibc's code has put on a thread's stack and will load with XRSTOR when what it
 * called is done: it binds a function lazily, or finds the place of a thread's variable. From low to high
 * addresses,
 *
 *     return address into that code, 64 bytes of general registers, the image at a multiple of 64:
 *     FXSAVE's 512 bytes with MXCSR at 24, XSTATE_BV, XCOMP_BV, six words that glibc clears
 *
 * The image is of the CPU that saved it, whatever a mask shows: XCOMP_BV holds what XCR0 had of what was
 * asked for. No file is needed to see that. What an earlier binding has left in a part of the stack that
 * nobody has written to since looks the same.
 * Sources: glibc sysdeps/x86_64/dl-trampoline.h, dl-tlsdesc-dynamic.h; Intel SDM vol. 1, 13.4 and 13.8.
 */
import type { ImageThread, SavedState } from '../../model/image-folder.js';
import type { AddressSpace, DumpedPart } from './address-space.js';
import type { ThreadStacks } from './signal-frames.js';

const PROT_EXEC = 4;
/** Of the image, from the stack pointer that the code had. */
const AREA_AT = 64n;
const ALIGNMENT = 64;
const HEADER_AT = 512;
const HEADER_BYTES = 64;
const MXCSR_AT = 24;
const COMPACTED = 1n << 63n;
/** User components have numbers far below. */
const POSSIBLE = 0xffffffffn;
const CHUNK = 1 << 20;

/**
 * Plain XSAVE writes MXCSR and the bits of it that the CPU has: all low ones, of which 6 is missing on the
 * oldest, and on AMD's 17.
 */
function hasMxcsr(image: DataView): boolean {
  const [mxcsr, mask] = [image.getUint32(MXCSR_AT, true), image.getUint32(MXCSR_AT + 4, true)];
  const isMask = (mask | 0x20040) === 0x2ffff;
  return isMask && (mxcsr & ~mask) === 0;
}

/** The image of code that has its stack pointer here, if there is one. */
function imageAt(space: AddressSpace, rsp: bigint, tid: number): SavedState | undefined {
  if (rsp % BigInt(ALIGNMENT) !== 0n) return undefined;
  const head = space.read(rsp + AREA_AT, HEADER_AT + HEADER_BYTES);
  if (head === undefined) return undefined;
  const view = new DataView(head.buffer);
  const word = (place: number) => view.getBigUint64(HEADER_AT + place * 8, true);
  const [xstateBv, xcompBv] = [word(0), word(1)];
  if ([2, 3, 4, 5, 6, 7].some((place) => word(place) !== 0n)) return undefined;
  const isCompacted = (xcompBv & COMPACTED) !== 0n;
  if (!isCompacted && (xcompBv !== 0n || !hasMxcsr(view))) return undefined;
  const components = isCompacted ? xcompBv & ~COMPACTED : xstateBv;
  const isPossible = components !== 0n && (components & ~POSSIBLE) === 0n;
  if (!isPossible || (xstateBv & ~components) !== 0n) return undefined;
  return { tid, format: isCompacted ? 'compacted' : 'standard', xstateBv, components };
}

interface Code {
  readonly start: number;
  readonly end: number;
}

/** Addresses fit into a number's 53 bits. */
function codeOf(space: AddressSpace): Code[] {
  return space.mappings
    .filter(({ kind, prot }) => kind === 'file' && (prot & PROT_EXEC) !== 0)
    .map(({ start, end }) => ({ start: Number(start), end: Number(end) }));
}

function isCode(code: readonly Code[], address: number): boolean {
  return code.some(({ start, end }) => address >= start && address < end);
}

/** Stack pointers of code that has called from there: behind each return address. */
function callersIn(space: AddressSpace, code: readonly Code[], { start, end }: DumpedPart) {
  const found: bigint[] = [];
  for (const part of space.dumpedParts(start, end))
    for (let at = part.start; at < part.end; at += BigInt(CHUNK)) {
      const length = Number(part.end - at < BigInt(CHUNK) ? part.end - at : BigInt(CHUNK));
      const bytes = space.read(at, length);
      // findStacks has read all of it.
      if (bytes === undefined) continue;
      const view = new DataView(bytes.buffer);
      const first = (2 * ALIGNMENT - 8 - Number(at % BigInt(ALIGNMENT))) % ALIGNMENT;
      for (let place = first; place + 8 <= length; place += ALIGNMENT) {
        const value = view.getUint32(place + 4, true) * 2 ** 32 + view.getUint32(place, true);
        if (isCode(code, value)) found.push(at + BigInt(place) + 8n);
      }
    }
  return found;
}

export function findSavedStates(
  space: AddressSpace,
  { tid }: Pick<ImageThread, 'tid'>,
  { standing, parts }: ThreadStacks,
): SavedState[] {
  const code = codeOf(space);
  const own = standing.filter(({ rip }) => isCode(code, Number(rip))).map(({ rsp }) => rsp);
  const callers = parts.flatMap((part) => callersIn(space, code, part));
  const found = new Map<string, SavedState>();
  for (const rsp of [...own, ...callers]) {
    const state = imageAt(space, rsp, tid);
    // What an earlier binding has left lies within the image of a later one, and tells the same.
    if (state !== undefined) found.set(Object.values(state).join(), state);
  }
  return [...found.values()];
}
