/**
 * From bytes to a host, whatever format they are in: it is found out by the content. cpugate's own
 * formats are tried first; the others are loaded only when it is none of those, since their parsers
 * cost more than a check does.
 */
import { InputError } from '../model/errors.js';
import type { Host } from '../model/host.js';
import { beginsWithBrace, type Format, type Input, openInput } from './format.js';
import { namedProfile } from './named-profile.js';
import { profile } from './profile.js';

const OWN: readonly Format[] = [profile, namedProfile];

function unknownFormat(input: Input, formats: readonly Format[]): InputError {
  const place = { file: input.name };
  if (input.bytes.length === 0) return new InputError('unknown-format', 'is empty', { place });
  const broken = beginsWithBrace(input) && input.jsonError();
  if (typeof broken === 'string')
    return new InputError('malformed', `is not valid JSON: ${broken}`, { place });
  return new InputError('unknown-format', 'has no format that cpugate can read', {
    place,
    remedy: `Formats: ${formats.map((format) => format.title).join('; ')}.`,
  });
}

/** Throws InputError for anything that can't be read as a host. */
export async function readHost(name: string, bytes: Uint8Array): Promise<Host> {
  const input = openInput(name, bytes);
  let found = OWN.find((format) => format.recognise(input));
  if (found === undefined) {
    const { OTHERS } = await import('./others.js');
    found = OTHERS.find((format) => format.recognise(input));
    if (found === undefined) throw unknownFormat(input, [...OWN, ...OTHERS]);
  }
  return found.read(input);
}

/** The format of this name, for writing. */
export async function findFormat(name: string): Promise<Format | undefined> {
  const isWanted = (format: Format) => format.name === name;
  return OWN.find(isWanted) ?? (await import('./others.js')).OTHERS.find(isWanted);
}
