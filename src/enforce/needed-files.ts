/**
 * The files whose code a program starts with: itself, its loader, and the libraries that these name, found where
 * glibc's loader looks. What isn't found isn't in the list; the loader says so.
 * Sources: ld.so(8); glibc sysdeps/generic/dl-cache.h (the format of ld.so.cache); the System V gABI, chapter 5.
 */
import { closeSync, existsSync, openSync, readFileSync, readSync, realpathSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { elfInterpreter, elfView, part, programHeaders } from '../probe/elf.js';

const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const DT_NEEDED = 1n;
const DT_STRTAB = 5n;
const DT_STRSZ = 10n;
const DT_RPATH = 15n;
const DT_RUNPATH = 29n;

/** Where linkers put headers, notes and the loader's name. */
const START_BYTES = 4096;
/** More than any program has. */
const MAX_FILES = 4096;
const MAX_DYNAMIC_BYTES = 64 * 1024;
const MAX_STRING_BYTES = 16 * 1024 * 1024;

interface Dynamic {
  readonly interpreter: string | undefined;
  readonly needed: readonly string[];
  readonly folders: readonly string[];
}

function readAt(descriptor: number, offset: number, size: number): Buffer {
  const buffer = Buffer.alloc(size);
  return buffer.subarray(0, readSync(descriptor, buffer, 0, size, offset));
}

function textAt(strings: Buffer, at: number): string {
  const end = strings.indexOf(0, at);
  return strings.toString('utf8', at, end < 0 ? strings.length : end);
}

/** Undefined: no such file, or one without libraries that can be read. */
function readDynamic(file: string): Dynamic | undefined {
  const descriptor = openSync(file, 'r');
  try {
    const start = readAt(descriptor, 0, START_BYTES);
    const view = elfView(start);
    if (view === undefined) return undefined;
    const headers = [...programHeaders(view)].map((header) => ({
      type: header.getUint32(0, true),
      offset: Number(header.getBigUint64(8, true)),
      address: Number(header.getBigUint64(16, true)),
      size: Number(header.getBigUint64(32, true)),
    }));
    const interpreter = elfInterpreter(start);
    const dynamic = headers.find(({ type }) => type === PT_DYNAMIC);
    if (dynamic === undefined || dynamic.size > MAX_DYNAMIC_BYTES)
      return { interpreter, needed: [], folders: [] };
    const entries = readAt(descriptor, dynamic.offset, dynamic.size);
    const tags: [tag: bigint, value: number][] = [];
    for (let at = 0; at + 16 <= entries.length; at += 16)
      tags.push([entries.readBigUInt64LE(at), Number(entries.readBigUInt64LE(at + 8))]);
    const all = (wanted: bigint) => tags.flatMap(([tag, value]) => (tag === wanted ? [value] : []));
    const [address = 0] = all(DT_STRTAB);
    const [size = 0] = all(DT_STRSZ);
    const load = headers.find(
      (one) => one.type === PT_LOAD && address >= one.address && address < one.address + one.size,
    );
    if (load === undefined || size > MAX_STRING_BYTES)
      return { interpreter, needed: [], folders: [] };
    const strings = readAt(descriptor, load.offset + address - load.address, size);
    const texts = (tag: bigint) => all(tag).map((value) => textAt(strings, value));
    const [path = ''] = [...texts(DT_RUNPATH), ...texts(DT_RPATH)];
    const origin = dirname(realpathSync(file));
    const folders = path
      .split(':')
      .map((folder) => folder.replace(/\$ORIGIN|\$\{ORIGIN\}/g, origin))
      .filter((folder) => isAbsolute(folder));
    return { interpreter, needed: texts(DT_NEEDED), folders };
  } catch {
    // Whatever can't be read tells nothing; the program is started all the same.
    return undefined;
  } finally {
    closeSync(descriptor);
  }
}

const CACHE_MAGIC = 'glibc-ld.so.cache1.1';
const CACHE_HEADER_BYTES = 48;
const CACHE_ENTRY_BYTES = 24;
/** A library of x86-64 for glibc. */
const X8664_LIBRARY = 0x0303;

/** Paths by name, of those wanted. */
export function readLoaderCache(cache: Buffer, wanted: ReadonlySet<string>): Map<string, string> {
  const found = new Map<string, string>();
  // An old format may stand before it.
  const base = cache.indexOf(CACHE_MAGIC);
  if (base < 0 || cache.length < base + CACHE_HEADER_BYTES) return found;
  const view = part(
    new DataView(cache.buffer, cache.byteOffset, cache.length),
    BigInt(base),
    BigInt(cache.length - base),
  ) as DataView;
  const count = view.getUint32(20, true);
  for (let place = 0; place < count; place++) {
    const at = CACHE_HEADER_BYTES + place * CACHE_ENTRY_BYTES;
    if (at + CACHE_ENTRY_BYTES > view.byteLength) break;
    // With a hwcap it is for some CPUs only.
    if (view.getUint32(at, true) !== X8664_LIBRARY || view.getBigUint64(at + 16, true) !== 0n)
      continue;
    const name = textAt(cache, base + view.getUint32(at + 4, true));
    if (wanted.has(name) && !found.has(name))
      found.set(name, textAt(cache, base + view.getUint32(at + 8, true)));
  }
  return found;
}

const DEFAULT_FOLDERS = [
  '/lib/x86_64-linux-gnu',
  '/usr/lib/x86_64-linux-gnu',
  '/lib64',
  '/usr/lib64',
  '/lib',
  '/usr/lib',
];

/** The program first. */
export function neededFiles(
  program: string,
  libraryPath: string | undefined,
  cachePath = '/etc/ld.so.cache',
): string[] {
  const files: string[] = [];
  const seen = new Set<string>();
  const names = new Set<string>();
  const queue = [program];
  const given = (libraryPath ?? '').split(':').filter((folder) => isAbsolute(folder));
  let cache: Buffer | undefined;
  for (
    let file = queue.shift();
    file !== undefined && files.length < MAX_FILES;
    file = queue.shift()
  ) {
    let real: string;
    try {
      real = realpathSync(file);
    } catch {
      continue;
    }
    if (seen.has(real)) continue;
    seen.add(real);
    files.push(real);
    const dynamic = readDynamic(real);
    if (dynamic === undefined) continue;
    if (dynamic.interpreter !== undefined) queue.push(dynamic.interpreter);
    const wanted = dynamic.needed.filter((name) => !names.has(name));
    for (const name of wanted) names.add(name);
    const left = new Set<string>();
    for (const name of wanted) {
      const folder = [...given, ...dynamic.folders].find((one) => existsSync(join(one, name)));
      if (name.includes('/')) queue.push(name);
      else if (folder !== undefined) queue.push(join(folder, name));
      else left.add(name);
    }
    if (left.size === 0) continue;
    cache ??= existsSync(cachePath) ? readFileSync(cachePath) : Buffer.alloc(0);
    const cached = readLoaderCache(cache, left);
    for (const name of left) {
      const path =
        cached.get(name) ??
        DEFAULT_FOLDERS.map((folder) => join(folder, name)).find((one) => existsSync(one));
      if (path !== undefined) queue.push(path);
    }
  }
  return files;
}
