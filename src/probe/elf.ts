/** 64-bit ELF files of x86-64, as far as program headers. Source: the System V gABI, chapters 4 and 5. */

const EM_X86_64 = 62;
const PT_INTERP = 3;

const ELF_HEADER_BYTES = 64;
const PROGRAM_HEADER_BYTES = 56;
/** More than any linker makes. */
const MAX_PROGRAM_HEADERS = 256;

/** A part of the file; undefined where it doesn't lie inside. */
export function part(view: DataView, offset: bigint, size: bigint): DataView | undefined {
  if (offset + size > BigInt(view.byteLength)) return undefined;
  return new DataView(view.buffer, view.byteOffset + Number(offset), Number(size));
}

function isElf64(view: DataView): boolean {
  return (
    view.byteLength >= ELF_HEADER_BYTES &&
    view.getUint32(0) === 0x7f454c46 &&
    view.getUint8(4) === 2 && // 64-bit
    view.getUint8(5) === 1 && // little-endian
    view.getUint16(18, true) === EM_X86_64
  );
}

export function* programHeaders(view: DataView): Generator<DataView> {
  const offset = view.getBigUint64(32, true);
  const size = view.getUint16(54, true);
  if (size < PROGRAM_HEADER_BYTES) return;
  const count = Math.min(view.getUint16(56, true), MAX_PROGRAM_HEADERS);
  for (let number = 0; number < count; number++) {
    const header = part(view, offset + BigInt(number * size), BigInt(PROGRAM_HEADER_BYTES));
    if (header !== undefined) yield header;
  }
}

/** Undefined: it isn't such a file. */
export function elfView(file: Uint8Array): DataView | undefined {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  return isElf64(view) ? view : undefined;
}

/** The path of the dynamic loader that the file asks for; undefined: none, or no such file. */
export function elfInterpreter(file: Uint8Array): string | undefined {
  const view = elfView(file);
  if (view === undefined) return undefined;
  for (const header of programHeaders(view)) {
    if (header.getUint32(0, true) !== PT_INTERP) continue;
    const path = part(view, header.getBigUint64(8, true), header.getBigUint64(32, true));
    if (path === undefined) return undefined;
    const text = Buffer.from(path.buffer, path.byteOffset, path.byteLength).toString();
    const end = text.indexOf('\0');
    return end < 0 ? text : text.slice(0, end);
  }
  return undefined;
}
