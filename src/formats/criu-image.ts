/** CRIU's cpuinfo.img, read; criu-image-layout.ts says what is in it. */

import type { InputError } from '../model/errors.js';
import type { Host } from '../model/host.js';
import { ALL_KNOWN, hex32 } from '../model/registers.js';
import {
  type CriuEntry,
  checkEntry,
  ENTRY_NUMBERS,
  notX86,
  TAKE_AGAIN,
} from './criu-image-entry.js';
import { hostFromCriu } from './criu-image-host.js';
import { COMMON_MAGIC, CPUINFO_MAGIC, FIELD } from './criu-image-layout.js';
import { writeCriuImage } from './criu-image-write.js';
import { type Format, type Input, malformed } from './format.js';
import { ProtobufFields } from './protobuf-fields.js';

/** CRIU writes a hundred bytes; room for fields that later versions may add. */
const LONGEST_ENTRY = 64 * 1024;

/** CPUs tell 48 letters. */
const LONGEST_NAME = 256;

function damaged(input: Input, message: string, offset: number): InputError {
  return malformed(input, message, { offset }, TAKE_AGAIN);
}

function u32(input: Input, offset: number): number | undefined {
  const { bytes } = input;
  if (bytes.length < offset + 4) return undefined;
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(offset, true);
}

/** Of a field given twice the last counts, as everywhere in protocol buffers. */
function readX86Entry(fields: ProtobufFields, end: number): CriuEntry {
  const entry: CriuEntry = { numbers: new Map(), words: [], modelId: undefined };
  fields.each(end, (field) => {
    const name = ENTRY_NUMBERS.get(field);
    if (name !== undefined) {
      const limit = field === FIELD.mask ? Number.MAX_SAFE_INTEGER : ALL_KNOWN;
      entry.numbers.set(field, fields.varint(end, name, limit));
    } else if (field === FIELD.words) entry.words.push(...fields.varints(end, 'capability'));
    else if (field === FIELD.modelId) entry.modelId = fields.text(end, 'model_id', LONGEST_NAME);
    else return false;
    return true;
  });
  return entry;
}

/** Other images of CRIU's begin alike; their magics are in criu/include/magic.h. */
function wrongMagic(input: Input, magic: number, offset: number): InputError {
  return malformed(
    input,
    `is another of CRIU's images, not cpuinfo.img (its magic is ${hex32(magic)})`,
    { offset },
    'The image is called cpuinfo.img; "criu cpuinfo dump" and "criu dump --cpu-cap" write it.',
  );
}

/** Where the entry begins and ends. */
function findEntry(input: Input): { start: number; end: number } {
  const first = u32(input, 0);
  const hasCommon = first === COMMON_MAGIC;
  const at = hasCommon ? 4 : 0;
  const magic = u32(input, at);
  if (magic === undefined) throw damaged(input, 'ends in its header', input.bytes.length);
  if (magic !== CPUINFO_MAGIC) throw wrongMagic(input, magic, at);
  const length = u32(input, at + 4);
  if (length === undefined) throw damaged(input, 'ends in its header', input.bytes.length);
  const start = at + 8;
  if (length > LONGEST_ENTRY) throw damaged(input, `claims a record of ${length} bytes`, at + 4);
  const end = start + length;
  if (end > input.bytes.length)
    throw damaged(
      input,
      `is cut off: its record has ${length} bytes, ${input.bytes.length - start} are there`,
      input.bytes.length,
    );
  if (end < input.bytes.length)
    throw damaged(input, 'goes on behind its record, and cpuinfo.img has one record', end);
  return { start, end };
}

/** The only x86 entry. The format allows several; CRIU neither writes nor takes them. */
function readEntry(input: Input, start: number, end: number): CriuEntry {
  const fields = new ProtobufFields(input, start, TAKE_AGAIN);
  const entries: CriuEntry[] = [];
  const others: string[] = [];
  fields.each(end, (field) => {
    if (field > 3) return false;
    const last = fields.message(end, 'cpuinfo_entry');
    if (field === 1) {
      entries.push(readX86Entry(fields, last));
      return true;
    }
    others.push(field === 2 ? 'ppc64' : 's390');
    fields.each(last, () => false);
    return true;
  });
  const [entry] = entries;
  if (entry === undefined) {
    if (others[0] !== undefined) throw notX86(input, others[0]);
    throw damaged(input, 'holds no CPU', start);
  }
  if (entries.length > 1)
    throw damaged(input, `holds ${entries.length} CPUs, and CRIU takes one`, start);
  return entry;
}

function readCriuImage(input: Input): Host {
  const { start, end } = findEntry(input);
  const checked = checkEntry(readEntry(input, start, end), (message, remedy = TAKE_AGAIN) =>
    malformed(input, message, { offset: start }, remedy),
  );
  return hostFromCriu(input.name, checked);
}

export const criuImage: Format = {
  name: 'criu',
  title: "CRIU's cpuinfo.img",
  recognise: (input) => [COMMON_MAGIC, CPUINFO_MAGIC].includes(u32(input, 0) ?? 0),
  read: readCriuImage,
  write: writeCriuImage,
};
