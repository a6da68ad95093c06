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

/** Formats that say more where the kernel's release is known. */
export const TAKES_KERNEL: ReadonlySet<string> = new Set(['proc-cpuinfo', 'lscpu', 'flag-list']);

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

/** What the user says of a file beside it. */
interface Told {
  /** The Linux release that a /proc/cpuinfo or lscpu's output comes from, or a lower one. */
  readonly kernel?: string | undefined;
}

interface Reader {
  readonly input: Input;
  readonly format: Format;
  /** What the CPU's design settles; cpugate's own formats leave nothing open that it would. */
  readonly settle: (host: Host) => Host;
}

/** Whether it begins with a mark of quoting or a code fence; the like of it is undone by `withoutPasteMarks`. */
function isMarked({ head }: Input): boolean {
  return /^(?:\u00ef\u00bb\u00bf)?\s*[>`~]/.test(head);
}

function ownFormat(input: Input): Format | undefined {
  return OWN.find((format) => format.recognise(input));
}

async function readerOf(name: string, bytes: Uint8Array, { kernel }: Told): Promise<Reader> {
  const input = openInput(name, bytes, kernel);
  const own = isMarked(input) ? undefined : ownFormat(input);
  if (own !== undefined) return { input, format: own, settle: (host) => host };
  const others = await import('./others.js');
  const { OTHERS, completeByLog, splitKernelLog, withKnownDesign, withoutPasteMarks } = others;
  const unmarked = withoutPasteMarks(input);
  const { rest: plain, log } = splitKernelLog(unmarked);
  const pasted = plain === input ? undefined : ownFormat(plain);
  if (pasted !== undefined) return { input: plain, format: pasted, settle: (host) => host };
  const format = OTHERS.find((one) => one.recognise(plain));
  if (format === undefined) throw unknownFormat(plain, [...OWN, ...OTHERS]);
  const settle =
    log === undefined
      ? withKnownDesign
      : (host: Host) => withKnownDesign(completeByLog(plain, host, log));
  return { input: plain, format, settle };
}

/** Throws InputError for anything that can't be read as a host. */
export async function readHost(name: string, bytes: Uint8Array, told: Told = {}): Promise<Host> {
  const { input, format, settle } = await readerOf(name, bytes, told);
  return settle(format.read(input));
}

/** Every host of a file, most of which hold one; each call gives one or throws InputError. */
export async function readEachHost(
  name: string,
  bytes: Uint8Array,
  told: Told = {},
): Promise<readonly (() => Host)[]> {
  const { input, format, settle } = await readerOf(name, bytes, told);
  const each = format.readEach?.(input) ?? [() => format.read(input)];
  return each.map((read) => () => settle(read()));
}

/** The format of this name, for writing. */
export async function findFormat(name: string): Promise<Format | undefined> {
  const isWanted = (format: Format) => format.name === name;
  return OWN.find(isWanted) ?? (await import('./others.js')).OTHERS.find(isWanted);
}
