/**
 * The code of dumped tasks. Images hold none of what lies unchanged in files: a restore maps the files of the host
 * where it happens, so these are read, below the root that the tasks will have. What a dump says of them tells
 * whether they are the same; CRIU asks no more of them.
 */
import { ElfFile } from '../formats/images/elf.js';
import {
  type MappedFile,
  type Mapping,
  readDeletedFiles,
  readMemoryMap,
} from '../formats/images/memory-map.js';
import type { UnreadCode } from '../model/code-audit.js';
import type { ImageFolder } from '../model/image-folder.js';
import { MAX_CODE_BYTES } from './code-files.js';
import { type ImageFiles, readMappedFile } from './image-files.js';
import { optionalInput, readFiles } from './image-folder.js';
import { withSpace } from './image-memory.js';

const PROT_EXEC = 4;
/** Of changed code, in memory. Debuggers and patches change a few pages. */
const MOST_CHANGED_BYTES = 64 * 1024 * 1024;

/** Pages of a file's code that a task has of its own, and that the images hold. */
interface OwnPages {
  readonly pid: number;
  readonly address: bigint;
  readonly fileOffset: number;
  readonly length: number;
  /** Undefined: not kept. */
  readonly content: Uint8Array | undefined;
}

/** A file that tasks have mapped to execute. */
export interface MappedCode {
  readonly file: MappedFile;
  readonly isDeleted: boolean;
  /** Mapped bytes. */
  readonly bytes: number;
  readonly own: readonly OwnPages[];
}

export interface CodeInImages {
  readonly mapped: readonly MappedCode[];
  readonly unread: readonly UnreadCode[];
}

function sizeOf({ start, end }: Pick<Mapping, 'start' | 'end'>): number {
  return Number(end - start);
}

function memoryAt(address: bigint, pid: number): string {
  return `memory at 0x${address.toString(16)} of process ${pid}`;
}

/** Two numbers in files.img may mean one file. */
function keyOf({ path, size, buildId }: MappedFile, isDeleted: boolean): string {
  return JSON.stringify([path, size, buildId && Buffer.from(buildId).toString('hex'), isDeleted]);
}

/**
 * Collects over all processes; what can't be told is in `unread` and never left out. Throws InputError for
 * damaged images.
 */
export function codeInImages(files: ImageFiles, { processes }: ImageFolder): CodeInImages {
  const named = readFiles(files);
  const remaps = optionalInput(files, 'remap-fpath.img');
  const deleted = remaps === undefined ? new Set<number>() : readDeletedFiles(remaps);
  const found = new Map<string, { file: MappedFile; isDeleted: boolean; bytes: number }>();
  const pages = new Map<string, OwnPages[]>();
  const unread: UnreadCode[] = [];
  let keptBytes = 0;
  for (const { pid, isAlive } of processes) {
    if (!isAlive) continue;
    const input = optionalInput(files, `mm-${pid}.img`);
    const map = input && readMemoryMap(input);
    if (map === undefined) {
      unread.push({ what: `process ${pid}`, why: 'not-dumped', bytes: 0 });
      continue;
    }
    const code = map.mappings.filter(
      ({ prot, isKernels }) => (prot & PROT_EXEC) !== 0 && !isKernels,
    );
    withSpace(files, pid, map, (space) => {
      if (space === undefined && code.length > 0)
        unread.push({
          what: `memory pages of process ${pid}`,
          why: 'not-dumped',
          bytes: code.reduce((sum, one) => sum + sizeOf(one), 0),
        });
      for (const mapping of code) {
        const { start, end, kind } = mapping;
        const file = kind === 'file' ? named?.get(mapping.file) : undefined;
        if (file === undefined) {
          const isUntold = kind === 'file' && named === undefined;
          const why = isUntold ? 'not-dumped' : 'made-at-run-time';
          unread.push({ what: memoryAt(start, pid), why, bytes: sizeOf(mapping) });
          continue;
        }
        const isDeleted = deleted.has(mapping.file);
        const key = keyOf(file, isDeleted);
        const bytes = (found.get(key)?.bytes ?? 0) + sizeOf(mapping);
        found.set(key, { file, isDeleted, bytes });
        const own = pages.get(key) ?? [];
        pages.set(key, own);
        for (const part of space?.dumpedParts(start, end) ?? []) {
          const length = sizeOf(part);
          const isKept = keptBytes + length <= MOST_CHANGED_BYTES;
          if (isKept) keptBytes += length;
          own.push({
            pid,
            address: part.start,
            fileOffset: Number(mapping.fileOffset + part.start - start),
            length,
            content: isKept ? space?.read(part.start, length) : undefined,
          });
        }
      }
    });
  }
  return {
    mapped: [...found].map(([key, one]) => ({ ...one, own: pages.get(key) ?? [] })),
    unread,
  };
}

/** Images of a CRIU before 3.15, and those of files without one, have no build ID: it goes by the size then, as CRIU does. */
function isSameFile({ size, buildId }: MappedFile, bytes: Uint8Array, elf: ElfFile): boolean {
  if (size !== bytes.length) return false;
  return buildId === undefined || Buffer.compare(buildId, elf.buildId ?? new Uint8Array()) === 0;
}

/** Behind the end of a file its pages are zeros. */
function isUnchanged(bytes: Uint8Array, { fileOffset, content }: OwnPages): boolean {
  if (content === undefined) return false;
  const known = bytes.subarray(fileOffset, fileOffset + content.length);
  return (
    Buffer.compare(known, content.subarray(0, known.length)) === 0 &&
    content.subarray(known.length).every((byte) => byte === 0)
  );
}

/** Bytes of the file below the root, if it is the one that tasks had; and what isn't as there. */
export function readMappedCode(
  root: string,
  { file, isDeleted, bytes: mappedBytes, own }: MappedCode,
): { readonly bytes?: Uint8Array; readonly unread: readonly UnreadCode[] } {
  const not = (why: UnreadCode['why']) => ({
    unread: [{ what: file.path, why, bytes: mappedBytes }],
  });
  if (isDeleted) return not('gone');
  const bytes = readMappedFile(root, file.path, MAX_CODE_BYTES);
  if (bytes === undefined) return not('missing');
  const elf = ElfFile.open(bytes);
  if (elf === undefined) return not('no-program');
  if (!isSameFile(file, bytes, elf)) return not('other-file');
  const unread = own
    .filter((pages) => !isUnchanged(bytes, pages))
    .map(({ pid, address, length }): UnreadCode => {
      return { what: memoryAt(address, pid), why: 'made-at-run-time', bytes: length };
    });
  return { bytes, unread };
}
