/** The fields of a protocol buffer, read without trusting any length in it. */
import { PbfReader } from 'pbf';
import type { InputError } from '../model/errors.js';
import { ALL_KNOWN } from '../model/registers.js';
import { type Input, malformed } from './format.js';

/** Wire types. */
const VARINT = 0;
const BYTES = 2;

/**
 * Goes through the fields up to `end` and holds the reader to it: pbf itself reads past the end of a
 * message that was cut off.
 */
export class ProtobufFields {
  readonly #input: Input;
  readonly #remedy: string;
  readonly #pbf: PbfReader;

  /** `remedy`: what to do about a file that is damaged. */
  constructor(input: Input, start: number, remedy: string) {
    this.#input = input;
    this.#remedy = remedy;
    this.#pbf = new PbfReader(input.bytes);
    this.#pbf.pos = start;
  }

  get offset(): number {
    return this.#pbf.pos;
  }

  /** Calls `read` for each field; what it leaves unread is skipped. */
  each(end: number, read: (field: number) => boolean): void {
    const pbf = this.#pbf;
    while (pbf.pos < end) {
      const start = pbf.pos;
      const field = this.#guard(start, end, () => pbf.nextField(end));
      if (field === 0) throw this.#damaged('holds a field with the number 0', start);
      if (read(field)) this.#check(start, end);
      else this.#guard(start, end, () => pbf.skip(pbf.type));
    }
  }

  varint(end: number, what: string, limit: number = ALL_KNOWN): number {
    const start = this.offset;
    this.#expect(VARINT, what);
    const value = this.#guard(start, end, () => this.#pbf.readVarint());
    if (value > limit) throw this.#damaged(`${what} is too large a number`, start);
    return value;
  }

  /** A 64-bit number to its last bit, which readVarint's floating point can't give. */
  uint64(end: number, what: string): bigint {
    const start = this.offset;
    this.#expect(VARINT, what);
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.offset < end ? this.#input.bytes[this.#pbf.pos++] : undefined;
      if (byte === undefined) throw this.#damaged('ends in the middle of a field', start);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value & 0xffffffffffffffffn;
    }
    throw this.#damaged(`${what} is too large a number`, start);
  }

  /** 64-bit numbers, one a field or packed into one. */
  uint64s(end: number, what: string): bigint[] {
    if (this.#pbf.type !== BYTES) return [this.uint64(end, what)];
    const last = this.message(end, what);
    const values: bigint[] = [];
    while (this.offset < last) {
      this.#pbf.type = VARINT;
      values.push(this.uint64(last, what));
    }
    return values;
  }

  /** Numbers one a field, or packed into one. */
  varints(end: number, what: string): number[] {
    if (this.#pbf.type !== BYTES) return [this.varint(end, what)];
    const last = this.message(end, what);
    const values: number[] = [];
    while (this.offset < last) {
      this.#pbf.type = VARINT;
      values.push(this.varint(last, what));
    }
    return values;
  }

  /** Where the bytes that begin here end. */
  message(end: number, what: string): number {
    const start = this.offset;
    this.#expect(BYTES, what);
    const length = this.#guard(start, end, () => this.#pbf.readVarint());
    if (this.offset + length > end)
      throw this.#damaged(`${what} is longer than what is left`, start);
    return this.offset + length;
  }

  /** A character a byte. */
  text(end: number, what: string, longest: number): string {
    const last = this.message(end, what);
    const start = this.offset;
    if (last - start > longest)
      throw this.#damaged(`${what} has ${last - start} characters`, start);
    this.#pbf.pos = last;
    let text = '';
    for (const byte of this.#input.bytes.subarray(start, last)) text += String.fromCharCode(byte);
    return text;
  }

  #damaged(message: string, offset: number): InputError {
    return malformed(this.#input, message, { offset }, this.#remedy);
  }

  #expect(type: number, what: string): void {
    if (this.#pbf.type !== type) throw this.#damaged(`${what} has the wrong type`, this.offset);
  }

  #check(start: number, end: number): void {
    if (this.offset > end) throw this.#damaged('ends in the middle of a field', start);
  }

  #guard<T>(start: number, end: number, read: () => T): T {
    let value: T;
    try {
      value = read();
    } catch {
      throw this.#damaged("isn't a protocol buffer here", start);
    }
    this.#check(start, end);
    return value;
  }
}
