/** The text of /proc/cpuinfo as blocks of fields, one a logical CPU, with the limits of each field. */
import { InputError } from '../model/errors.js';
import { type Input, malformed } from './format.js';
import { KNOWN_FLAGS } from './proc-cpuinfo-flags.js';
import { findCut, joinWrapped } from './proc-cpuinfo-wrapped.js';
import { endsInsideLine, forEachLine, MAX_LOGICAL_CPUS, quote } from './text-dump.js';

/** The keys that are read; all others are passed over. */
export const KEYS = [
  'processor',
  'vendor_id',
  'cpu family',
  'model',
  'model name',
  'stepping',
  'microcode',
  'cpuid level',
  'flags',
  'clflush size',
  'address sizes',
] as const;
export type Key = (typeof KEYS)[number];
const READ_KEYS: ReadonlySet<string> = new Set(KEYS);

/** Keys of other architectures' cpuinfo (arm64, RISC-V, PowerPC, s390, LoongArch). */
const FOREIGN_KEYS: ReadonlySet<string> = new Set([
  'CPU implementer',
  'Features',
  'features',
  'isa',
  'cpu',
  'CPU Family',
]);

const LONGEST_KEY = 40;
/** No line of flags is longer. */
const LONGEST_WRAPPED = 16384;
/** Linux knows fewer than 700. */
const MAX_FLAGS = 2048;

export interface Field {
  readonly value: string;
  readonly line: number;
  /** Of a wrapped line of flags: what follows it. */
  readonly wrapped?: readonly string[];
}

export type Block = Map<Key, Field>;

/** How a text of "key: value" lines gives the fields of /proc/cpuinfo. */
export interface Layout {
  /** Undefined: the line isn't read. */
  keyOf(written: string, value: string): Key | undefined;
  isForeign(written: string): boolean;
  /** Whether values stand in a column, which wrapped ones go on in. */
  readonly hasColumn: boolean;
}

const PROC_CPUINFO: Layout = {
  keyOf: (written) => (READ_KEYS.has(written) ? (written as Key) : undefined),
  isForeign: (written) => FOREIGN_KEYS.has(written),
  hasColumn: false,
};

const FLAG = /^[a-z0-9_.:-]{1,40}$/i;
const DOTS = /^(?:\.{2,}|\u00e2\u0080\u00a6)$/;

/** A line that holds flags and nothing else; an empty one ends them. */
function isFlagText(text: string): boolean {
  const words = text.split(/[ \t]+/).filter((word) => word !== '');
  return words.length > 0 && words.every((word) => FLAG.test(word) || DOTS.test(word));
}

/** Whether flags that everybody knows stand in it: a prompt has none. */
function hasFlag(text: string): boolean {
  return text.split(/[ \t]+/).some((word) => word.length > 2 && KNOWN_FLAGS.has(word));
}

function notOnlyFlags(input: Input, line: number): InputError {
  return malformed(
    input,
    'seems to go on with the flags of the line before, and holds something else too',
    { line, at: 'flags' },
    'Give the whole text: a flag that is passed over would look like a missing feature.',
  );
}

/** `text`: of the input, or the same with as many lines. */
export function readBlocks(
  input: Input,
  { keyOf, isForeign, hasColumn }: Layout = PROC_CPUINFO,
  text = input.text(),
): {
  readonly blocks: readonly Block[];
  readonly foreign: boolean;
} {
  const blocks: Block[] = [];
  let block: Block | undefined;
  let foreign = false;
  /** Behind a line of flags: collects what it was wrapped into. */
  let wrapped: string[] | undefined;
  /** Where the value of that line begins. */
  let column = 0;
  /** Fields that are given again; what they were wrapped into is known at the end. */
  const again: [before: Field, after: Field][] = [];
  forEachLine(text, (start, end, line) => {
    const colon = text.slice(start, Math.min(end, start + LONGEST_KEY)).indexOf(':');
    if (colon === -1) {
      if (wrapped === undefined) return;
      const from = start + indentWithin(text, start, end, column);
      const rest = text.slice(from, Math.min(end, from + LONGEST_WRAPPED));
      const isWhole = rest.length === end - from;
      if (isWhole && isFlagText(rest)) wrapped.push(rest);
      else if (hasFlag(rest)) throw notOnlyFlags(input, line);
      else wrapped = undefined;
      return;
    }
    wrapped = undefined;
    const written = text.slice(start, start + colon).trim();
    // One blank follows the colon; further ones are the vendor's ("  Shanghai  "), or lead to the column.
    const value = text.slice(start + colon + 1, end).replace(hasColumn ? /^[ \t]+/ : /^[ \t]/, '');
    if (isForeign(written)) foreign = true;
    const key = keyOf(written, value);
    if (key === undefined) return;
    if (block === undefined || key === 'processor') {
      if (blocks.length >= MAX_LOGICAL_CPUS) throw tooManyCpus(input, line);
      block = new Map();
      blocks.push(block);
    }
    const before = block.get(key);
    if (before !== undefined && before.value !== value) throw givenTwice(input, key, line);
    if (key === 'flags') {
      wrapped = [];
      column = hasColumn ? end - start - value.length : 0;
    }
    const field: Field = { value, line, ...(wrapped === undefined ? {} : { wrapped }) };
    if (before !== undefined) again.push([before, field]);
    block.set(key, field);
  });
  for (const [before, after] of again)
    if (before.wrapped?.join('\n') !== after.wrapped?.join('\n'))
      throw givenTwice(input, 'flags', after.line);
  return { blocks, foreign };
}

/** Blanks that the line begins with, `most` at most. */
function indentWithin(text: string, start: number, end: number, most: number): number {
  let at = start;
  while (at < Math.min(end, start + most) && (text[at] === ' ' || text[at] === '\t')) at++;
  return at - start;
}

export function givenTwice(input: Input, key: string, line: number): InputError {
  return malformed(
    input,
    `"${key}" is given twice for one processor, with different values`,
    { line },
    'Give the text of one host, as it was shown there.',
  );
}

function tooManyCpus(input: Input, line: number): InputError {
  return new InputError('too-large', `more than ${MAX_LOGICAL_CPUS} logical CPUs`, {
    place: { file: input.name, line },
    remedy: 'No Linux host has that many; give the text of one host.',
  });
}

/** A decimal number; undefined where the line isn't there. */
export function readNumber(input: Input, block: Block, key: Key, most: number): number | undefined {
  const field = block.get(key);
  if (field === undefined) return undefined;
  const text = field.value.trim();
  if (!/^\d{1,9}$/.test(text) || Number(text) > most)
    throw malformed(
      input,
      `${quote(text)} is not a number from 0 to ${most}`,
      { line: field.line, at: key },
      'Give the text as it was shown there.',
    );
  return Number(text);
}

/** Flags in the order of the text, each as often as it stands there. Throws InputError where some are missing. */
export function readFlags(input: Input, block: Block, cpu: number): readonly string[] {
  const field = block.get('flags');
  const fail = (
    message: string,
    below = 0,
    remedy = 'Give the whole text: a flag that is cut off would look like a missing feature.',
  ) =>
    malformed(
      input,
      message,
      field === undefined ? { at: `processor ${cpu}` } : { line: field.line + below, at: 'flags' },
      remedy,
    );
  if (field === undefined) throw fail('has no "flags" line');
  const joined = joinWrapped([field.value, ...(field.wrapped ?? [])], (word) =>
    KNOWN_FLAGS.has(word),
  );
  if ('unclear' in joined)
    throw fail('goes on a line whose beginning may be a flag or the rest of one', joined.unclear);
  if (field.wrapped !== undefined && mayGoOn(input, [field.value, ...field.wrapped]))
    throw fail(
      'ends where wrapped flags may go on',
      field.wrapped.length,
      'Give the text up to the next line behind the flags.',
    );
  if (endsInsideLine(input.text()) && joined.flags.trim() !== '' && isLastLine(input, field))
    throw fail('ends in the middle of the flags');
  const words = joined.flags.split(/[ \t]+/).filter((flag) => flag !== '');
  if (words.length > MAX_FLAGS) throw fail(`more than ${MAX_FLAGS} flags`);
  if (words.length === 0) throw fail('the "flags" line is empty');
  const cut = findCut(words, KNOWN_FLAGS);
  if (cut !== undefined) throw fail(`the flags are cut off: ${cut}`);
  for (const flag of words) if (!FLAG.test(flag)) throw fail(`${quote(flag)} is not a flag`);
  return words;
}

/**
 * Whether wrapped flags stand at the text's end, the last line about as long as the others: a text that
 * was cut between two lines looks the same.
 */
function mayGoOn(input: Input, lines: readonly string[]): boolean {
  if (lines.length < 2) return false;
  const last = (lines.at(-1) as string).trimEnd();
  const longest = Math.max(...lines.slice(0, -1).map(({ length }) => length));
  return last.length * 2 >= longest && input.text().trimEnd().endsWith(last);
}

function isLastLine(input: Input, field: Field): boolean {
  return input.text().endsWith(field.wrapped?.at(-1) ?? field.value);
}
