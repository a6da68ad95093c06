/**
 * The files of a dump within an archive. One walk over it finds where they are. Of a tar that isn't
 * packed any more, each is read at its place when it is wanted, and pages that nobody wants never. What
 * is packed has no places: its small images are kept, and its pages laid aside in a file without a name.
 */
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import type { ByteSource } from '../formats/archives/byte-source.js';
import { type FoundDump, findDump, joinName, splitName } from '../formats/archives/find-dump.js';
import { checkpointLayer, LARGEST_MANIFEST } from '../formats/archives/oci-image.js';
import { type TarMember, walkTar } from '../formats/archives/tar.js';
import { type Input, openInput } from '../formats/format.js';
import { RECORD_NAME } from '../model/dump-record.js';
import { InputError } from '../model/errors.js';
import {
  bytesOf,
  DECODE_LIMITS,
  type DecodeLimits,
  packingAt,
  type Region,
} from './archive-bytes.js';
import {
  ImageFiles,
  LARGEST_IMAGE,
  type OpenFile,
  readExactly,
  unreadable,
} from './image-files.js';
import { SparePages } from './spare-pages.js';

/** Larger ones aren't CRIU's. */
const LONGEST_KEPT_NAME = 512;
/** Of a packed archive, in memory: that many images have no dump. */
const MOST_KEPT_BYTES = 512 * 1024 * 1024;

const PAGES = /^pages-(?:shmem-)?\d+\.img$/;
/** Contents of file systems, which nobody asks for. */
const CONTENTS = /^(?:tmpfs-.*|ghost-file-.*|autofs-.*|.*\.tar\.gz|iptables-.*)\.img$/;
const SETTINGS = ['config.dump', 'spec.dump', 'index.json', 'oci-layout', 'engine', RECORD_NAME];

function isKept(file: string): boolean {
  return SETTINGS.includes(file) || (/\.img$/.test(file) && !CONTENTS.test(file));
}

interface Entry {
  readonly kind: TarMember['kind'];
  readonly bytes: number;
  /** Undefined: packed, and nothing that anybody was thought to want. */
  readonly content: OpenFile['read'] | undefined;
  readonly offset: number | undefined;
}

export interface ArchiveOptions {
  /** Without them what the memory holds can't be told; a host of a dump needs none. */
  readonly pages?: boolean;
  readonly limits?: DecodeLimits;
  /** Of an image, which is no image itself. */
  readonly isLayer?: boolean;
}

function reader(content: Uint8Array): OpenFile['read'] {
  return (offset, length) =>
    offset + length > content.length ? undefined : content.subarray(offset, offset + length);
}

/** The walk's result: of one archive. */
class Contents {
  readonly entries = new Map<string, Entry>();
  readonly #region: Region;
  readonly #spare: SparePages | undefined;
  #keptBytes = 0;

  constructor(region: Region, spare: SparePages | undefined) {
    this.#region = region;
    this.#spare = spare;
  }

  async add(member: TarMember, content: ByteSource): Promise<void> {
    const { name, kind, bytes, offset } = member;
    if (kind === 'folder' || name.length > LONGEST_KEPT_NAME) return;
    if (this.entries.has(name)) throw this.#twice(name);
    const read = kind === 'file' ? await this.#read(member, content) : undefined;
    this.entries.set(name, { kind, bytes, content: read, offset });
  }

  #twice(name: string): InputError {
    return new InputError('malformed', 'is in the archive twice', {
      place: { file: joinName(this.#region.name, name) },
      remedy: 'Which of them counts depends on who unpacks it.',
    });
  }

  async #read(
    { name, bytes, offset }: TarMember,
    content: ByteSource,
  ): Promise<OpenFile['read'] | undefined> {
    if (offset !== undefined)
      return (at, length) =>
        at + length > bytes ? undefined : readExactly(this.#region.descriptor, offset + at, length);
    const [folder, file] = splitName(name);
    if (PAGES.test(file)) return this.#spare?.keep(content, bytes, name);
    const isBlob = /(?:^|\/)blobs\/sha\d+$/.test(folder) && bytes <= LARGEST_MANIFEST;
    if ((!isKept(file) && !isBlob) || bytes > LARGEST_IMAGE) return undefined;
    this.#keptBytes += bytes;
    if (this.#keptBytes > MOST_KEPT_BYTES)
      throw new InputError('too-large', 'holds more images than a dump has', {
        place: { file: this.#region.name },
        remedy: 'Unpack it, if it is to be trusted, and give the folder.',
      });
    const kept = await content.take(bytes);
    return reader(kept);
  }
}

async function walk(region: Region, { pages = true, limits = DECODE_LIMITS }: ArchiveOptions) {
  const packing = packingAt(region);
  if (packing === undefined)
    throw new InputError('unknown-format', 'is no tar, neither as it is nor by gzip or Zstandard', {
      place: { file: region.name },
    });
  const spare = pages && packing !== 'tar' ? new SparePages() : undefined;
  const contents = new Contents(region, spare);
  try {
    const source = bytesOf(region, packing, limits);
    await walkTar(source, region.name, (member, content) => contents.add(member, content));
    // What the decoder finds at its end belongs to it.
    if (packing !== 'tar') await source.pass(Number.MAX_SAFE_INTEGER);
    return { region, entries: contents.entries, spare };
  } catch (error) {
    spare?.close();
    throw error;
  }
}

type Walked = Awaited<ReturnType<typeof walk>>;

function namesOf({ entries }: Walked): ReadonlySet<string> {
  return new Set([...entries].filter(([, { kind }]) => kind === 'file').map(([name]) => name));
}

/** JSON of the archive; undefined where it isn't there. */
function settings({ region, entries }: Walked, name: string, largest: number): Input | undefined {
  const entry = entries.get(name);
  if (entry?.content === undefined || entry.bytes > largest) return undefined;
  const bytes = entry.content(0, entry.bytes);
  return bytes && openInput(joinName(region.name, name), bytes);
}

/** The layer with the checkpoint, of an image. */
function layerOf(walked: Walked, folder: string): Region {
  const { region, entries } = walked;
  const need = (name: string) => {
    const found = settings(walked, joinName(folder, name), LARGEST_MANIFEST);
    if (found !== undefined) return found;
    throw unreadable(joinName(region.name, joinName(folder, name)), { code: 'ENOENT' });
  };
  const layer = joinName(folder, checkpointLayer(region.name, need));
  const name = joinName(region.name, layer);
  const entry = entries.get(layer);
  if (entry?.kind !== 'file') throw unreadable(name, { code: 'ENOENT' });
  if (entry.offset === undefined)
    throw new InputError('unreadable', 'is packed twice', {
      place: { file: name },
      remedy: `Unpack the outer one: "gzip -d" or "zstd -d" of ${region.name}.`,
    });
  const { descriptor } = region;
  return { descriptor, start: entry.offset, end: entry.offset + entry.bytes, name };
}

/** Files of one folder of an archive. */
export class ArchiveFiles extends ImageFiles {
  readonly name: string;
  readonly found: FoundDump;
  readonly #folder: string;
  readonly #walked: Walked;

  constructor(walked: Walked, found: FoundDump & { readonly folder: string }) {
    super();
    this.#walked = walked;
    this.#folder = found.folder;
    this.found = found;
    this.name = joinName(walked.region.name, found.folder);
  }

  /** With what is in the folder itself. */
  get region(): Region {
    return this.#walked.region;
  }

  get folder(): string {
    return this.#folder;
  }

  /** Of a container's settings; undefined: not there, or larger than such settings are. */
  settings(name: string, largest: number): Input | undefined {
    return settings(this.#walked, name, largest);
  }

  useFile<T>(file: string, work: (opened: OpenFile | undefined) => T): T {
    const entry = this.#walked.entries.get(joinName(this.#folder, file));
    if (entry === undefined) return work(undefined);
    const name = joinName(this.name, file);
    if (entry.kind === 'link') throw unreadable(name, { code: 'ELOOP' });
    if (entry.kind !== 'file')
      throw new InputError('unreadable', 'is not a regular file', { place: { file: name } });
    const { bytes, content } = entry;
    // Too large to be kept, or pages that nobody wanted: who asks is told the size.
    return work({ size: bytes, read: (offset, length) => content?.(offset, length) });
  }

  /** What the link leads to is nothing here: the parent of Podman's images is in another archive. */
  useParent<T>(work: (parent: ImageFiles | undefined) => T): T {
    return work(undefined);
  }

  close(): void {
    this.#walked.spare?.close();
    closeSync(this.#walked.region.descriptor);
  }
}

export function noDump(name: string, found: FoundDump): InputError {
  const place = { file: name };
  switch (found.kind) {
    case 'several':
      return new InputError('not-enough-data', `holds ${found.folders.length} dumps`, {
        place,
        remedy: `Unpack it, and give one of the folders: ${found.folders.slice(0, 5).join(', ')}.`,
      });
    case 'incomplete':
      return incompleteDump(joinName(name, found.folder));
    default:
      return new InputError('not-enough-data', 'holds no dump of CRIU', {
        place,
        remedy:
          'An inventory.img is in every dump, in the folder checkpoint/ of what engines write.',
      });
  }
}

/** CRIU writes the inventory when all tasks are dumped. */
function incompleteDump(name: string): InputError {
  return new InputError('not-enough-data', 'holds the remains of a dump that failed', {
    place: { file: name },
    remedy: 'CRIU writes inventory.img last, and it is missing. Dump once more.',
  });
}

/** A link in place of one of the folders would have the images elsewhere. */
function refuseLinkedFolder({ entries, region }: Walked, folder: string): void {
  for (let place = folder; place !== ''; place = splitName(place)[0])
    if (entries.get(place) !== undefined)
      throw new InputError('malformed', 'is a folder, and something else as well', {
        place: { file: joinName(region.name, place) },
      });
}

async function openRegion(region: Region, options: ArchiveOptions): Promise<ArchiveFiles> {
  const walked = await walk(region, options);
  try {
    const found = findDump(namesOf(walked));
    if (found.kind === 'oci' && options.isLayer !== true) {
      const layer = layerOf(walked, found.folder);
      walked.spare?.close();
      return await openRegion(layer, { ...options, isLayer: true });
    }
    if (found.kind !== 'dump' && found.kind !== 'record') throw noDump(region.name, found);
    refuseLinkedFolder(walked, found.folder);
    return new ArchiveFiles(walked, found);
  } catch (error) {
    walked.spare?.close();
    throw error;
  }
}

/** Throws InputError for what holds no dump, or isn't whole. `name` is what messages call it. */
export async function openArchive(
  path: string,
  options: ArchiveOptions = {},
): Promise<ArchiveFiles> {
  let descriptor: number;
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    throw unreadable(path, error);
  }
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isFile())
      throw new InputError('unreadable', 'is not a regular file', { place: { file: path } });
    return await openRegion({ descriptor, start: 0, end: stat.size, name: path }, options);
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}
