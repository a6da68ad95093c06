/**
 * Members of a tar archive, as engines write it: ustar, with the extensions of pax and GNU. What would
 * let an engine unpack something else than was read here is refused: names that leave the archive or
 * come twice (find-dump.ts), sizes and headers that are none.
 */
import { Header } from 'tar/header';
import { InputError } from '../../model/errors.js';
import type { ByteSource } from './byte-source.js';

const BLOCK_BYTES = 512;
/** PATH_MAX of Linux. */
const LONGEST_NAME = 4096;
/** A long name, or a pax header: some pairs. */
const LARGEST_EXTENSION = 1024 * 1024;
/** A dump of as many processes as Linux has by default holds some 400,000 images. */
export const MOST_MEMBERS = 1_000_000;

export interface TarMember {
  /** Without "." and doubled slashes; "" is the archive's own folder. */
  readonly name: string;
  readonly kind: 'file' | 'folder' | 'link' | 'other';
  readonly bytes: number;
  /** Where its content lies in the file, if it lies there as it is. */
  readonly offset: number | undefined;
}

/** Called for each in its order; of the content it takes what it wants. */
export type VisitMember = (member: TarMember, content: ByteSource) => Promise<void>;

type Kind = TarMember['kind'] | 'pax' | 'pax for all' | 'long name' | 'long link' | 'sparse';

const KINDS: Readonly<Record<string, Kind>> = {
  File: 'file',
  OldFile: 'file',
  ContiguousFile: 'file',
  Link: 'link',
  SymbolicLink: 'link',
  Directory: 'folder',
  GNUDumpDir: 'folder',
  ExtendedHeader: 'pax',
  OldExtendedHeader: 'pax',
  GlobalExtendedHeader: 'pax for all',
  NextFileHasLongPath: 'long name',
  OldGnuLongPath: 'long name',
  NextFileHasLongLinkpath: 'long link',
  SparseFile: 'sparse',
};

interface Extension {
  readonly path?: string;
  readonly size?: number;
}

class TarReader {
  readonly #source: ByteSource;
  readonly #archive: string;

  constructor(source: ByteSource, archive: string) {
    this.#source = source;
    this.#archive = archive;
  }

  #wrong(message: string, at?: string, remedy?: string): InputError {
    return new InputError('malformed', message, {
      place: { file: this.#archive, ...(at === undefined ? {} : { at }) },
      ...(remedy === undefined ? {} : { remedy }),
    });
  }

  #cut(at: string): InputError {
    return this.#wrong(
      'the archive ends in the middle of it',
      at,
      'It was not copied as a whole, or whoever wrote it was interrupted.',
    );
  }

  /** Undefined at the end of the archive. */
  async #header(extension: Extension): Promise<Header | undefined> {
    const block = await this.#source.take(BLOCK_BYTES);
    if (block.length === 0)
      throw this.#wrong('the archive has no end', undefined, 'It was not copied as a whole.');
    if (block.length < BLOCK_BYTES) throw this.#cut('a header');
    let header: Header;
    try {
      header = new Header(Buffer.from(block), 0, extension);
    } catch {
      throw this.#wrong('a header has a number that no file has');
    }
    if (header.nullBlock) return undefined;
    if (!header.cksumValid) throw this.#wrong('a header is damaged');
    return header;
  }

  async #text(bytes: number): Promise<string> {
    if (bytes > LARGEST_EXTENSION) throw this.#wrong('an extended header is too large');
    const content = await this.#source.take(bytes);
    if (content.length < bytes) throw this.#cut('an extended header');
    await this.#padding(bytes, 'an extended header');
    return Buffer.from(content).toString('utf8');
  }

  async #padding(bytes: number, at: string): Promise<void> {
    const padding = (BLOCK_BYTES - (bytes % BLOCK_BYTES)) % BLOCK_BYTES;
    if ((await this.#source.pass(padding)) < padding) throw this.#cut(at);
  }

  /** "LENGTH KEY=VALUE\n", LENGTH in bytes and of the whole. */
  #pax(text: string): Extension {
    const bytes = Buffer.from(text, 'utf8');
    let found: Extension = {};
    for (let at = 0; at < bytes.length && bytes[at] !== 0; ) {
      const [said = '', length = ''] =
        /^(\d{1,7}) /.exec(bytes.toString('latin1', at, at + 8)) ?? [];
      const end = at + Number(length);
      if (said === '' || end <= at + said.length || bytes[end - 1] !== 0x0a)
        throw this.#wrong('an extended header is damaged');
      const pair = bytes.toString('utf8', at + said.length, end - 1);
      const equals = pair.indexOf('=');
      const [key, value] = [pair.slice(0, equals), pair.slice(equals + 1)];
      if (equals < 1) throw this.#wrong('an extended header is damaged');
      if (key.startsWith('GNU.sparse.')) throw this.#sparse();
      if (key === 'path') found = { ...found, path: value };
      if (key === 'size') found = { ...found, size: this.#bytes(Number(value)) };
      at = end;
    }
    return found;
  }

  #sparse(): InputError {
    return this.#wrong(
      'holds files without their holes (tar --sparse)',
      undefined,
      'Unpack it with tar, and give the folder.',
    );
  }

  #bytes(bytes: number | undefined): number {
    if (bytes === undefined || !Number.isSafeInteger(bytes) || bytes < 0)
      throw this.#wrong('a header has a size that no file has');
    return bytes;
  }

  #name(path: string): string {
    if (path.length > LONGEST_NAME || path.includes('\0'))
      throw this.#wrong('holds a name that no file has');
    const parts = path.split('/').filter((part) => part !== '' && part !== '.');
    if (path.startsWith('/') || parts.includes('..'))
      throw this.#wrong(`holds "${path}", which leads out of the archive`);
    return parts.join('/');
  }

  async walk(visit: VisitMember): Promise<void> {
    let extension: Extension = {};
    for (let members = 0; ; members++) {
      if (members > MOST_MEMBERS) throw this.#wrong(`holds more than ${MOST_MEMBERS} members`);
      const header = await this.#header(extension);
      if (header === undefined) return;
      const kind = KINDS[header.type] ?? 'other';
      const isContent = kind === 'file' || kind === 'other';
      const bytes = kind === 'link' || kind === 'folder' ? 0 : this.#bytes(header.size);
      if (kind === 'sparse') throw this.#sparse();
      if (kind === 'long name')
        extension = { ...extension, path: (await this.#text(bytes)).replace(/\0+$/, '') };
      else if (kind === 'pax') extension = { ...extension, ...this.#pax(await this.#text(bytes)) };
      // Of no one member: a path or size for all would be nonsense.
      else if (kind === 'pax for all') this.#pax(await this.#text(bytes));
      else if (kind === 'long link') await this.#text(bytes);
      else {
        extension = {};
        const name = this.#name(header.path ?? '');
        await this.#visit({ name, kind, bytes, offset: this.#source.offset }, visit);
        if (isContent) await this.#padding(bytes, name);
      }
    }
  }

  async #visit(member: TarMember, visit: VisitMember): Promise<void> {
    const content = new MemberBytes(this.#source, member.bytes);
    await visit(member, content);
    await content.pass(member.bytes);
    if (content.left > 0) throw this.#cut(member.name);
  }
}

/** No more of the archive than the one member. */
class MemberBytes implements ByteSource {
  left: number;
  readonly #source: ByteSource;

  constructor(source: ByteSource, bytes: number) {
    this.#source = source;
    this.left = bytes;
  }

  get offset(): number | undefined {
    return this.#source.offset;
  }

  async take(length: number): Promise<Uint8Array> {
    const taken = await this.#source.take(Math.min(length, this.left));
    this.left -= taken.length;
    return taken;
  }

  async pass(length: number): Promise<number> {
    const passed = await this.#source.pass(Math.min(length, this.left));
    this.left -= passed;
    return passed;
  }

  async *pieces(length: number): AsyncGenerator<Uint8Array> {
    for await (const piece of this.#source.pieces(Math.min(length, this.left))) {
      this.left -= piece.length;
      yield piece;
    }
  }
}

/** Throws InputError for what is no whole archive; `archive` is what messages call it. */
export async function walkTar(
  source: ByteSource,
  archive: string,
  visit: VisitMember,
): Promise<void> {
  await new TarReader(source, archive).walk(visit);
}

/** Whether a tar begins with these bytes: some 512 of them. */
export function beginsTar(head: Uint8Array): boolean {
  if (head.length < BLOCK_BYTES) return false;
  try {
    return new Header(Buffer.from(head.subarray(0, BLOCK_BYTES))).cksumValid;
  } catch {
    return false;
  }
}
