/**
 * Input that can't be used. Everything else that is thrown is a bug of ours. Messages quote input, so
 * they are made printable here, once for all readers.
 */

import { printable } from './printable.js';

export interface Place {
  /** File name as the user gave it. */
  readonly file?: string;
  /** From 1. */
  readonly line?: number;
  /** Byte offset, for binary formats. */
  readonly offset?: number;
  /** For example "leaf 0x7.0" or a JSON pointer. */
  readonly at?: string;
}

export class InputError extends Error {
  /** Stable, for scripts: "no-such-file", "too-large", "unknown-format", "malformed" … */
  readonly code: string;
  readonly place: Place;
  readonly remedy: string | undefined;

  constructor(
    code: string,
    message: string,
    options: { place?: Place; remedy?: string; cause?: unknown } = {},
  ) {
    super(printable(message), options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'InputError';
    this.code = code;
    this.place = options.place ?? {};
    this.remedy = options.remedy;
  }
}

/** By what it says of itself: each command is a bundle with a copy of the class. */
export function isInputError(error: unknown): error is InputError {
  return error instanceof Error && error.name === 'InputError' && 'place' in error;
}

/** PATH_MAX of Linux: a longer name is no file's, and its beginning tells which argument is meant. */
const LONGEST_PATH = 4096;
const SHOWN_OF_LONGER = 200;

function shownName(file: string): string {
  return file.length > LONGEST_PATH ? `${file.slice(0, SHOWN_OF_LONGER - 1)}…` : file;
}

/** "dump.txt:12: leaf 0x7.0: …" and, on the next line, what to do. */
export function describeInputError(error: InputError): string {
  const { file, line, offset, at } = error.place;
  let where = shownName(file ?? '');
  if (line !== undefined) where += `:${line}`;
  if (offset !== undefined) where += `${where ? ' ' : ''}at byte ${offset}`;
  const parts = [where, at, error.message].filter((part) => part !== undefined && part !== '');
  const remedy = error.remedy === undefined ? '' : `\n  ${printable(error.remedy)}`;
  return printable(parts.join(': ')) + remedy;
}
