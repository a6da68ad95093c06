/** What can stand where the cursor is, from the specifications. Pure. */
import { COMPONENTS, LEVELS, ROWS } from '../catalogue/index.js';
import { profileNames } from '../formats/named-profile.js';
import { FINDING_CODES } from '../rules/index.js';
import { COMMANDS, findCommand } from './specs/index.js';
import type { CommandSpec, OptionSpec, PositionalSpec, WordSource } from './specs/spec.js';

/** A line that asks the shell's script for names of files; it stands before the words. */
export const FILES = ':files';

const WORDS: Readonly<Record<WordSource, () => readonly string[]>> = {
  file: () => [],
  host: () => ['localhost', ...profileNames()],
  feature: () => ROWS.map(({ name }) => name),
  component: () => COMPONENTS.map(({ name }) => name),
  level: () => LEVELS.map(({ name }) => name),
  code: () => FINDING_CODES,
};

/** What an option's value is called tells where its words come from. */
const SOURCES: Readonly<Record<string, readonly WordSource[]>> = {
  FILE: ['file'],
  DIR: ['file'],
  FOLDER: ['file'],
  PATH: ['file'],
  HOST: ['host'],
  BASELINE: ['host'],
};

type Taken = Pick<OptionSpec | PositionalSpec, 'choices' | 'completes' | 'offers'>;

function offered({ choices = [], completes = [], offers = [] }: Taken, typed: string): string[] {
  const hasFiles = completes.some((source) => source === 'file' || source === 'host');
  const words = [...choices, ...offers, ...completes.flatMap((source) => WORDS[source]())];
  return [...(hasFiles ? [FILES] : []), ...words.filter((word) => word.startsWith(typed))];
}

/** Of a list only what stands behind the last comma is open. */
function ofOption(spec: OptionSpec, typed: string): string[] {
  const completes = spec.completes ?? SOURCES[spec.value ?? ''] ?? [];
  const open = spec.list ? typed.lastIndexOf(',') + 1 : 0;
  return offered({ ...spec, completes }, typed.slice(open)).map((word) =>
    word === FILES ? word : typed.slice(0, open) + word,
  );
}

function findOption({ options }: CommandSpec, word: string): OptionSpec | undefined {
  const [, name] = /^--([a-z-]+)$/.exec(word) ?? [];
  if (name !== undefined) return Object.hasOwn(options, name) ? options[name] : undefined;
  return Object.values(options).find(({ alias }) => alias !== undefined && word === `-${alias}`);
}

function takesValue(command: CommandSpec, word: string): boolean {
  return findOption(command, word)?.type === 'string';
}

/** How many of the words before the cursor are neither options nor their values. */
function countPositionals(command: CommandSpec, words: readonly string[]): number {
  return words.filter(
    (word, place) => !word.startsWith('-') && !takesValue(command, words[place - 1] ?? ''),
  ).length;
}

/** bash takes "--for=q" apart, other shells don't: one word in either case. */
function joinValues(words: readonly string[]): string[] {
  const joined: string[] = [];
  for (const [place, word] of words.entries()) {
    const before = joined.at(-1) ?? '';
    const isRest = words[place - 1] === '=' && before.endsWith('=');
    if (word === '=' ? before.startsWith('--') : isRest) joined.splice(-1, 1, before + word);
    else joined.push(word);
  }
  return joined;
}

function ofCommand(command: CommandSpec, before: readonly string[], typed: string): string[] {
  if (before.includes('--')) return [FILES];
  const [, name = '', value = ''] = /^(--[a-z-]+)=(.*)$/s.exec(typed) ?? [];
  const joined = findOption(command, name);
  if (name !== '') return joined === undefined ? [] : ofOption(joined, value);
  const option = findOption(command, before.at(-1) ?? '');
  if (option?.type === 'string') return ofOption(option, typed);
  if (typed.startsWith('-'))
    return [...Object.keys(command.options), 'help']
      .map((one) => `--${one}`)
      .filter((one) => one.startsWith(typed));
  const { positionals } = command;
  const last = positionals.at(-1);
  const spec =
    positionals[countPositionals(command, before)] ?? (last?.variadic ? last : undefined);
  return spec === undefined ? [] : offered(spec, typed);
}

/**
 * The words behind "cpugate", the one at the cursor last: what can stand in its place, a line each.
 * Of "--for=q" only the value is said.
 */
export function complete(line: readonly string[]): readonly string[] {
  const words = joinValues(line);
  const typed = words.at(-1) ?? '';
  const command = words.length < 2 ? undefined : findCommand(words[0]);
  if (command !== undefined) return ofCommand(command, words.slice(1, -1), typed);
  if (words.length > 1 && words[0] !== 'help') return [];
  return [...COMMANDS.map(({ name }) => name), 'help', '--help', '--version'].filter((name) =>
    name.startsWith(typed),
  );
}
