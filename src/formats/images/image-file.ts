/**
 * The frame of CRIU's image files, little-endian:
 *
 *     u32 IMG_COMMON_MAGIC   not in inventory.img, and not before version 1.1 of the format
 *     u32 the file's own magic
 *     (u32 length, one protocol buffer of that many bytes) …
 *
 * Source: criu/include/magic.h, criu/protobuf.c, images/*.proto.
 */
import type { InputError } from '../../model/errors.js';
import { hex32 } from '../../model/registers.js';
import { COMMON_MAGIC } from '../criu-image-layout.js';
import { type Input, malformed } from '../format.js';
import { ProtobufFields } from '../protobuf-fields.js';

export const MAGIC = {
  inventory: 0x58313116,
  pstree: 0x50273030,
  core: 0x55053847,
  mm: 0x57492820,
  pagemap: 0x56084025,
  files: 0x56303138,
  'reg-files': 0x50363636,
  'remap-fpath': 0x59133954,
} as const;
export type ImageKind = keyof typeof MAGIC;

/** A process of Linux's has at most some 65,000 mappings by default; databases set a million. */
export const MOST_RECORDS = 1_500_000;

const TAKE_AGAIN = 'Take the dump again, or copy the whole folder again from where it was taken.';

export function damagedImage(input: Input, message: string, offset: number): InputError {
  return malformed(input, message, { offset }, TAKE_AGAIN);
}

function u32(input: Input, offset: number): number {
  const { bytes } = input;
  if (bytes.length < offset + 4) throw damagedImage(input, 'is cut off', bytes.length);
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(offset, true);
}

/** One protocol buffer of an image. */
export interface ImageRecord {
  readonly input: Input;
  readonly start: number;
  readonly end: number;
}

/** All records of an image of this kind; InputError where it isn't one, or is cut off. */
export function imageRecords(input: Input, kind: ImageKind): ImageRecord[] {
  let at = u32(input, 0) === COMMON_MAGIC ? 4 : 0;
  const magic = u32(input, at);
  if (magic !== MAGIC[kind])
    throw damagedImage(input, `is not CRIU's ${kind} image (its magic is ${hex32(magic)})`, at);
  at += 4;
  const records: ImageRecord[] = [];
  while (at < input.bytes.length) {
    const length = u32(input, at);
    const start = at + 4;
    if (length > input.bytes.length - start)
      throw damagedImage(input, `is cut off: a record has ${length} bytes`, at);
    if (records.length === MOST_RECORDS) throw damagedImage(input, 'holds too many records', at);
    records.push({ input, start, end: start + length });
    at = start + length;
  }
  return records;
}

/** The only record. */
export function onlyRecord(input: Input, kind: ImageKind): ImageRecord {
  const [record, ...more] = imageRecords(input, kind);
  if (record === undefined || more.length > 0)
    throw damagedImage(input, `holds ${more.length + (record ? 1 : 0)} records, not one`, 0);
  return record;
}

/** The record's fields, for `each`. */
export function fieldsOf({ input, start }: ImageRecord): ProtobufFields {
  return new ProtobufFields(input, start, TAKE_AGAIN);
}

/** A field that every such record has. */
export function needed<T>(record: ImageRecord, value: T | undefined, name: string): T {
  if (value === undefined) throw damagedImage(record.input, `lacks ${name}`, record.start);
  return value;
}
