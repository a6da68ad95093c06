import { describe, expect, it } from 'vitest';
import { decodeZstd } from '../../../src/formats/archives/decode-zstd.js';
import { repeated, stored } from '../../archives/pack.js';

const WINDOW = 2 ** 27;

async function* inPieces(bytes: Uint8Array, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function decode(bytes: Uint8Array, size = 100): Promise<Buffer> {
  const found: Uint8Array[] = [];
  for await (const piece of decodeZstd(inPieces(bytes, size), WINDOW)) found.push(piece);
  return Buffer.concat(found);
}

const skipped = (bytes: number) => {
  const head = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0]);
  head.writeUInt32LE(bytes, 4);
  return Buffer.concat([head, Buffer.alloc(bytes, 0xaa)]);
};

describe('Zstandard', () => {
  const text = Buffer.from('pages '.repeat(60_000));

  it.each([1, 7, 100, 100_000])('comes in pieces of %i bytes', async (size) => {
    expect((await decode(stored(text), size)).equals(text)).toBe(true);
  });

  it('takes several frames, and those to be skipped', async () => {
    const one = Buffer.from('one');
    const all = Buffer.concat([skipped(3000), stored(one), skipped(0), stored(text), stored(one)]);
    expect((await decode(all)).equals(Buffer.concat([one, text, one]))).toBe(true);
  });

  it('gives what is repeated in pieces', async () => {
    let largest = 0;
    let total = 0;
    for await (const piece of decodeZstd(inPieces(repeated(400), 65536), WINDOW)) {
      largest = Math.max(largest, piece.length);
      total += piece.length;
    }
    expect([largest, total]).toEqual([128 * 1024, 400 * 128 * 1024]);
  });

  it.each<[string, Uint8Array]>([
    ['a frame that is cut', stored(text).subarray(0, 5000)],
    ['a frame that is cut in its header', stored(text).subarray(0, 5)],
    ['a second frame that is cut', Buffer.concat([stored(text), stored(text).subarray(0, 5000)])],
    ['a window larger than memory should be', stored(text, (18 << 3) | 0)],
    ['such a window in a second frame', Buffer.concat([stored(text), stored(text, 21 << 3)])],
    ['what is no frame', Buffer.from('hello, this is no frame of anything')],
    [
      'what follows a frame and is none',
      Buffer.concat([stored(text), Buffer.from('hello, hello')]),
    ],
  ])('refuses %s', async (_, bytes) => {
    await expect(decode(bytes)).rejects.toThrow();
  });
});
