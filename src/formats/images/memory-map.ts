/** mm-PID.img, pagemap-PID.img, files.img and remap-fpath.img: where a process's memory is, in the dump or in files. */
import type { Input } from '../format.js';
import type { ProtobufFields } from '../protobuf-fields.js';
import {
  damagedImage,
  fieldsOf,
  imageRecords,
  MOST_RECORDS,
  needed,
  onlyRecord,
} from './image-file.js';

export const PAGE_BYTES = 4096n;

/** Bits of a mapping's status (criu/include/image.h). */
const VSYSCALL = 1 << 2;
const VDSO = 1 << 3;
const FILE_PRIVATE = 1 << 6;
const ANON_PRIVATE = 1 << 9;
/** Pages within a mapping that nobody may touch (MADV_GUARD_INSTALL); from CRIU 4.2 on. */
const GUARD = 1 << 16;

export interface Mapping {
  readonly start: bigint;
  readonly end: bigint;
  /** The first two are private: what a process has written is in its own pages. */
  readonly kind: 'file' | 'anonymous' | 'other';
  /** In files.img, and where in that file. */
  readonly file: number;
  readonly fileOffset: bigint;
  readonly prot: number;
  /** The kernel's own code, which no task has loaded or made: vDSO, vsyscall. */
  readonly isKernels: boolean;
}

export interface MemoryMap {
  readonly mappings: readonly Mapping[];
  readonly auxv: ReadonlyMap<number, bigint>;
}

function kindOf(status: number): Mapping['kind'] {
  if ((status & FILE_PRIVATE) !== 0) return 'file';
  return (status & ANON_PRIVATE) !== 0 ? 'anonymous' : 'other';
}

/** Undefined for what is no mapping of its own. */
function readMapping(fields: ProtobufFields, end: number): Mapping | undefined {
  const numbers = new Map<number, bigint>();
  fields.each(end, (field) => {
    if (field < 1 || field > 7) return false;
    numbers.set(field, fields.uint64(end, 'vma'));
    return true;
  });
  const number = (field: number) => numbers.get(field) ?? 0n;
  const status = Number(number(7) & 0xffffffffn);
  if ((status & GUARD) !== 0) return undefined;
  return {
    start: number(1),
    end: number(2),
    kind: kindOf(status),
    file: Number(number(4) & 0xffffffffn),
    fileOffset: number(3),
    prot: Number(number(5) & 0xffn),
    isKernels: (status & (VSYSCALL | VDSO)) !== 0,
  };
}

/** Pairs of a number and its value, up to AT_NULL. */
function auxiliary(words: readonly bigint[]): Map<number, bigint> {
  const values = new Map<number, bigint>();
  for (let place = 0; place + 1 < words.length; place += 2) {
    const kind = words[place] as bigint;
    if (kind === 0n) break;
    if (kind < 0x10000n) values.set(Number(kind), words[place + 1] as bigint);
  }
  return values;
}

/**
 * Mappings in ascending order that don't overlap, as the kernel has them. Undefined where some do: entries
 * of a kind that isn't known, which a newer CRIU may write.
 */
export function readMemoryMap(input: Input): MemoryMap | undefined {
  const record = onlyRecord(input, 'mm');
  const fields = fieldsOf(record);
  const words: bigint[] = [];
  const mappings: Mapping[] = [];
  fields.each(record.end, (field) => {
    if (field === 13)
      for (const word of fields.uint64s(record.end, 'mm_saved_auxv')) words.push(word);
    else if (field === 14) {
      if (mappings.length === MOST_RECORDS)
        throw damagedImage(input, 'holds too many mappings', fields.offset);
      const mapping = readMapping(fields, fields.message(record.end, 'vmas'));
      if (mapping !== undefined) mappings.push(mapping);
    } else return false;
    return true;
  });
  let last = 0n;
  for (const { start, end } of mappings) {
    if (end <= start || start % PAGE_BYTES !== 0n || end % PAGE_BYTES !== 0n)
      throw damagedImage(input, 'holds mappings that no process can have', record.start);
    if (start < last) return undefined;
    last = end;
  }
  return { mappings, auxv: auxiliary(words) };
}

/** The kernel's half of the addresses: what lies there (the page of vsyscall) is no task's own. */
const KERNEL_HALF = 1n << 63n;

/** End of the highest mapping that a process has for itself; 0: none. */
export function highestAddress({ mappings }: MemoryMap): bigint {
  return mappings.findLast(({ end }) => end <= KERNEL_HALF)?.end ?? 0n;
}

/** Pages that follow one another, in memory and in the file of pages. */
export interface PageRun {
  readonly address: bigint;
  readonly pages: number;
  /** Undefined: they aren't in this dump. */
  readonly at: number | undefined;
  /** They are as the dump before this one has them; else, where not here, a page server has them. */
  readonly isInParent: boolean;
}

export interface PageMap {
  readonly pagesId: number;
  readonly runs: readonly PageRun[];
  /** What pages-ID.img has to be long. */
  readonly bytes: number;
  /** Some pages lie in the images of the dump before. */
  readonly usesParent: boolean;
}

const IN_PARENT = 1;
const LAZY = 2;
const PRESENT = 4;
/** 16 TiB of memory. */
const MOST_PAGES = 2 ** 32;

function readRun(fields: ProtobufFields, end: number): { run: PageRun; flags: number } {
  let address: bigint | undefined;
  let pages = 0n;
  let inParent = false;
  let flags: number | undefined;
  let isKnown = true;
  fields.each(end, (field) => {
    if (field === 1) address = fields.uint64(end, 'vaddr');
    else if (field === 2 || field === 5) pages = fields.uint64(end, 'nr_pages');
    else if (field === 3) inParent = fields.varint(end, 'in_parent') !== 0;
    else if (field === 4) flags = fields.varint(end, 'flags');
    else {
      isKnown = false;
      return false;
    }
    return true;
  });
  const known = flags ?? (inParent ? IN_PARENT : PRESENT);
  return {
    run: {
      address: address ?? -1n,
      pages: Number(pages),
      at: undefined,
      isInParent: (known & IN_PARENT) !== 0,
    },
    flags: isKnown ? known : -1,
  };
}

/** Whether each page that a dump leaves to the one before it is named there. Both are ascending. */
export function coversInParent(child: PageMap, parent: PageMap): boolean {
  let place = 0;
  return child.runs
    .filter(({ isInParent }) => isInParent)
    .every(({ address, pages }) => {
      const end = address + BigInt(pages) * PAGE_BYTES;
      let covered = address;
      while (covered < end) {
        const run = parent.runs[place];
        if (run === undefined || run.address > covered) return false;
        const runEnd = run.address + BigInt(run.pages) * PAGE_BYTES;
        if (runEnd > covered) covered = runEnd;
        if (covered <= end) place++;
      }
      return true;
    });
}

/**
 * Undefined where it holds something that isn't known (compressed pages, say): the place of every
 * later page would be wrong.
 */
export function readPageMap(input: Input): PageMap | undefined {
  const [head, ...entries] = imageRecords(input, 'pagemap');
  if (head === undefined) throw damagedImage(input, 'is empty', 0);
  const headFields = fieldsOf(head);
  let pagesId: number | undefined;
  headFields.each(head.end, (field) => {
    if (field !== 1) return false;
    pagesId = headFields.varint(head.end, 'pages_id');
    return true;
  });
  const runs: PageRun[] = [];
  let bytes = 0;
  let usesParent = false;
  for (const entry of entries) {
    const { run, flags } = readRun(fieldsOf(entry), entry.end);
    const last = runs.at(-1);
    const from = last === undefined ? 0n : last.address + BigInt(last.pages) * PAGE_BYTES;
    if (run.address < from || run.address % PAGE_BYTES !== 0n || run.pages > MOST_PAGES)
      throw damagedImage(input, 'holds pages that no process can have', entry.start);
    if (flags < 0 || (flags & ~(IN_PARENT | LAZY | PRESENT)) !== 0) return undefined;
    const isHere = (flags & PRESENT) !== 0;
    usesParent ||= (flags & IN_PARENT) !== 0;
    runs.push({ ...run, at: isHere ? bytes : undefined });
    if (isHere) bytes += run.pages * Number(PAGE_BYTES);
  }
  return { pagesId: needed(head, pagesId, 'pages_id'), runs, bytes, usesParent };
}

export interface MappedFile {
  /** As the dumped tasks' root names it. */
  readonly path: string;
  readonly size: number | undefined;
  /** The ELF file's build ID, as bytes. */
  readonly buildId: Uint8Array | undefined;
}

const LONGEST_PATH = 4096;

function readRegular(fields: ProtobufFields, end: number): { id: number; file: MappedFile } {
  let id = 0;
  let path = '';
  let size: number | undefined;
  const words: number[] = [];
  fields.each(end, (field) => {
    if (field === 1) id = fields.varint(end, 'id');
    else if (field === 6) path = fields.text(end, 'name', LONGEST_PATH);
    else if (field === 8) size = fields.varint(end, 'size', Number.MAX_SAFE_INTEGER);
    else if (field === 11) for (const word of fields.varints(end, 'build_id')) words.push(word);
    else return false;
    return true;
  });
  const buildId = words.length === 0 ? undefined : new Uint8Array(Uint32Array.from(words).buffer);
  return { id, file: { path, size, buildId } };
}

/** files.img, or reg-files.img of a CRIU before 3.3: regular files by their number. */
export function readMappedFiles(
  input: Input,
  kind: 'files' | 'reg-files',
): Map<number, MappedFile> {
  const files = new Map<number, MappedFile>();
  const keep = ({ id, file }: { id: number; file: MappedFile }) => files.set(id, file);
  for (const record of imageRecords(input, kind)) {
    const fields = fieldsOf(record);
    if (kind === 'reg-files') {
      keep(readRegular(fields, record.end));
      continue;
    }
    fields.each(record.end, (field) => {
      if (field !== 3) return false;
      keep(readRegular(fields, fields.message(record.end, 'reg')));
      return true;
    });
  }
  return files;
}

/** remap-fpath.img: numbers of files that were deleted while tasks had them, whatever is at their path now. */
export function readDeletedFiles(input: Input): Set<number> {
  const deleted = new Set<number>();
  for (const record of imageRecords(input, 'remap-fpath')) {
    const fields = fieldsOf(record);
    fields.each(record.end, (field) => {
      if (field !== 1) return false;
      deleted.add(fields.varint(record.end, 'orig_id'));
      return true;
    });
  }
  return deleted;
}
