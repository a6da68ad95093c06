/** Arguments against a command's specification. */
import parse from 'yargs-parser';
import { InputError } from '../model/errors.js';
import { suggest } from '../model/suggest.js';
import type { CommandSpec, OptionSpec } from './specs/spec.js';

export interface Arguments {
  readonly positionals: readonly string[];
  /** What stood behind "--", for commands that take a command line there. */
  readonly trailing: readonly string[];
  /** Absent: not given. */
  text(option: string): string | undefined;
  list(option: string): readonly string[];
  flag(option: string): boolean | undefined;
}

function helpOf(command: CommandSpec): string {
  return `"cpugate ${command.name} --help" tells what it takes.`;
}

function usageError(
  command: CommandSpec,
  message: string,
  remedy: string = helpOf(command),
): InputError {
  return new InputError('usage', message, { remedy });
}

function unknownOption(command: CommandSpec, name: string): InputError {
  const dashes = name.length === 1 ? '-' : '--';
  const options = [...Object.keys(command.options), 'help'].map((option) => `--${option}`);
  return usageError(
    command,
    `unknown option ${dashes}${name}`,
    suggest(name, options, helpOf(command)),
  );
}

function checkChoice(
  command: CommandSpec,
  what: string,
  choices: readonly string[],
  given: string | undefined,
): void {
  if (given === undefined || choices.includes(given)) return;
  throw usageError(
    command,
    `${what} can't be "${given}"; it is one of ${choices.join(', ')}`,
    suggest(given, choices, helpOf(command)),
  );
}

function checkValue(command: CommandSpec, name: string, spec: OptionSpec, given: unknown) {
  if (spec.type === 'boolean') {
    if (typeof given !== 'boolean') throw usageError(command, `--${name} is given twice`);
    return;
  }
  const values = Array.isArray(given) ? given : [given];
  if (values.length > 1 && !spec.list) throw usageError(command, `--${name} is given twice`);
  for (const value of values) {
    if (typeof value !== 'string' || value === '')
      throw usageError(command, `--${name} needs a value (${spec.value ?? 'text'})`);
    if (spec.choices !== undefined) checkChoice(command, `--${name}`, spec.choices, value);
  }
}

function checkPositionals(command: CommandSpec, given: readonly string[]) {
  const { positionals } = command;
  const missing = positionals.find((spec, place) => spec.required && given[place] === undefined);
  if (missing !== undefined) throw usageError(command, `${missing.name.toUpperCase()} is missing`);
  if (given.length > positionals.length && !positionals.at(-1)?.variadic)
    throw usageError(command, `one argument too many: "${given[positionals.length]}"`);
  for (const [place, { name, choices }] of positionals.entries())
    if (choices !== undefined) checkChoice(command, name.toUpperCase(), choices, given[place]);
}

/** The command's own arguments, and what stands behind the first "--". */
function splitTrailing(command: CommandSpec, argv: readonly string[]) {
  const end = argv.indexOf('--');
  if (command.trailing === undefined || end < 0) return { own: argv, trailing: [] };
  return { own: argv.slice(0, end), trailing: argv.slice(end + 1) };
}

function checkTrailing(command: CommandSpec, trailing: readonly string[], rest: readonly string[]) {
  if (command.trailing === undefined || trailing.length > 0) return;
  if (command.trailing.optional && rest.length === 0) return;
  const name = command.trailing.name.toUpperCase();
  throw usageError(
    command,
    rest.length > 0
      ? `${name} must stand behind "--": -- ${rest.join(' ')}`
      : `-- ${name} is missing`,
  );
}

/** The parser takes "-" for no value behind a long option. */
function withDashes(argv: readonly string[], options: readonly string[]): string[] {
  const takesValue = new Set(options.map((name) => `--${name}`));
  const isDash = (place: number) => argv[place] === '-' && takesValue.has(argv[place - 1] ?? '');
  return argv.flatMap((arg, place) =>
    isDash(place) ? [] : [isDash(place + 1) ? `${arg}=-` : arg],
  );
}

/** Throws InputError (code "usage") for anything that the command doesn't take. */
export function parseArguments(command: CommandSpec, argv: readonly string[]): Arguments {
  const entries = Object.entries(command.options);
  const ofType = (type: OptionSpec['type']) =>
    entries.filter(([, spec]) => spec.type === type).map(([name]) => name);
  const alias: Record<string, string[]> = {};
  for (const [name, spec] of entries) if (spec.alias !== undefined) alias[name] = [spec.alias];
  const { own, trailing } = splitTrailing(command, argv);
  const parsed = parse(withDashes(own, ofType('string')), {
    string: [...ofType('string'), '_'],
    boolean: ofType('boolean'),
    alias,
    configuration: {
      'camel-case-expansion': false,
      'dot-notation': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
      'strip-aliased': true,
      'strip-dashed': false,
      'duplicate-arguments-array': true,
      'greedy-arrays': false,
    },
  });
  const { _: rest, ...given } = parsed;
  for (const [name, value] of Object.entries(given)) {
    const spec = command.options[name];
    if (spec === undefined || !Object.hasOwn(command.options, name))
      throw unknownOption(command, name);
    checkValue(command, name, spec, value);
  }
  const positionals = rest.map(String);
  checkTrailing(command, trailing, positionals);
  checkPositionals(command, positionals);
  const listOf = (name: string): string[] => {
    const value: unknown = given[name];
    if (value === undefined) return [];
    return (Array.isArray(value) ? value : [value])
      .flatMap((part: unknown) => String(part).split(','))
      .filter((part) => part !== '');
  };
  return {
    positionals,
    trailing,
    text: (name) => (given[name] === undefined ? undefined : String(given[name])),
    list: listOf,
    flag: (name) => (given[name] === undefined ? undefined : given[name] === true),
  };
}
