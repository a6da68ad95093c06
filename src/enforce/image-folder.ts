/** CRIU's images of one dump, opened and read. Everything in them is untrusted. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { criuImage } from '../formats/criu-image.js';
import { readDumpRecord } from '../formats/dump-record.js';
import { type Input, MAX_INPUT_BYTES, openInput } from '../formats/format.js';
import { type CoreImage, readCore } from '../formats/images/core.js';
import { type MappedFile, readMappedFiles } from '../formats/images/memory-map.js';
import { checkInventory, checkThreads, readTree, type TreeEntry } from '../formats/images/tree.js';
import { type DumpRecord, RECORD_NAME } from '../model/dump-record.js';
import { InputError } from '../model/errors.js';
import type { Host } from '../model/host.js';
import type { ImageFolder, ImageProcess, ImageThread } from '../model/image-folder.js';
import { FolderFiles, ImageFiles } from './image-files.js';
import { readMemory } from './image-memory.js';

export interface ReadOptions {
  /** Where the files are that the tasks have mapped (a container's root); default: "/". */
  readonly root?: string;
}

export function inputOf(files: ImageFiles, file: string): Input {
  return openInput(join(files.name, file), files.needFile(file));
}

export function optionalInput(
  files: ImageFiles,
  file: string,
  largest?: number,
): Input | undefined {
  const bytes = files.readFile(file, largest);
  return bytes === undefined ? undefined : openInput(join(files.name, file), bytes);
}

function fingerprintOf(files: ImageFiles): string {
  const hash = createHash('sha256');
  for (const file of ['inventory.img', 'pstree.img']) {
    const bytes = files.needFile(file);
    hash.update(`${file} ${bytes.length}\n`).update(bytes);
  }
  return hash.digest('hex');
}

/** Files that somebody else has opened stay open. */
function withFolder<T>(given: string | ImageFiles, work: (files: ImageFiles) => T): T {
  if (given instanceof ImageFiles) return work(given);
  const files = new FolderFiles(given);
  try {
    return work(files);
  } finally {
    files.close();
  }
}

/** For the record: SHA-256 of inventory.img and pstree.img, with their names and sizes. */
export function fingerprintImages(path: string): string {
  return withFolder(path, fingerprintOf);
}

/** An image of a CPU that CRIU had no name for holds nothing; that is no damage. */
function readCpuinfo(files: ImageFiles): Host | undefined {
  const input = optionalInput(files, 'cpuinfo.img');
  return input === undefined || input.bytes.length === 0 ? undefined : criuImage.read(input);
}

interface FoundRecord {
  readonly record: DumpRecord | undefined;
  readonly remarks: readonly string[];
}

/** A record of other images says nothing about these. */
function readRecord(files: ImageFiles, fingerprint: string): FoundRecord {
  const input = optionalInput(files, RECORD_NAME, MAX_INPUT_BYTES);
  if (input === undefined) return { record: undefined, remarks: [] };
  const record = readDumpRecord(input);
  if (record.fingerprint === fingerprint) return { record, remarks: [] };
  return {
    record: undefined,
    remarks: [`${RECORD_NAME} was written for other images and is ignored.`],
  };
}

/** Undefined: there is neither. Every process has its program open. */
export function readFiles(files: ImageFiles): ReadonlyMap<number, MappedFile> | undefined {
  const input = optionalInput(files, 'files.img');
  if (input !== undefined) return readMappedFiles(input, 'files');
  const old = optionalInput(files, 'reg-files.img');
  return old && readMappedFiles(old, 'reg-files');
}

function readProcess(
  files: ImageFiles,
  { pid, threads: tids }: TreeEntry,
  leader: CoreImage,
  mapped: ReadonlyMap<number, MappedFile>,
  root: string,
): ImageProcess {
  const common = {
    pid,
    comm: leader.comm ?? '',
    isAlive: leader.isAlive,
    isStopped: leader.isStopped,
  };
  if (!leader.isAlive)
    return {
      ...common,
      threads: [],
      auxv: new Map(),
      highestAddress: { known: true, value: 0n },
      signalFrames: { known: true, value: [] },
      savedStates: { known: true, value: [] },
      lazyBinding: { known: true, value: { kind: 'none' } },
      keptCpuid: { known: false, reason: 'it has ended' },
      gaps: [],
      keptSizes: { known: true, value: [] },
    };
  const threads = (tids.length === 0 ? [pid] : tids).map((tid): ImageThread => {
    const core = tid === pid ? leader : readCore(inputOf(files, `core-${tid}.img`), tid);
    if (core.thread === undefined)
      throw new InputError('malformed', 'has no registers, although its process is alive', {
        place: { file: join(files.name, `core-${tid}.img`) },
      });
    return core.thread;
  });
  return { ...common, threads, ...readMemory(files, pid, threads, mapped, root) };
}

/** Throws InputError for what is no dump, or a damaged one. */
export function readImageFolder(
  given: string | ImageFiles,
  { root = '/' }: ReadOptions = {},
): ImageFolder {
  return withFolder(given, (files) => {
    checkInventory(inputOf(files, 'inventory.img'));
    const treeImage = optionalInput(files, 'pstree.img');
    if (treeImage === undefined)
      throw new InputError('unreadable', 'is missing', {
        place: { file: join(files.name, 'pstree.img') },
        remedy:
          'The folder is of a pre-dump, or of a dump that failed: name the folder of a dump that was finished.',
      });
    const tree = readTree(treeImage).map((entry) => ({
      entry,
      leader: readCore(inputOf(files, `core-${entry.pid}.img`), entry.pid),
    }));
    const alive = tree.filter(({ leader }) => leader.isAlive).map(({ entry }) => entry);
    checkThreads(treeImage, alive);
    const fingerprint = fingerprintOf(files);
    const { record, remarks } = readRecord(files, fingerprint);
    const mapped = readFiles(files);
    return {
      name: files.name,
      rootPid: tree[0]?.entry.pid ?? 0,
      processes: tree.map(({ entry, leader }) =>
        readProcess(files, entry, leader, mapped ?? new Map(), root),
      ),
      gaps: mapped === undefined ? [{ file: 'files.img', gap: 'missing' }] : [],
      cpuinfo: readCpuinfo(files),
      record,
      fingerprint,
      remarks,
    };
  });
}

/** Whether a folder holds a dump, and not just a record of a CPU. */
export function isDump(given: string | ImageFiles): boolean {
  return withFolder(given, (files) => files.readFile('inventory.img') !== undefined);
}

/** The dump's host alone. Throws InputError where nothing in the folder tells it. */
export function readImageHost(given: string | ImageFiles): Host {
  return withFolder(given, (files) => {
    const hasTasks = files.readFile('inventory.img') !== undefined;
    const { record, remarks } = hasTasks
      ? readRecord(files, fingerprintOf(files))
      : { record: undefined, remarks: [] };
    const host = record?.host ?? readCpuinfo(files);
    if (host === undefined)
      throw new InputError('not-enough-data', 'holds no record of the CPU', {
        place: { file: files.name },
        remedy: `It holds neither ${RECORD_NAME} nor cpuinfo.img: dump with "cpugate dump", or with criu --cpu-cap=cpu.`,
      });
    return { ...host, name: files.name, remarks: [...host.remarks, ...remarks] };
  });
}
