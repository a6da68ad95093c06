/**
 * The x86-64 level that a library was built for, from its ELF notes. glibc's own file carries it
 * where the distribution raised its minimum.
 * Source: x86-64 psABI, "Program Property" (GNU_PROPERTY_X86_ISA_1_NEEDED); Linux gABI extensions,
 * .note.gnu.property.
 */

import { elfView, part, programHeaders } from './elf.js';

const PT_NOTE = 4;
const PT_GNU_PROPERTY = 0x6474e553;
const NT_GNU_PROPERTY_TYPE_0 = 5;
const GNU_PROPERTY_X86_ISA_1_NEEDED = 0xc0008002;
const GNU = 0x00554e47;

function alignUp(value: number, alignment: number): number {
  return Math.ceil(value / alignment) * alignment;
}

/** The value of one property; each has type, size and data, padded to 8 bytes. */
function findProperty(properties: DataView, wanted: number): number | undefined {
  for (let at = 0; at + 8 <= properties.byteLength; ) {
    const size = properties.getUint32(at + 4, true);
    if (at + 8 + size > properties.byteLength) return undefined;
    if (properties.getUint32(at, true) === wanted && size === 4)
      return properties.getUint32(at + 8, true);
    at += 8 + alignUp(size, 8);
  }
  return undefined;
}

function neededInNotes(notes: DataView, alignment: number): number | undefined {
  for (let at = 0; at + 12 <= notes.byteLength; ) {
    const nameSize = notes.getUint32(at, true);
    const dataSize = notes.getUint32(at + 4, true);
    const type = notes.getUint32(at + 8, true);
    const dataAt = at + alignUp(12 + nameSize, alignment);
    const data = part(notes, BigInt(dataAt), BigInt(dataSize));
    if (data === undefined) return undefined;
    if (
      type === NT_GNU_PROPERTY_TYPE_0 &&
      nameSize === 4 &&
      notes.getUint32(at + 12, true) === GNU
    ) {
      const needed = findProperty(data, GNU_PROPERTY_X86_ISA_1_NEEDED);
      if (needed !== undefined) return needed;
    }
    at = dataAt + alignUp(dataSize, alignment);
  }
  return undefined;
}

/**
 * The lowest x86-64 level (1 … 4) that an ELF file says it needs; undefined: it doesn't say, or
 * isn't a file that can be read so.
 */
export function neededIsaLevel(file: Uint8Array): number | undefined {
  const view = elfView(file);
  if (view === undefined) return undefined;
  for (const header of programHeaders(view)) {
    const type = header.getUint32(0, true);
    if (type !== PT_GNU_PROPERTY && type !== PT_NOTE) continue;
    const notes = part(view, header.getBigUint64(8, true), header.getBigUint64(32, true));
    const alignment = header.getBigUint64(48, true) === 8n ? 8 : 4;
    const needed = notes && neededInNotes(notes, alignment);
    // Bits 0 … 3 are the levels; a later bit is a level that has no name here.
    if (needed) return needed > 0xf ? undefined : 32 - Math.clz32(needed);
  }
  return undefined;
}
