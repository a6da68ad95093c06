/** The record in CRIU's cpuinfo.img, by bytes or as JSON: what must be there, and what can't be. */
import { WORDS_BY_VERSION } from '../criu/words.js';
import type { CriuCpuinfo } from '../model/criu-cpuinfo.js';
import { InputError } from '../model/errors.js';
import { FIELD, VENDORS } from './criu-image-layout.js';
import type { Input } from './format.js';

/** As it was read; numbers by the field's number. */
export interface CriuEntry {
  readonly numbers: Map<number, number>;
  readonly words: number[];
  modelId: string | undefined;
}

/** Fields that hold a number, as cpuinfo.proto calls them. */
export const ENTRY_NUMBERS: ReadonlyMap<number, string> = new Map([
  [FIELD.vendor, 'vendor_id'],
  [FIELD.family, 'cpu_family'],
  [FIELD.model, 'model'],
  [FIELD.stepping, 'stepping'],
  [FIELD.version, 'capability_ver'],
  [FIELD.mask, 'xfeatures_mask'],
  [FIELD.size, 'xsave_size'],
  [FIELD.sizeMax, 'xsave_size_max'],
]);

export const TAKE_AGAIN = 'Take it again on that host: criu cpuinfo dump -D FOLDER.';

export function notX86(input: Input, architecture: string): InputError {
  return new InputError('not-x86', `is from a ${architecture} machine`, {
    place: { file: input.name },
    remedy: 'Only x86 CPUs are compared.',
  });
}

/** Throws what `refuse` makes of a message, and of a remedy where another one than usual helps. */
export function checkEntry(
  entry: CriuEntry,
  refuse: (message: string, remedy?: string) => InputError,
): CriuCpuinfo {
  const number = (field: number): number => {
    const value = entry.numbers.get(field);
    if (value === undefined)
      throw refuse(`lacks ${ENTRY_NUMBERS.get(field)}, which every image has`);
    return value;
  };
  const vendor = VENDORS[number(FIELD.vendor)];
  if (vendor === undefined)
    throw refuse(`names a vendor that isn't known: ${number(FIELD.vendor)}`);
  const version = number(FIELD.version);
  const expected = WORDS_BY_VERSION.get(version);
  if (expected === undefined) throw refuse(`has capability version ${version}`, 'Known: 1, 2.');
  if (entry.words.length !== expected)
    throw refuse(`holds ${entry.words.length} words; version ${version} has ${expected}`);
  const family = number(FIELD.family);
  const model = number(FIELD.model);
  const stepping = number(FIELD.stepping);
  if (family > 0xff || model > 0xff || stepping > 0xf)
    throw refuse(`has family ${family}, model ${model}, stepping ${stepping}`);
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
