/**
 * Where functions begin and end by .eh_frame, which stripped files keep. A compiler writes a frame for each
 * function; hand-written code may lack one. Source: LSB core, 10.6.1; DWARF 5, 6.4.1 and 7.24.
 */
import { number64, type Range, type Section } from './elf-parts.js';

const ABSOLUTE = 0x00;
const UDATA4 = 0x03;
const SDATA4 = 0x0b;
const UDATA8 = 0x04;
const SDATA8 = 0x0c;
const PC_RELATIVE = 0x10;

/** Undefined: an encoding that no compiler for x86-64 uses for code. */
function sizeOf(encoding: number): 4 | 8 | undefined {
  switch (encoding & 0x0f) {
    case UDATA4:
    case SDATA4:
      return 4;
    case ABSOLUTE:
    case UDATA8:
    case SDATA8:
      return 8;
    default:
      return undefined;
  }
}

function skipLeb(view: DataView, at: number): number {
  while (at < view.byteLength && (view.getUint8(at) & 0x80) !== 0) at++;
  return at + 1;
}

/** How the frames of a CIE write addresses; undefined: not as is known here. */
function encodingOf(view: DataView, cie: number): number | undefined {
  const version = view.getUint8(cie + 8);
  const text: number[] = [];
  let at = cie + 9;
  for (; view.getUint8(at) !== 0; at++) text.push(view.getUint8(at));
  const augmentation = String.fromCharCode(...text.slice(0, 16));
  at++;
  at = skipLeb(view, skipLeb(view, at));
  at = version === 1 ? at + 1 : skipLeb(view, at);
  if (!augmentation.startsWith('z')) return ABSOLUTE;
  at = skipLeb(view, at);
  for (const letter of augmentation.slice(1)) {
    if (letter === 'R') return view.getUint8(at);
    if (letter === 'P') {
      const size = sizeOf(view.getUint8(at));
      if (size === undefined) return undefined;
      at += 1 + size;
    } else if (letter === 'L') at++;
    else if (letter !== 'S' && letter !== 'B') return undefined;
  }
  return ABSOLUTE;
}

export function* readFrames(whole: DataView, { offset, size, address }: Section): Generator<Range> {
  const view = new DataView(whole.buffer, whole.byteOffset + offset, size);
  const encodings = new Map<number, number | undefined>();
  try {
    for (let at = 0; at + 8 <= size; ) {
      const length = view.getUint32(at, true);
      // A zero ends the frames of one object; 64-bit lengths are used by nobody.
      if (length === 0) {
        at += 4;
        continue;
      }
      if (length === 0xffffffff || at + 4 + length > size) return;
      const id = view.getUint32(at + 4, true);
      if (id !== 0) {
        const cie = at + 4 - id;
        if (cie >= 0) {
          if (!encodings.has(cie)) encodings.set(cie, encodingOf(view, cie));
          const encoding = encodings.get(cie);
          const width = encoding === undefined ? undefined : sizeOf(encoding);
          if (encoding !== undefined && width !== undefined) {
            const place = at + 8;
            const value = width === 4 ? view.getInt32(place, true) : number64(view, place);
            const base = (encoding & 0x70) === PC_RELATIVE ? address + place : 0;
            const bytes = width === 4 ? view.getUint32(place + 4, true) : number64(view, place + 8);
            if (bytes > 0) yield { start: base + value, end: base + value + bytes };
          }
        }
      }
      at += 4 + length;
    }
  } catch (error) {
    // What points outside the section tells nothing more.
    if (!(error instanceof RangeError)) throw error;
  }
}
