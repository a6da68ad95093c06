/** CRIU's cpuinfo.img, read; criu-image-layout.ts says what is in it. */

import { WORDS_BY_VERSION } from '../criu/words.js';
import type { CriuCpuinfo } from '../model/criu-cpuinfo.js';
import { InputError } from '../model/errors.js';
import type { Host } from '../model/host.js';
import { ALL_KNOWN, hex32 } from '../model/registers.js';
import { hostFromCriu } from './criu-image-host.js';
import { COMMON_MAGIC, CPUINFO_MAGIC, FIELD, VENDORS } from './criu-image-layout.js';
import { writeCriuImage } from './criu-image-write.js';
import { type Format, type Input, malformed } from './format.js';
import { ProtobufFields } from './protobuf-fields.js';

/** CRIU writes a hundred bytes; room for fields that later versions may add. */
const LONGEST_ENTRY = 64 * 1024;

/** CPUs tell 48 letters. */
const LONGEST_NAME = 256;

const TAKE_AGAIN = 'Take it again on that host: criu cpuinfo dump -D FOLDER.';

function damaged(input: Input, message: string, offset: number): InputError {
  return malformed(input, message, { offset }, TAKE_AGAIN);
}

function u32(input: Input, offset: number): number | undefined {
  const { bytes } = input;
  if (bytes.length < offset + 4) return undefined;
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(offset, true);
}

interface Entry {
  readonly numbers: Map<number, number>;
  readonly words: number[];
  modelId: string | undefined;
}

const NUMBER_NAMES: ReadonlyMap<number, string> = new Map([
  [FIELD.vendor, 'vendor_id'],
  [FIELD.family, 'cpu_family'],
  [FIELD.model, 'model'],
  [FIELD.stepping, 'stepping'],
  [FIELD.version, 'capability_ver'],
  [FIELD.mask, 'xfeatures_mask'],
  [FIELD.size, 'xsave_size'],
  [FIELD.sizeMax, 'xsave_size_max'],
]);

/** Of a field given twice the last counts, as everywhere in protocol buffers. */
function readX86Entry(fields: ProtobufFields, end: number): Entry {
  const entry: Entry = { numbers: new Map(), words: [], modelId: undefined };
  fields.each(end, (field) => {
    const name = NUMBER_NAMES.get(field);
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

function notX86(input: Input, architecture: string): InputError {
  return new InputError('not-x86', `is from a ${architecture} machine`, {
    place: { file: input.name },
    remedy: 'Only x86 CPUs are compared.',
  });
}

/** The only x86 entry. The format allows several; CRIU neither writes nor takes them. */
function readEntry(input: Input, start: number, end: number): Entry {
  const fields = new ProtobufFields(input, start, TAKE_AGAIN);
  const entries: Entry[] = [];
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

function checkEntry(input: Input, entry: Entry, start: number): CriuCpuinfo {
  const number = (field: number): number => {
    const value = entry.numbers.get(field);
    if (value === undefined)
      throw damaged(input, `lacks ${NUMBER_NAMES.get(field)}, which every image has`, start);
    return value;
  };
  const vendor = VENDORS[number(FIELD.vendor)];
  if (vendor === undefined)
    throw damaged(input, `names a vendor that isn't known: ${number(FIELD.vendor)}`, start);
  const version = number(FIELD.version);
  const expected = WORDS_BY_VERSION.get(version);
  if (expected === undefined)
    throw malformed(input, `has capability version ${version}`, { offset: start }, 'Known: 1, 2.');
  if (entry.words.length !== expected)
    throw damaged(
      input,
      `holds ${entry.words.length} words; version ${version} has ${expected}`,
      start,
    );
  const family = number(FIELD.family);
  const model = number(FIELD.model);
  const stepping = number(FIELD.stepping);
  if (family > 0xff || model > 0xff || stepping > 0xf)
    throw damaged(input, `has family ${family}, model ${model}, stepping ${stepping}`, start);
  const mask = entry.numbers.get(FIELD.mask);
  return {
    vendor,
    family,
    model,
    stepping,
    capabilityVersion: version,
    words: entry.words,
    modelId: entry.modelId,
    xfeaturesMask: mask === undefined ? undefined : BigInt(mask),
    xsaveSize: entry.numbers.get(FIELD.size),
    xsaveSizeMax: entry.numbers.get(FIELD.sizeMax),
  };
}

function readCriuImage(input: Input): Host {
  const { start, end } = findEntry(input);
  return hostFromCriu(input.name, checkEntry(input, readEntry(input, start, end), start));
}

export const criuImage: Format = {
  name: 'criu',
  title: "CRIU's cpuinfo.img",
  recognise: (input) => [COMMON_MAGIC, CPUINFO_MAGIC].includes(u32(input, 0) ?? 0),
  read: readCriuImage,
  write: writeCriuImage,
};
