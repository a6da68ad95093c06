/** Bytes that come in their order, once: of a file, or of what is decoded of one. */
export interface ByteSource {
  /** The next `length` bytes; fewer at the end alone. */
  take(length: number): Promise<Uint8Array>;
  /** Goes over the next bytes, up to `length`; how many there were. */
  pass(length: number): Promise<number>;
  /** The same in pieces, of any size, for who wants more of them than memory should hold. */
  pieces(length: number): AsyncIterable<Uint8Array>;
  /** Where the next byte lies in the file; undefined: it lies there in another form. */
  readonly offset: number | undefined;
}

/** What a decoder gives. */
export class DecodedBytes implements ByteSource {
  readonly offset = undefined;
  readonly #chunks: AsyncIterator<Uint8Array>;
  #left: Uint8Array = new Uint8Array();

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  async *pieces(length: number): AsyncGenerator<Uint8Array> {
    for (let wanted = length; wanted > 0; ) {
      if (this.#left.length === 0) {
        const { value, done } = await this.#chunks.next();
        if (done === true) return;
        this.#left = value;
      }
      const piece = this.#left.subarray(0, wanted);
      this.#left = this.#left.subarray(piece.length);
      wanted -= piece.length;
      if (piece.length > 0) yield piece;
    }
  }

  async take(length: number): Promise<Uint8Array> {
    // Most headers lie in one piece.
    if (this.#left.length >= length) {
      const taken = this.#left.subarray(0, length);
      this.#left = this.#left.subarray(length);
      return taken;
    }
    const found: Uint8Array[] = [];
    let total = 0;
    // Grows with what is there, not with what a header says.
    for await (const piece of this.pieces(length)) {
      found.push(piece);
      total += piece.length;
    }
    const all = new Uint8Array(total);
    let at = 0;
    for (const piece of found) {
      all.set(piece, at);
      at += piece.length;
    }
    return all;
  }

  async pass(length: number): Promise<number> {
    let passed = 0;
    for await (const piece of this.pieces(length)) passed += piece.length;
    return passed;
  }
}
