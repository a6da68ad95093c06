/** Bytes of an archive: as they lie in its file, or as gzip or Zstandard decode them. */
import { readSync } from 'node:fs';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { type ByteSource, DecodedBytes } from '../formats/archives/byte-source.js';
import { compressionOf } from '../formats/archives/compression.js';
import { decodeZstd } from '../formats/archives/decode-zstd.js';
import { beginsTar } from '../formats/archives/tar.js';
import { InputError, isInputError } from '../model/errors.js';
import { readExactly } from './image-files.js';

/** A part of an open file. */
export interface Region {
  readonly descriptor: number;
  readonly start: number;
  readonly end: number;
  /** For messages. */
  readonly name: string;
}

export type Packing = 'tar' | 'gzip' | 'zstd';

export const HEAD_BYTES = 512;

/** By its first bytes, whatever its name; undefined: none of these. */
export function packingOf(head: Uint8Array): Packing | undefined {
  return compressionOf(head) ?? (beginsTar(head) ? 'tar' : undefined);
}

/** What a decoded archive may do; tests lower it. */
export interface DecodeLimits {
  /** So much may come out of anything. */
  readonly freeBytes: number;
  /** Above that, no more than so many for each byte that went in. Memory that is in use gives some 5. */
  readonly ratio: number;
}

export const DECODE_LIMITS: DecodeLimits = { freeBytes: 16 * 1024 ** 3, ratio: 200 };

/** As Zstandard's own program takes them (ZSTD_WINDOWLOG_LIMIT_DEFAULT is 27). */
const LARGEST_WINDOW = 2 ** 27;
const CHUNK_BYTES = 256 * 1024;

/** Pages aren't read on the way to what stands behind them. */
class FileBytes implements ByteSource {
  offset: number;
  readonly #region: Region;

  constructor(region: Region) {
    this.#region = region;
    this.offset = region.start;
  }

  async take(length: number): Promise<Uint8Array> {
    const wanted = Math.min(length, this.#region.end - this.offset);
    const bytes = readExactly(this.#region.descriptor, this.offset, wanted);
    this.offset += bytes?.length ?? 0;
    return bytes ?? new Uint8Array();
  }

  async pass(length: number): Promise<number> {
    const passed = Math.min(length, this.#region.end - this.offset);
    this.offset += passed;
    return passed;
  }

  async *pieces(length: number): AsyncGenerator<Uint8Array> {
    for (let left = length; left > 0; ) {
      const piece = await this.take(Math.min(left, CHUNK_BYTES));
      if (piece.length === 0) return;
      left -= piece.length;
      yield piece;
    }
  }
}

/** Not a stream of Node's, which closes the file with itself. */
async function* fileChunks({ descriptor, start, end }: Region): AsyncGenerator<Uint8Array> {
  for (let at = start; at < end; ) {
    const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, end - at));
    const count = readSync(descriptor, chunk, 0, chunk.length, at);
    if (count === 0) return;
    at += count;
    yield chunk.subarray(0, count);
  }
}

function decoded(region: Region, packing: Packing): AsyncIterable<Uint8Array> {
  if (packing === 'zstd') return decodeZstd(fileChunks(region), LARGEST_WINDOW);
  const decoder = createGunzip({ chunkSize: CHUNK_BYTES });
  // An error comes out of the decoder's own iteration.
  return pipeline(Readable.from(fileChunks(region)), decoder, () => {});
}

const TITLES: Readonly<Record<Packing, string>> = { tar: 'tar', gzip: 'gzip', zstd: 'Zstandard' };

async function* limited(
  region: Region,
  packing: Packing,
  { freeBytes, ratio }: DecodeLimits,
): AsyncGenerator<Uint8Array> {
  const most = Math.max(freeBytes, (region.end - region.start) * ratio);
  let total = 0;
  try {
    for await (const chunk of decoded(region, packing)) {
      total += chunk.length;
      if (total > most)
        throw new InputError('too-large', `would be more than ${ratio} times as large unpacked`, {
          place: { file: region.name },
          remedy: 'No memory of tasks is; unpack it, if it is to be trusted, and give the folder.',
        });
      yield chunk;
    }
  } catch (cause) {
    if (isInputError(cause)) throw cause;
    throw new InputError('malformed', `its ${TITLES[packing]} data are damaged, or end too early`, {
      place: { file: region.name },
      remedy: 'It was not copied as a whole, or whoever wrote it was interrupted.',
      cause,
    });
  }
}

export function bytesOf(region: Region, packing: Packing, limits: DecodeLimits): ByteSource {
  if (packing === 'tar') return new FileBytes(region);
  return new DecodedBytes(limited(region, packing, limits));
}

/** The first bytes of the tar in it; undefined: of no packing that is known. */
export function packingAt({ descriptor, start, end }: Region): Packing | undefined {
  const head = Buffer.alloc(Math.min(HEAD_BYTES, end - start));
  const count = readSync(descriptor, head, 0, head.length, start);
  return packingOf(head.subarray(0, count));
}
