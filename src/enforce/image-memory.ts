/** What the dumped memory of a process tells: handlers that are running, and glibc's choices. */
import { join } from 'node:path';
import { openInput } from '../formats/format.js';
import { AddressSpace } from '../formats/images/address-space.js';
import { ElfFile } from '../formats/images/elf.js';
import { findKeptCpuid } from '../formats/images/kept-cpuid.js';
import { findLazyBinding } from '../formats/images/lazy-binding.js';
import {
  highestAddress,
  type MappedFile,
  type MemoryMap,
  readMemoryMap,
  readPageMap,
} from '../formats/images/memory-map.js';
import { findSignalFrames } from '../formats/images/signal-frames.js';
import type {
  ImageProcess,
  ImageThread,
  LazyBinding,
  SignalFrame,
  Told,
} from '../model/image-folder.js';
import { type ImageFiles, readMappedFile } from './image-files.js';

type Memory = Pick<
  ImageProcess,
  'auxv' | 'highestAddress' | 'signalFrames' | 'lazyBinding' | 'keptCpuid'
>;

const AT_BASE = 7;
const AT_ENTRY = 9;
const PROT_EXEC = 4;

/** What the map tells stays told where the pages are missing. */
function untold(reason: string, map?: MemoryMap): Memory {
  const answer = { known: false, reason } as const;
  return {
    auxv: map?.auxv ?? new Map(),
    highestAddress: map === undefined ? answer : { known: true, value: highestAddress(map) },
    signalFrames: answer,
    lazyBinding: answer,
    keptCpuid: answer,
  };
}

/** Undefined for pages that aren't here, or that don't fit what says where they are. */
function withSpace<T>(
  files: ImageFiles,
  pid: number,
  map: MemoryMap,
  work: (space: AddressSpace | undefined) => T,
): T {
  const name = `pagemap-${pid}.img`;
  const bytes = files.readFile(name);
  const pages = bytes && readPageMap(openInput(join(files.name, name), bytes));
  if (pages === undefined) return work(undefined);
  return files.useFile(`pages-${pages.pagesId}.img`, (content) => {
    if ((content?.size ?? 0) !== pages.bytes) return work(undefined);
    return work(new AddressSpace(map, pages, (offset, length) => content?.read(offset, length)));
  });
}

function framesOf(
  space: AddressSpace,
  threads: readonly ImageThread[],
): Told<readonly SignalFrame[]> {
  const all: SignalFrame[] = [];
  for (const thread of threads) {
    const found = findSignalFrames(space, thread);
    if (!found.known) return found;
    all.push(...found.value);
  }
  return { known: true, value: all };
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

function bindingOf(
  space: AddressSpace,
  map: MemoryMap,
  mapped: ReadonlyMap<number, MappedFile>,
  root: string,
): Told<LazyBinding> {
  const no = (reason: string) => ({ known: false, reason }) as const;
  const base = map.auxv.get(AT_BASE) ?? 0n;
  if (base === 0n)
    return loadsNothing(map)
      ? { known: true, value: { kind: 'none' } }
      : no('a static program has loaded objects');
  const mapping = space.mappingAt(base);
  const file = mapping?.kind === 'file' ? mapped.get(mapping.file) : undefined;
  if (file === undefined) return no('the images do not name the file of the dynamic linker');
  const bytes = readMappedFile(root, file.path);
  if (bytes === undefined) return no(`${file.path} is not on this host`);
  const linker = ElfFile.open(bytes);
  if (linker === undefined || !isSame(linker.buildId, file.buildId))
    return no(`${file.path} is not the file that the tasks have mapped`);
  return findLazyBinding(space, base, linker);
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
  if (bytes === undefined) return untold(`${name} is missing`);
  const map = readMemoryMap(openInput(join(files.name, name), bytes));
  return withSpace(files, pid, map, (space) => {
    if (space === undefined) return untold('some memory pages are not in the folder', map);
    return {
      auxv: map.auxv,
      highestAddress: { known: true, value: highestAddress(map) },
      signalFrames: framesOf(space, threads),
      lazyBinding: bindingOf(space, map, mapped, root),
      keptCpuid: findKeptCpuid(space, libraryOf(map)),
    };
  });
}
