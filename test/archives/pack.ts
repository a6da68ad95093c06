/** Archives for tests, byte by byte: no tool would write the hostile ones. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Packed {
  readonly name: string;
  readonly content?: Uint8Array | string;
  /** Of the header, where it isn't the content's. */
  readonly size?: number | string;
  /** "0" a file, "1" a hard link, "2" a symbolic link, "5" a folder, "x" pax, "L" a long name. */
  readonly type?: string;
  readonly link?: string;
  /** Whether the header's checksum is right. */
  readonly isDamaged?: boolean;
}

const BLOCK = 512;

const octal = (value: number, length: number) => `${value.toString(8).padStart(length - 1, '0')}\0`;

function padded(content: Uint8Array): Buffer {
  const rest = (BLOCK - (content.length % BLOCK)) % BLOCK;
  return Buffer.concat([content, Buffer.alloc(rest)]);
}

export function member({ name, content = '', size, type = '0', link = '', isDamaged }: Packed) {
  const bytes = Buffer.from(content as string);
  const header = Buffer.alloc(BLOCK);
  header.write(name, 0, 100, 'utf8');
  header.write(octal(0o600, 8), 100);
  header.write(octal(0, 8), 108);
  header.write(octal(0, 8), 116);
  header.write(
    typeof size === 'string' ? size : octal(size ?? bytes.length, 12),
    124,
    12,
    'latin1',
  );
  header.write(octal(0, 12), 136);
  header.write('        ', 148);
  header.write(type, 156);
  header.write(link, 157, 100, 'utf8');
  header.write('ustar\x0000', 257, 'latin1');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${octal(isDamaged === true ? sum + 1 : sum, 7)} `, 148);
  return Buffer.concat([header, padded(bytes)]);
}

export const END = Buffer.alloc(2 * BLOCK);

export function tarOf(members: readonly Packed[]): Buffer {
  return Buffer.concat([...members.map(member), END]);
}

/** One pax record, with its length. */
export function pax(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  let length = Buffer.byteLength(rest);
  while (String(length).length + Buffer.byteLength(rest) !== length)
    length = String(length).length + Buffer.byteLength(rest);
  return `${length}${rest}`;
}

/** A real dump, as members of a folder of an archive. */
export function dumpMembers(dump: string, folder: string): Packed[] {
  const path = fileURLToPath(new URL(`../fixtures/images/${dump}/`, import.meta.url));
  return readdirSync(path).map((file) => ({
    name: folder === '' ? file : `${folder}/${file}`,
    content: readFileSync(join(path, file)),
  }));
}

/** A Zstandard frame of blocks that repeat a byte: 4 bytes for each 128 KiB. */
export function repeated(blocks: number): Buffer {
  const block = (isLast: boolean) => {
    const header = (isLast ? 1 : 0) | (1 << 1) | ((128 * 1024) << 3);
    return Buffer.from([header & 0xff, (header >> 8) & 0xff, (header >> 16) & 0xff, 0]);
  };
  const head = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0x38]);
  const body = Array.from({ length: blocks }, (_, place) => block(place === blocks - 1));
  return Buffer.concat([head, ...body]);
}

/** A Zstandard frame that stores bytes as they are. `window`: the byte that describes it. */
export function stored(bytes: Uint8Array, window = 0x38): Buffer {
  const pieces: Buffer[] = [Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, window])];
  const most = 128 * 1024;
  for (let at = 0; at === 0 || at < bytes.length; at += most) {
    const piece = bytes.subarray(at, at + most);
    const header = (at + most >= bytes.length ? 1 : 0) | (piece.length << 3);
    pieces.push(Buffer.from([header & 0xff, (header >> 8) & 0xff, (header >> 16) & 0xff]));
    pieces.push(Buffer.from(piece));
  }
  return Buffer.concat(pieces);
}
