/** The least ELF file that has notes, made by hand from the ELF-64 specification. */

export interface ElfPlan {
  /** Of the program header; default PT_GNU_PROPERTY. */
  readonly segment?: number;
  readonly alignment?: number;
  /** Notes, one after the other. */
  readonly notes: Uint8Array;
}

export function bytesOf(...words: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(words.length * 4);
  const view = new DataView(bytes.buffer);
  words.forEach((word, place) => {
    view.setUint32(place * 4, word, true);
  });
  return bytes;
}

const GNU = 0x00554e47; // "GNU\0"

/** A note whose owner is "GNU". */
export function gnuNote(type: number, ...data: readonly number[]): Uint8Array {
  return bytesOf(4, data.length * 4, type, GNU, ...data);
}

/** GNU_PROPERTY_X86_ISA_1_NEEDED with these bits, padded to 8 bytes. */
export function isaNeeded(bits: number): readonly number[] {
  return [0xc0008002, 4, bits, 0];
}

export function elf({ segment = 0x6474e553, alignment = 8, notes }: ElfPlan): Uint8Array {
  const file = new Uint8Array(64 + 56 + notes.length);
  const view = new DataView(file.buffer);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, 3, true); // ET_DYN
  view.setUint16(18, 62, true); // EM_X86_64
  view.setBigUint64(32, 64n, true); // e_phoff
  view.setUint16(54, 56, true); // e_phentsize
  view.setUint16(56, 1, true); // e_phnum
  view.setUint32(64, segment, true);
  view.setBigUint64(64 + 8, 120n, true); // p_offset
  view.setBigUint64(64 + 32, BigInt(notes.length), true); // p_filesz
  view.setBigUint64(64 + 48, BigInt(alignment), true);
  file.set(notes, 120);
  return file;
}

export function concatenate(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(parts.flatMap((part) => [...part]));
}
