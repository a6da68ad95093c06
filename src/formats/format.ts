/** What every format's file gives: how to recognise, read and, where it makes sense, write it. */
import { InputError } from '../model/errors.js';
import type { Host } from '../model/host.js';
import { baselineInPage } from './fleet-page.js';
import { describeJsonError, isNestedTooDeep } from './json-text.js';

/** Nothing that cpugate reads is larger: the largest dumps known, of 512 logical CPUs, have 6 MB. */
export const MAX_INPUT_BYTES = 32 * 1024 * 1024;

/** Bytes with their name; text and JSON are made once and only when asked for. */
export interface Input {
  /** As the user gave it; "-" becomes "standard input". */
  readonly name: string;
  readonly bytes: Uint8Array;
  /** The Linux release that it was written under, or a lower one, where the user knows it. */
  readonly kernel?: string;
  /** The first 4 KiB as latin-1, for recognising. */
  readonly head: string;
  /** All as latin-1, where every byte is a character: dumps hold odd bytes in comments. */
  text(): string;
  /** All as JSON in UTF-8; undefined where it isn't. */
  json(): unknown;
  /** What is wrong with it as JSON; undefined where nothing is. */
  jsonError(): string | undefined;
}

export interface Format {
  /** For --to and messages: "cpuid-raw". */
  readonly name: string;
  /** For people: "output of cpuid -r". */
  readonly title: string;
  /** Whether the input is of this format, however damaged; must be quick and never throw. */
  recognise(input: Input): boolean;
  /** Throws InputError, with the place, where the input can't be trusted. */
  read(input: Input): Host;
  /**
   * Of a format that can hold several hosts, each by itself, so that one that can't be trusted doesn't
   * take the others along; throws where the file as a whole can't be. read() takes one host only.
   */
  readEach?(input: Input): readonly (() => Host)[];
  /**
   * The host in this format, whole files only. Throws InputError where the host lacks what the
   * format can't do without; what is lost without harm is returned for the user to see.
   */
  write?(host: Host): { readonly content: string | Uint8Array; readonly lost: readonly string[] };
}

const LESS_THAN = 0x3c;
/** Characters made at once: arguments stand on the stack. */
const CHUNK_BYTES = 4096;

/** Every byte as the character of its number. TextDecoder can't: its "latin1" is windows-1252. */
export function characters(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES)
    text += String.fromCharCode(...bytes.subarray(at, at + CHUNK_BYTES));
  return text;
}

/** The same; Node's own is quicker by far, and not everywhere. */
function latin1(bytes: Uint8Array): string {
  return typeof Buffer === 'undefined'
    ? characters(bytes)
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

/** Of a page that holds a baseline, that is the input. */
export function openInput(name: string, given: Uint8Array, kernel?: string): Input {
  const bytes = given[0] === LESS_THAN ? (baselineInPage(given) ?? given) : given;
  let text: string | undefined;
  let json: ParsedJson | undefined;
  return {
    name,
    bytes,
    ...(kernel === undefined ? {} : { kernel }),
    head: latin1(bytes.subarray(0, 4096)),
    text: () => {
      text ??= latin1(bytes);
      return text;
    },
    json: () => {
      json ??= parseJson(bytes);
      return json.value;
    },
    jsonError: () => {
      json ??= parseJson(bytes);
      return json.error;
    },
  };
}

interface ParsedJson {
  readonly value?: unknown;
  readonly error?: string;
}

/** Nesting can't hurt in a smaller input. */
const SMALL_BYTES = 1 << 20;

function parseJson(bytes: Uint8Array): ParsedJson {
  // A brace or bracket comes first in every JSON format that is read here.
  const first = bytes.find((byte) => byte > 0x20 && byte < 0x80);
  if (first !== 0x7b && first !== 0x5b) return { error: 'it does not begin with { or [' };
  if (bytes.length > SMALL_BYTES && isNestedTooDeep(bytes))
    return { error: 'it is nested too deeply' };
  const text = decodeUtf8(bytes);
  if (text === undefined) return { error: 'it is not UTF-8' };
  try {
    return { value: JSON.parse(text) };
  } catch {
    // The engine's own message quotes the input and doesn't always say where.
    return { error: describeJsonError(text) };
  }
}

/** Without a byte order mark; undefined where the bytes are no UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** For recognising: whether a JSON object begins here, blanks and a byte order mark aside. */
export function beginsWithBrace({ head }: Input): boolean {
  return /^(?:\u00ef\u00bb\u00bf)?\s*\{/.test(head);
}

/** For readers: the error for a line that can't be what it should. */
export function malformed(
  input: Input,
  message: string,
  place: { line?: number; offset?: number; at?: string } = {},
  remedy?: string,
): InputError {
  return new InputError('malformed', message, {
    place: { file: input.name, ...place },
    ...(remedy === undefined ? {} : { remedy }),
  });
}
