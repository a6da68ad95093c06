/**
 * What an audit needs of a 64-bit ELF file of x86-64: where code is, where functions begin, who is called from
 * outside, which addresses stand in tables. Untrusted: every place is checked, and what lies outside the
 * file counts as not there. Sources: the System V gABI, chapters 4 and 5; x86-64 psABI, 4.4; LSB, 10.6 (.eh_frame).
 */
import { number64, type Range, type Section } from './elf-parts.js';
import { readFrames } from './frames.js';
import { readGoFunctions } from './go-functions.js';

const EM_X86_64 = 62;
const ET_EXEC = 2;
const ET_DYN = 3;
const PT_LOAD = 1;
const PT_INTERP = 3;
const PT_NOTE = 4;
const PF_X = 1;
const SHT_PROGBITS = 1;
const SHT_SYMTAB = 2;
const SHT_RELA = 4;
const SHT_DYNAMIC = 6;
const SHT_NOBITS = 8;
const SHT_DYNSYM = 11;
const SHF_WRITE = 1;
const SHF_ALLOC = 2;
const SHF_EXECINSTR = 4;
const STT_OBJECT = 1;
const STT_FUNC = 2;
const STT_GNU_IFUNC = 10;
const R_X86_64_64 = 1;
const R_X86_64_COPY = 5;
const R_X86_64_GLOB_DAT = 6;
const R_X86_64_JUMP_SLOT = 7;
const R_X86_64_RELATIVE = 8;
const R_X86_64_IRELATIVE = 37;
const DT_NEEDED = 1;
const DT_INIT = 12;
const DT_FINI = 13;
const DT_INIT_ARRAY = 25;
const DT_FINI_ARRAY = 26;
const DT_INIT_ARRAYSZ = 27;
const DT_FINI_ARRAYSZ = 28;
const DT_RPATH = 15;
const DT_RUNPATH = 29;
const NT_GNU_BUILD_ID = 3;

/** More than any linker makes. */
const MAX_HEADERS = 65_536;

/** A piece of code that begins at a place that is known to be an instruction's. */
export interface CodeFunction {
  readonly start: number;
  readonly end: number;
  readonly name: string | undefined;
  /** The one before may run on into it: it was cut by a symbol in its middle. */
  readonly isFallenInto: boolean;
}

export interface ElfFile {
  readonly bytes: Uint8Array;
  /** Loaded where it was linked to: code may hold addresses as they are. */
  readonly isFixed: boolean;
  /** Has an entry of its own that the kernel or a loader starts. */
  readonly isProgram: boolean;
  readonly entry: number;
  /** Lower-case hexadecimal. */
  readonly buildId: string | undefined;
  readonly interpreter: string | undefined;
  readonly needed: readonly string[];
  readonly runPath: string | undefined;
  readonly code: readonly Section[];
  /** Writable data: variables. */
  readonly variables: readonly Section[];
  readonly functions: readonly CodeFunction[];
  /** Names of functions that other files can call, by address. */
  readonly exported: ReadonlyMap<number, string>;
  /** Functions that choose: what they return is what is called from then on. */
  readonly resolvers: ReadonlySet<number>;
  /** Called at the start or the end, without anybody's asking. */
  readonly starters: readonly number[];
  /** Places in data that hold an address of code. */
  readonly pointers: readonly { readonly at: number; readonly to: number }[];
  /** Variables with a name. */
  readonly objects: ReadonlyMap<string, Range>;
  /** Names of what the dynamic loader puts into a place. */
  readonly imports: ReadonlyMap<number, string>;
}

function isElf(view: DataView): boolean {
  return (
    view.byteLength >= 64 &&
    view.getUint32(0) === 0x7f454c46 &&
    view.getUint8(4) === 2 &&
    view.getUint8(5) === 1 &&
    view.getUint16(18, true) === EM_X86_64 &&
    (view.getUint16(16, true) === ET_EXEC || view.getUint16(16, true) === ET_DYN)
  );
}

const MAX_NAME = 4096;

function textAt(bytes: Uint8Array, at: number): string {
  if (at >= bytes.length) return '';
  const end = bytes.indexOf(0, at);
  const stop = Math.min(end < 0 ? bytes.length : end, at + MAX_NAME);
  let text = '';
  for (let place = at; place < stop; place++) text += String.fromCharCode(bytes[place] as number);
  return text;
}

interface Header extends Section {
  readonly nameAt: number;
  readonly link: number;
  readonly entrySize: number;
}

function readHeaders(view: DataView): Header[] {
  const offset = number64(view, 40);
  const size = view.getUint16(58, true);
  const count = Math.min(view.getUint16(60, true), MAX_HEADERS);
  const headers: Header[] = [];
  if (size < 64) return headers;
  for (let place = 0; place < count; place++) {
    const at = offset + place * size;
    if (at + 64 > view.byteLength) break;
    headers.push({
      nameAt: view.getUint32(at, true),
      name: '',
      type: view.getUint32(at + 4, true),
      flags: view.getUint32(at + 8, true),
      address: number64(view, at + 16),
      offset: number64(view, at + 24),
      size: number64(view, at + 32),
      link: view.getUint32(at + 40, true),
      entrySize: number64(view, at + 56),
    });
  }
  return headers;
}

function isInside({ type, offset, size }: Section, view: DataView): boolean {
  return type !== SHT_NOBITS && offset + size <= view.byteLength;
}

interface Segment {
  readonly type: number;
  readonly flags: number;
  readonly offset: number;
  readonly address: number;
  readonly fileSize: number;
}

function readSegments(view: DataView): Segment[] {
  const offset = number64(view, 32);
  const size = view.getUint16(54, true);
  const count = view.getUint16(56, true);
  const segments: Segment[] = [];
  for (let place = 0; size >= 56 && place < count; place++) {
    const at = offset + place * size;
    if (at + 56 > view.byteLength) break;
    segments.push({
      type: view.getUint32(at, true),
      flags: view.getUint32(at + 4, true),
      offset: number64(view, at + 8),
      address: number64(view, at + 16),
      fileSize: number64(view, at + 32),
    });
  }
  return segments;
}

function buildIdIn(view: DataView, { offset, fileSize }: Segment): string | undefined {
  const end = Math.min(offset + fileSize, view.byteLength);
  for (let at = offset; at + 12 <= end; ) {
    const nameSize = view.getUint32(at, true);
    const size = view.getUint32(at + 4, true);
    const data = at + 12 + Math.ceil(nameSize / 4) * 4;
    if (data + size > end) return undefined;
    if (view.getUint32(at + 8, true) === NT_GNU_BUILD_ID && nameSize === 4)
      return Array.from({ length: size }, (_, place) =>
        view
          .getUint8(data + place)
          .toString(16)
          .padStart(2, '0'),
      ).join('');
    at = data + Math.ceil(size / 4) * 4;
  }
  return undefined;
}

/** Undefined: no such note, or no ELF file of x86-64. Reads headers and notes only. */
export function buildIdOf(bytes: Uint8Array): string | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!isElf(view)) return undefined;
  for (const segment of readSegments(view)) {
    const id = segment.type === PT_NOTE ? buildIdIn(view, segment) : undefined;
    if (id !== undefined) return id;
  }
  return undefined;
}

/** Everything by address: FDEs, sized symbols, Go's table. A symbol's name wins over none. */
class FunctionTable {
  readonly #ends = new Map<number, number>();
  readonly names = new Map<number, string>();

  add(start: number, end: number, name?: string): void {
    this.#ends.set(start, Math.max(end, this.#ends.get(start) ?? 0));
    if (name !== undefined && !this.names.has(start)) this.names.set(start, name);
  }

  /** Without those that lie outside the code. */
  toList(code: readonly Section[]): CodeFunction[] {
    const starts = [...this.#ends.keys()].sort((a, b) => a - b);
    const list: CodeFunction[] = [];
    let openEnd = 0;
    for (const [place, start] of starts.entries()) {
      const part = code.find(({ address, size }) => start >= address && start < address + size);
      if (part === undefined) continue;
      const end = this.#ends.get(start) as number;
      const next = starts[place + 1] ?? Number.POSITIVE_INFINITY;
      // A symbol's size may be longer than its frame's.
      list.push({
        start,
        end: Math.min(end, next, part.address + part.size),
        name: this.names.get(start),
        isFallenInto: openEnd > start,
      });
      openEnd = Math.max(openEnd, end);
    }
    return list;
  }
}

interface SymbolRow {
  readonly name: string;
  readonly type: number;
  readonly isDefined: boolean;
  readonly value: number;
  readonly size: number;
}

function* symbolsOf(view: DataView, bytes: Uint8Array, table: Header, strings: Header | undefined) {
  if (!isInside(table, view)) return;
  const count = Math.floor(table.size / 24);
  for (let place = 0; place < count; place++) {
    const at = table.offset + place * 24;
    const row: SymbolRow = {
      name: strings === undefined ? '' : textAt(bytes, strings.offset + view.getUint32(at, true)),
      type: view.getUint8(at + 4) & 15,
      isDefined: view.getUint16(at + 6, true) !== 0,
      value: number64(view, at + 8),
      size: number64(view, at + 16),
    };
    yield row;
  }
}

/** Undefined: no 64-bit ELF program or library of x86-64. */
export function readElf(bytes: Uint8Array): ElfFile | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!isElf(view)) return undefined;
  const isFixed = view.getUint16(16, true) === ET_EXEC;
  const entry = number64(view, 24);
  const segments = readSegments(view);
  const raw = readHeaders(view);
  const names = raw[view.getUint16(62, true)];
  const sections = raw
    .map((one) => ({
      ...one,
      name: names === undefined ? '' : textAt(bytes, names.offset + one.nameAt),
    }))
    .filter((one) => one.type === SHT_NOBITS || isInside(one, view));
  const named = (name: string) => sections.find((one) => one.name === name);
  const isCode = ({ flags, type }: Section) =>
    (flags & (SHF_ALLOC | SHF_EXECINSTR)) === (SHF_ALLOC | SHF_EXECINSTR) && type === SHT_PROGBITS;
  const ofSections = sections.filter(isCode);
  // Without section headers a segment is all that is known.
  const code: Section[] =
    ofSections.length > 0
      ? ofSections
      : segments
          .filter(
            (one) =>
              one.type === PT_LOAD &&
              (one.flags & PF_X) !== 0 &&
              one.offset + one.fileSize <= view.byteLength,
          )
          .map(({ address, offset, fileSize }) => ({
            name: '',
            type: SHT_PROGBITS,
            flags: SHF_ALLOC | SHF_EXECINSTR,
            address,
            offset,
            size: fileSize,
          }));
  const variables = sections.filter(
    ({ flags }) => (flags & (SHF_ALLOC | SHF_WRITE)) === (SHF_ALLOC | SHF_WRITE),
  );

  const table = new FunctionTable();
  const frames = named('.eh_frame');
  if (frames !== undefined && isInside(frames, view))
    for (const { start, end } of readFrames(view, frames)) table.add(start, end);
  const resolvers = new Set<number>();
  const exported = new Map<number, string>();
  const dynamicNames: string[] = [];
  const objects = new Map<string, Range>();
  for (const symbols of sections.filter(({ type }) => type === SHT_SYMTAB || type === SHT_DYNSYM)) {
    const isDynamic = symbols.type === SHT_DYNSYM;
    for (const one of symbolsOf(view, bytes, symbols, raw[symbols.link])) {
      if (isDynamic) dynamicNames.push(one.name);
      if (!one.isDefined || one.value === 0) continue;
      if (one.type === STT_OBJECT && one.size > 0)
        objects.set(one.name, { start: one.value, end: one.value + one.size });
      if (one.type === STT_GNU_IFUNC) resolvers.add(one.value);
      else if (one.type !== STT_FUNC) continue;
      if (one.size > 0) table.add(one.value, one.value + one.size, one.name);
      else if (isDynamic && !table.names.has(one.value)) table.names.set(one.value, one.name);
      if (isDynamic && one.type === STT_FUNC) exported.set(one.value, one.name);
    }
  }
  const goTable = named('.gopclntab') ?? named('.data.rel.ro.gopclntab');
  const goText = named('.text');
  if (goTable !== undefined && goText !== undefined && isInside(goTable, view))
    for (const { start, end, name } of readGoFunctions(view, goTable, goText.address))
      table.add(start, end, name);

  const isInCode = (address: number) =>
    code.some((one) => address >= one.address && address < one.address + one.size);
  const pointers: { at: number; to: number }[] = [];
  const imports = new Map<number, string>();
  for (const relocations of sections.filter(({ type }) => type === SHT_RELA)) {
    if ((relocations.flags & SHF_ALLOC) === 0) continue;
    for (let place = 0; place + 24 <= relocations.size; place += 24) {
      const at = relocations.offset + place;
      const slot = number64(view, at);
      const type = view.getUint32(at + 8, true);
      const symbol = view.getUint32(at + 12, true);
      const addend = number64(view, at + 16);
      if (type === R_X86_64_RELATIVE && isInCode(addend)) pointers.push({ at: slot, to: addend });
      else if (type === R_X86_64_IRELATIVE) resolvers.add(addend);
      else if (
        type === R_X86_64_GLOB_DAT ||
        type === R_X86_64_JUMP_SLOT ||
        type === R_X86_64_COPY ||
        type === R_X86_64_64
      ) {
        const name = dynamicNames[symbol];
        if (name !== undefined && name !== '') imports.set(slot, name);
      }
    }
  }
  // A program that is loaded where it was linked to needs no relocations: addresses stand there as they are.
  if (isFixed)
    for (const section of sections) {
      if ((section.flags & SHF_ALLOC) === 0 || isCode(section) || !isInside(section, view))
        continue;
      if (section === frames || section === goTable) continue;
      for (let at = 0; at + 8 <= section.size; at += 8) {
        const to = number64(view, section.offset + at);
        if (to !== 0 && isInCode(to)) pointers.push({ at: section.address + at, to });
      }
    }

  const dynamic = sections.find(({ type }) => type === SHT_DYNAMIC);
  const tags = new Map<number, number[]>();
  if (dynamic !== undefined)
    for (let at = 0; at + 16 <= dynamic.size; at += 16) {
      const tag = number64(view, dynamic.offset + at);
      if (tag === 0) break;
      tags.set(tag, [...(tags.get(tag) ?? []), number64(view, dynamic.offset + at + 8)]);
    }
  const first = (tag: number) => tags.get(tag)?.[0];
  const dynamicStrings = dynamic === undefined ? undefined : raw[dynamic.link];
  const stringOf = (value: number | undefined) =>
    value === undefined || dynamicStrings === undefined
      ? undefined
      : textAt(bytes, dynamicStrings.offset + value);
  const inArray = (array: number | undefined, size: number | undefined) =>
    array === undefined || size === undefined
      ? []
      : pointers.filter(({ at }) => at >= array && at < array + size).map(({ to }) => to);
  const starters = [
    first(DT_INIT),
    first(DT_FINI),
    ...inArray(first(DT_INIT_ARRAY), first(DT_INIT_ARRAYSZ)),
    ...inArray(first(DT_FINI_ARRAY), first(DT_FINI_ARRAYSZ)),
    // A static program has no dynamic section.
    ...['.init_array', '.fini_array', '.preinit_array'].flatMap((name) => {
      const section = named(name);
      return inArray(section?.address, section?.size);
    }),
  ].filter((address) => address !== undefined);
  const interpreter = segments.find(({ type }) => type === PT_INTERP);
  const notes = segments.filter(({ type }) => type === PT_NOTE);

  return {
    bytes,
    isFixed,
    isProgram: isFixed || interpreter !== undefined || !exported.size,
    entry,
    buildId: notes.map((one) => buildIdIn(view, one)).find((id) => id !== undefined),
    interpreter: interpreter && textAt(bytes, interpreter.offset),
    needed: (tags.get(DT_NEEDED) ?? []).map((value) => stringOf(value) ?? ''),
    runPath: stringOf(first(DT_RUNPATH) ?? first(DT_RPATH)),
    code,
    variables,
    functions: table.toList(code),
    exported,
    resolvers,
    starters,
    pointers,
    objects,
    imports,
  };
}
