/**
 * Zstandard. Node's decoder (from 22.15 on) ends with the first frame of what it is given at once, and
 * takes half a frame for a whole one, without a word. The package's allocates whatever window a frame
 * asks for, and doesn't tell the end of a frame from that of the file: both are looked after here.
 */
import { Decompress } from 'fzstd';

const MAGIC = 0xfd2fb528;
/** 0x184D2A50 to 0x184D2A5F. */
const SKIPPED = 0x0184d2a5;
/** Magic number, descriptor, window, and the first block behind them, at most. */
const LONGEST_HEADER = 18;
const BLOCK_HEADER = 3;
const RLE = 1;

/** The headers of frames and blocks. RFC 8878, 3.1.1 and 3.1.2. */
class Frames {
  readonly #largest: number;
  /** Of a header, until there is enough of it. */
  #kept: number[] = [];
  #wanted = 4;
  #passing = 0;
  #next: 'frame' | 'block' = 'frame';
  #hasChecksum = false;

  constructor(largestWindow: number) {
    this.#largest = largestWindow;
  }

  /** Throws where a window is larger, or what comes is no frame. */
  check(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const skipped = Math.min(this.#passing, bytes.length - at);
      this.#passing -= skipped;
      at += skipped;
      if (at >= bytes.length) return;
      this.#kept.push(bytes[at++] as number);
      if (this.#kept.length >= this.#wanted) this.#header();
    }
  }

  /** Throws where the last frame isn't whole. */
  end(): void {
    if (this.#next !== 'frame' || this.#passing > 0 || this.#kept.length > 0)
      throw new Error('a frame is cut');
  }

  #number(at: number, length: number): number {
    let number = 0;
    for (let place = length - 1; place >= 0; place--)
      number = number * 256 + (this.#kept[at + place] as number);
    return number;
  }

  #begin(next: 'frame' | 'block', passing: number): void {
    this.#next = next;
    this.#passing = passing;
    this.#wanted = next === 'frame' ? 4 : BLOCK_HEADER;
    this.#kept = [];
  }

  #header(): void {
    if (this.#next === 'block') this.#block();
    else this.#frame();
  }

  #frame(): void {
    const magic = this.#number(0, 4);
    if (Math.floor(magic / 16) === SKIPPED) {
      if (this.#kept.length < 8) this.#wanted = 8;
      else this.#begin('frame', this.#number(4, 4));
      return;
    }
    if (magic !== MAGIC) throw new Error('no frame');
    if (this.#kept.length < 5) {
      this.#wanted = 5;
      return;
    }
    const descriptor = this.#kept[4] as number;
    const isSingle = (descriptor & 0x20) !== 0;
    const dictionary = [0, 1, 2, 4][descriptor & 3] as number;
    const sizeBytes = [isSingle ? 1 : 0, 2, 4, 8][descriptor >> 6] as number;
    const length = 5 + (isSingle ? 0 : 1) + dictionary + sizeBytes;
    if (this.#kept.length < length) {
      this.#wanted = Math.min(length, LONGEST_HEADER);
      return;
    }
    const window = isSingle ? this.#number(length - sizeBytes, sizeBytes) : this.#window();
    if (window > this.#largest) throw new Error('too large a window');
    this.#hasChecksum = (descriptor & 4) !== 0;
    this.#begin('block', 0);
  }

  #window(): number {
    const byte = this.#kept[5] as number;
    const base = 2 ** (10 + (byte >> 3));
    return base + (base / 8) * (byte & 7);
  }

  #block(): void {
    const header = this.#number(0, BLOCK_HEADER);
    const type = (header >> 1) & 3;
    const passing = type === RLE ? 1 : header >> 3;
    const isLast = (header & 1) !== 0;
    this.#begin(isLast ? 'frame' : 'block', passing + (isLast && this.#hasChecksum ? 4 : 0));
  }
}

/** In pieces that can't become more than some megabytes each, since all of a piece comes out at once. */
const PUSHED_BYTES = 512;

/** Throws for what is damaged or cut. `largestWindow`, in bytes: memory that a frame may ask for. */
export async function* decodeZstd(
  input: AsyncIterable<Uint8Array>,
  largestWindow: number,
): AsyncGenerator<Uint8Array> {
  const frames = new Frames(largestWindow);
  let out: Uint8Array[] = [];
  const decoder = new Decompress((chunk) => out.push(chunk));
  for await (const chunk of input) {
    for (let at = 0; at < chunk.length; at += PUSHED_BYTES) {
      const piece = chunk.subarray(at, at + PUSHED_BYTES);
      frames.check(piece);
      decoder.push(piece.slice());
      yield* out;
      out = [];
    }
  }
  frames.end();
  // It keeps a frame of a few bytes until then.
  decoder.push(new Uint8Array(), true);
  yield* out;
}
