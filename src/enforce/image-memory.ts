/** What the dumped memory of a process tells: handlers that are running, and glibc's choices. */
import { join } from 'node:path';
import { openInput } from '../formats/format.js';
import { AddressSpace, type DumpedPages } from '../formats/images/address-space.js';
import { ElfFile } from '../formats/images/elf.js';
import { findKeptCpuid } from '../formats/images/kept-cpuid.js';
import {
  BINDS_NOTHING,
  bothUnknown,
  type GlibcMemory,
  readGlibc,
  type ThreadAt,
} from '../formats/images/lazy-binding.js';
import {
  coversInParent,
  highestAddress,
  type MappedFile,
  type MemoryMap,
  type PageMap,
  readMemoryMap,
  readPageMap,
} from '../formats/images/memory-map.js';
import { findSavedStates } from '../formats/images/saved-states.js';
import { findStacks } from '../formats/images/signal-frames.js';
import { InputError } from '../model/errors.js';
import type {
  ImageGap,
  ImageProcess,
  ImageThread,
  SavedState,
  SignalFrame,
  Told,
} from '../model/image-folder.js';
import { type ImageFiles, readMappedFile } from './image-files.js';

type Memory = Pick<
  ImageProcess,
  | 'auxv'
  | 'highestAddress'
  | 'signalFrames'
  | 'savedStates'
  | 'lazyBinding'
  | 'keptSizes'
  | 'keptCpuid'
  | 'gaps'
>;

const AT_BASE = 7;
const AT_ENTRY = 9;
const PROT_EXEC = 4;
/** Dynamic linkers have 200 KB to 1 MB. */
const LARGEST_LINKER = 16 * 1024 * 1024;
/** Each is one iteration of a pre-copy, which nobody repeats so often. */
const MOST_PARENTS = 128;

/** What the map tells stays told where the pages are missing. */
function untold(reason: string, gaps: readonly ImageGap[], map?: MemoryMap): Memory {
  const answer = { known: false, reason } as const;
  return {
    auxv: map?.auxv ?? new Map(),
    highestAddress: map === undefined ? answer : { known: true, value: highestAddress(map) },
    signalFrames: answer,
    savedStates: answer,
    lazyBinding: answer,
    keptCpuid: answer,
    gaps,
    keptSizes: answer,
  };
}

type Dumps = readonly [DumpedPages, ...DumpedPages[]];

/** Where the pages of one dump are, and of those before that it counts on; undefined: not all are there. */
function withDumps<T>(
  files: ImageFiles,
  pid: number,
  child: { readonly map: PageMap; readonly depth: number } | undefined,
  work: (dumps: Dumps | undefined, gaps: readonly ImageGap[]) => T,
): T {
  const depth = child === undefined ? 0 : child.depth + 1;
  const gap = (file: string, kind: ImageGap['gap']): readonly ImageGap[] => [
    { file: `${'parent/'.repeat(depth)}${file}`, gap: kind },
  ];
  const name = `pagemap-${pid}.img`;
  const bytes = files.readFile(name);
  if (bytes === undefined) return work(undefined, gap(name, 'missing'));
  const map = readPageMap(openInput(join(files.name, name), bytes));
  if (map === undefined) return work(undefined, gap(name, 'form'));
  if (child !== undefined && !coversInParent(child.map, map))
    return work(undefined, gap(name, 'base'));
  const file = `pages-${map.pagesId}.img`;
  return files.useFile(file, (content) => {
    const read = (offset: number, length: number) => content?.read(offset, length);
    const isWhole = (content?.size ?? 0) === map.bytes;
    const own = isWhole ? [] : gap(file, content === undefined ? 'missing' : 'size');
    if (!map.usesParent) return work(isWhole ? [{ map, read }] : undefined, own);
    return files.useParent((parent) => {
      if (parent === undefined) return work(undefined, [...gap('parent', 'missing'), ...own]);
      if (depth === MOST_PARENTS)
        throw new InputError('malformed', `has more than ${MOST_PARENTS} dumps before it`, {
          place: { file: join(files.name, 'parent') },
          remedy: 'Each "parent" leads to the folder of the dump before; the first dump has none.',
        });
      return withDumps(parent, pid, { map, depth }, (before, gaps) =>
        work(isWhole && before !== undefined ? [{ map, read }, ...before] : undefined, [
          ...own,
          ...gaps,
        ]),
      );
    });
  });
}

/** The memory, or why it can't be read: pages that aren't here, or don't fit what says where they are. */
export function withSpace<T>(
  files: ImageFiles,
  pid: number,
  map: MemoryMap,
  work: (space: AddressSpace | undefined, gaps: readonly ImageGap[]) => T,
): T {
  return withDumps(files, pid, undefined, (dumps, gaps) =>
    work(dumps && new AddressSpace(map, dumps), gaps),
  );
}

/** What lies on the stacks of all threads. */
function stacksOf(
  space: AddressSpace,
  threads: readonly ImageThread[],
): Pick<Memory, 'signalFrames' | 'savedStates'> & { readonly standing: Told<ThreadAt[]> } {
  const frames: SignalFrame[] = [];
  const states: SavedState[] = [];
  const standing: ThreadAt[] = [];
  for (const thread of threads) {
    const stacks = findStacks(space, thread);
    if (!stacks.known) return { signalFrames: stacks, savedStates: stacks, standing: stacks };
    standing.push(...stacks.value.standing.map(({ rip }) => ({ tid: thread.tid, rip })));
    frames.push(...stacks.value.frames);
    states.push(...findSavedStates(space, thread, stacks.value));
  }
  return {
    signalFrames: { known: true, value: frames },
    savedStates: { known: true, value: states },
    standing: { known: true, value: standing },
  };
}

/** All code that can run is of one file: of the program. */
function loadsNothing({ mappings }: MemoryMap): boolean {
  const files = mappings.filter(({ file, prot }) => file !== 0 && (prot & PROT_EXEC) !== 0);
  return new Set(files.map(({ file }) => file)).size <= 1;
}

function isSame(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a !== undefined && b !== undefined && Buffer.compare(a, b) === 0;
}

/** An address in what holds the C library's own data. */
function libraryOf({ auxv }: MemoryMap): bigint {
  return auxv.get(AT_BASE) || auxv.get(AT_ENTRY) || 0n;
}

function glibcOf(
  space: AddressSpace,
  map: MemoryMap,
  mapped: ReadonlyMap<number, MappedFile>,
  root: string,
  standing: Told<ThreadAt[]>,
): GlibcMemory {
  const base = map.auxv.get(AT_BASE) ?? 0n;
  if (base === 0n)
    return loadsNothing(map) ? BINDS_NOTHING : bothUnknown('a static program has loaded objects');
  const mapping = space.mappingAt(base);
  const file = mapping?.kind === 'file' ? mapped.get(mapping.file) : undefined;
  if (file === undefined)
    return bothUnknown('the images do not name the file of the dynamic linker');
  const bytes = readMappedFile(root, file.path, LARGEST_LINKER);
  if (bytes === undefined) return bothUnknown(`${file.path} is not on this host`);
  const linker = ElfFile.open(bytes);
  if (linker === undefined || !isSame(linker.buildId, file.buildId))
    return bothUnknown(`${file.path} is not the file that the tasks have mapped`);
  const memory = readGlibc(space, base, linker, standing.known ? standing.value : []);
  // A thread of which nobody knows where it stands may stand between.
  return standing.known ? memory : { ...memory, keptSizes: standing };
}

/** Throws InputError for damaged images; missing ones only leave something untold. */
export function readMemory(
  files: ImageFiles,
  pid: number,
  threads: readonly ImageThread[],
  mapped: ReadonlyMap<number, MappedFile>,
  root: string,
): Memory {
  const name = `mm-${pid}.img`;
  const bytes = files.readFile(name);
  if (bytes === undefined) return untold(`${name} is missing`, [{ file: name, gap: 'missing' }]);
  const map = readMemoryMap(openInput(join(files.name, name), bytes));
  if (map === undefined)
    return untold(`${name} holds entries of a form that is unknown here`, [
      { file: name, gap: 'form' },
    ]);
  return withSpace(files, pid, map, (space, gaps) => {
    if (space === undefined) return untold('some memory pages are not in the folder', gaps, map);
    const { standing, ...stacks } = stacksOf(space, threads);
    return {
      auxv: map.auxv,
      highestAddress: { known: true, value: highestAddress(map) },
      ...stacks,
      ...glibcOf(space, map, mapped, root, standing),
      keptCpuid: findKeptCpuid(space, libraryOf(map)),
      gaps,
    };
  });
}
