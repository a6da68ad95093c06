/** cpugate-record.json, read and written; schemas/dump-record.schema.json says what is in it. */
import validate from '../generated/dump-record.js';
import type { DumpRecord, Enforcement } from '../model/dump-record.js';
import { InputError } from '../model/errors.js';
import type { Host } from '../model/host.js';
import { baseline, readBaselineFile } from './baseline.js';
import { beginsWithBrace, type Format, type Input, malformed, openInput } from './format.js';
import { profile, profileJson } from './profile.js';
import { schemaError } from './schema-errors.js';

const KIND = 'cpugate-dump-record';
const SCHEMA_VERSION = 1;

interface RecordJson {
  readonly cpugate: string;
  readonly taken: string;
  readonly fingerprint: string;
  readonly enforcement: Enforcement;
  readonly cameUnder?: string;
  readonly stopped?: readonly number[];
  readonly criu: string | null;
  readonly mask: { readonly name: string; readonly baseline: object } | null;
  readonly host: object;
}

/** What a dump knows. */
export interface NewRecord {
  readonly taken: string;
  readonly cpugate: string;
  readonly fingerprint: string;
  /** The host as it is, without a mask. */
  readonly host: Host;
  /** The baseline in force, as its file's JSON has it. */
  readonly mask?: { readonly name: string; readonly baseline: object };
  readonly enforcement: Enforcement;
  readonly cameUnder?: string;
  readonly stopped?: readonly number[];
  readonly criu: string | undefined;
}

/** A part of the file as a file of its own: its reader names the place within. */
function partOf(input: Input, at: string, value: object): Input {
  return openInput(`${input.name}#${at}`, new TextEncoder().encode(JSON.stringify(value)));
}

function checkVersion(input: Input, value: unknown): void {
  const version = (value as { schemaVersion?: unknown } | null)?.schemaVersion;
  if (typeof version === 'number' && version > SCHEMA_VERSION)
    throw new InputError('too-new', `was written by a newer cpugate (schemaVersion ${version})`, {
      place: { file: input.name },
      remedy: 'Update cpugate on this host.',
    });
}

function readMask(input: Input, mask: RecordJson['mask']): DumpRecord['mask'] {
  if (mask === null) return undefined;
  const part = partOf(input, '/mask/baseline', mask.baseline);
  if (!baseline.recognise(part))
    throw malformed(input, 'is not a baseline', { at: '/mask/baseline' });
  return { ...readBaselineFile(part).baseline, name: mask.name };
}

/** Throws InputError for what is no record, or contradicts itself. */
export function readDumpRecord(input: Input): DumpRecord {
  const value = input.json();
  if (value === undefined) throw malformed(input, `is not valid JSON: ${input.jsonError()}`);
  checkVersion(input, value);
  if (!validate(value)) throw schemaError(input, validate.errors, 'dump-record');
  const { host, mask, criu, taken, cpugate, fingerprint, enforcement, cameUnder, stopped } =
    value as RecordJson;
  if ((mask === null) !== (enforcement === 'none'))
    throw malformed(input, 'names a mask without enforcement, or enforcement without a mask', {
      at: '/enforcement',
    });
  if (mask !== null && cameUnder !== undefined)
    throw malformed(
      input,
      'says that tasks were under a mask all their life, and that they were not',
      {
        at: '/cameUnder',
      },
    );
  return {
    taken,
    cpugate,
    fingerprint,
    enforcement,
    ...(cameUnder === undefined ? {} : { cameUnder }),
    stopped,
    host: profile.read(partOf(input, '/host', host)),
    mask: readMask(input, mask),
    criu: criu ?? undefined,
  };
}

/** The file's content. Throws InputError where what is given couldn't be read back. */
export function writeDumpRecord(record: NewRecord): string {
  const { host, mask, criu, ...rest } = record;
  const json = {
    schemaVersion: SCHEMA_VERSION,
    kind: KIND,
    ...rest,
    criu: criu ?? null,
    kernel: host.system?.kernel ?? null,
    glibc: host.system?.glibc?.version ?? null,
    mask: mask ?? null,
    host: profileJson(host),
  };
  const content = `${JSON.stringify(json, null, 1)}\n`;
  readDumpRecord(openInput('record', new TextEncoder().encode(content)));
  return content;
}

/** As a host it stands for the one that the dump was taken on, without a mask. */
export const dumpRecord: Format = {
  name: 'dump-record',
  title: 'record of a dump',
  recognise: (input) => beginsWithBrace(input) && input.text().includes(`"${KIND}"`),
  read: (input) => ({ ...readDumpRecord(input).host, name: input.name }),
};
