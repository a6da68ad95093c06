/** What the dumped memory of a process tells: handlers that are running, and glibc's choices. */
import { join } from 'node:path';
import { openInput } from '../formats/format.js';
import { AddressSpace } from '../formats/images/address-space.js';
import { ElfFile } from '../formats/images/elf.js';
import { findLazyBinding } from '../formats/images/lazy-binding.js';
import {
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

type Memory = Pick<ImageProcess, 'auxv' | 'signalFrames' | 'lazyBinding'>;

const AT_BASE = 7;
const PROT_EXEC = 4;

function untold(reason: string, auxv: ImageProcess['auxv'] = new Map()): Memory {
  const answer = { known: false, reason } as const;
  return { auxv, signalFrames: answer, lazyBinding: answer };
}

/** Undefined: pages that aren't here, or that don't fit what says where they are. */
function openSpace(files: ImageFiles, pid: number, map: MemoryMap): AddressSpace | undefined {
  const name = `pagemap-${pid}.img`;
  const bytes = files.readFile(name);
  if (bytes === undefined) return undefined;
  const pages = readPageMap(openInput(join(files.name, name), bytes));
  if (pages === undefined) return undefined;
  const content = files.openFile(`pages-${pages.pagesId}.img`);
  if ((content?.size ?? 0) !== pages.bytes) return undefined;
  return new AddressSpace(map, pages, (offset, length) => content?.read(offset, length));
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

/** Two pieces of code that can run: a program and what it loads. */
function loadsNothing({ mappings }: MemoryMap): boolean {
  const files = mappings.filter(({ kind, prot }) => kind === 'file' && (prot & PROT_EXEC) !== 0);
  return new Set(files.map(({ file }) => file)).size <= 1;
}

function isSame(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a !== undefined && b !== undefined && Buffer.compare(a, b) === 0;
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
  if (file === undefined) return no("the dynamic linker's file isn't named in the images");
  const bytes = readMappedFile(root, file.path);
  if (bytes === undefined) return no(`${file.path} isn't here`);
  const linker = ElfFile.open(bytes);
  if (linker === undefined || !isSame(linker.buildId, file.buildId))
    return no(`${file.path} isn't the one that the tasks have mapped`);
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
  if (bytes === undefined) return untold(`${name} isn't there`);
  const map = readMemoryMap(openInput(join(files.name, name), bytes));
  const space = openSpace(files, pid, map);
  if (space === undefined) return untold("the pages aren't all in the folder", map.auxv);
  return {
    auxv: map.auxv,
    signalFrames: framesOf(space, threads),
    lazyBinding: bindingOf(space, map, mapped, root),
  };
}
