/** The text of /proc/cpuinfo as blocks of fields, one a logical CPU, with the limits of each field. */
import { InputError } from '../model/errors.js';
import { type Input, malformed } from './format.js';
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
type Key = (typeof KEYS)[number];
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
/** Linux knows fewer than 700. */
const MAX_FLAGS = 2048;

interface Field {
  readonly value: string;
  readonly line: number;
}

export type Block = Map<Key, Field>;

export function readBlocks(input: Input): {
  readonly blocks: readonly Block[];
  readonly foreign: boolean;
} {
  const text = input.text();
  const blocks: Block[] = [];
  let block: Block | undefined;
  let foreign = false;
  forEachLine(text, (start, end, line) => {
    const colon = text.slice(start, Math.min(end, start + LONGEST_KEY)).indexOf(':');
    if (colon === -1) return;
    const key = text.slice(start, start + colon).trim();
    if (FOREIGN_KEYS.has(key)) foreign = true;
    if (!READ_KEYS.has(key)) return;
    if (block === undefined || key === 'processor') {
      if (blocks.length >= MAX_LOGICAL_CPUS) throw tooManyCpus(input, line);
      block = new Map();
      blocks.push(block);
    }
    // One blank follows the colon; further ones are the vendor's ("  Shanghai  ").
    const value = text.slice(start + colon + 1, end).replace(/^[ \t]/, '');
    const before = block.get(key as Key);
    if (before !== undefined && before.value !== value)
      throw malformed(
        input,
        `"${key}" is given twice for one processor, with different values`,
        { line },
        'Give the text of one host, as /proc/cpuinfo shows it.',
      );
    block.set(key as Key, { value, line });
  });
  return { blocks, foreign };
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
      `${quote(text)} is no number from 0 to ${most}`,
      { line: field.line, at: key },
      'Give the text as /proc/cpuinfo shows it.',
    );
  return Number(text);
}

export function readFlags(input: Input, block: Block, cpu: number): ReadonlySet<string> {
  const field = block.get('flags');
  const fail = (message: string) =>
    malformed(
      input,
      message,
      field === undefined ? { at: `processor ${cpu}` } : { line: field.line, at: 'flags' },
      'Give all of /proc/cpuinfo: a flag that is cut off would look like a missing feature.',
    );
  if (field === undefined) throw fail('has no line of flags');
  if (endsInsideLine(input.text()) && field.value.trim() !== '' && isLastLine(input, field))
    throw fail('ends in the middle of the flags');
  const flags = new Set(field.value.split(/[ \t]+/).filter((flag) => flag !== ''));
  if (flags.size > MAX_FLAGS) throw fail(`more than ${MAX_FLAGS} flags`);
  if (flags.size === 0) throw fail('the line of flags is empty');
  for (const flag of flags)
    if (!/^[a-z0-9_.:-]{1,40}$/i.test(flag)) throw fail(`${quote(flag)} is no flag`);
  return flags;
}

function isLastLine(input: Input, field: Field): boolean {
  return input.text().endsWith(field.value);
}
