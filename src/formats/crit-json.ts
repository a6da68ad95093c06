/**
 * What "crit decode -i cpuinfo.img" and "crit show cpuinfo.img" print: the image's record as JSON, and
 * so the same host. Source: CRIU lib/pycriu (images/pb2dict.py), images/cpuinfo.proto.
 */
import validate from '../generated/crit-cpuinfo.js';
import type { Host } from '../model/host.js';
import { ALL_KNOWN } from '../model/registers.js';
import { type CriuEntry, checkEntry, ENTRY_NUMBERS, notX86 } from './criu-image-entry.js';
import { hostFromCriu } from './criu-image-host.js';
import { FIELD, VENDORS } from './criu-image-layout.js';
import { beginsWithBrace, type Format, type Input, malformed } from './format.js';
import { schemaError } from './schema-errors.js';

/** crit writes numbers; some of its fields, and other programs', are text in either base. */
type Figure = number | string;
type X86Entry = Readonly<Record<string, Figure>> & {
  readonly capability?: readonly Figure[];
  readonly model_id?: string;
};

interface Decoded {
  readonly magic: string;
  readonly entries: readonly {
    readonly x86_entry?: X86Entry | readonly X86Entry[];
    readonly ppc64_entry?: unknown;
    readonly s390_entry?: unknown;
  }[];
}

const REMEDY = 'Give the image itself, or decode it again: crit decode -i cpuinfo.img.';

function figureOf(input: Input, figure: Figure, most: number, at: string): number {
  const value = Number(figure);
  if (!Number.isSafeInteger(value) || value < 0 || value > most)
    throw malformed(input, `is not a number up to ${most}`, { at }, REMEDY);
  return value;
}

/** The number of an enum's value that is written by its name. */
function vendorOf(figure: Figure): Figure {
  const names: readonly string[] = VENDORS;
  const place = names.indexOf(String(figure).toLowerCase());
  return place < 0 ? figure : place;
}

function readEntry(input: Input, entry: X86Entry, at: string): CriuEntry {
  const read: CriuEntry = { numbers: new Map(), words: [], modelId: entry.model_id };
  for (const [field, name] of ENTRY_NUMBERS) {
    const figure = Object.hasOwn(entry, name) ? entry[name] : undefined;
    if (figure === undefined) continue;
    const most = field === FIELD.mask ? Number.MAX_SAFE_INTEGER : ALL_KNOWN;
    const value = field === FIELD.vendor ? vendorOf(figure) : figure;
    read.numbers.set(field, figureOf(input, value, most, `${at}/${name}`));
  }
  for (const [place, word] of (entry.capability ?? []).entries())
    read.words.push(figureOf(input, word, ALL_KNOWN, `${at}/capability/${place}`));
  return read;
}

function read(input: Input): Host {
  const value = input.json();
  if (value === undefined) throw malformed(input, `is not valid JSON: ${input.jsonError()}`);
  const { magic } = value as { magic?: unknown };
  if (typeof magic === 'string' && magic !== 'CPUINFO')
    throw malformed(
      input,
      `is another of CRIU's images, not cpuinfo.img (its magic is ${JSON.stringify(magic.slice(0, 40))})`,
      {},
      'The image is called cpuinfo.img; "criu cpuinfo dump" and "criu dump --cpu-cap" write it.',
    );
  if (!validate(value)) throw schemaError(input, validate.errors, 'crit-cpuinfo');
  const [entry] = (value as Decoded).entries;
  const found = [entry?.x86_entry ?? []].flat();
  const [cpu] = found;
  if (cpu === undefined) {
    for (const architecture of ['ppc64', 's390'] as const)
      if (entry?.[`${architecture}_entry`] !== undefined) throw notX86(input, architecture);
    throw malformed(input, 'holds no CPU', { at: '/entries/0' }, REMEDY);
  }
  if (found.length > 1)
    throw malformed(input, `holds ${found.length} CPUs, and CRIU takes one`, { at: '/entries/0' });
  const at = '/entries/0/x86_entry';
  const checked = checkEntry(readEntry(input, cpu, at), (message, remedy = REMEDY) =>
    malformed(input, message, { at }, remedy),
  );
  return hostFromCriu(input.name, checked);
}

export const critJson: Format = {
  name: 'crit-json',
  title: 'cpuinfo.img decoded by crit (JSON)',
  recognise: (input) =>
    beginsWithBrace(input) &&
    /"magic"\s{0,20}:\s{0,20}"[A-Z0-9_]{1,40}"/.test(input.head) &&
    input.head.includes('"entries"'),
  read,
};
