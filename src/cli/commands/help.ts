/**
 * Help and shell completion, which yargs does from the specifications. Nothing is run from here.
 */
import yargs, { type Argv } from 'yargs';
import { acceptedSpellings, ROWS } from '../../catalogue/index.js';
import { MODES } from '../../compare/mode-names.js';
import { profileNames } from '../../formats/named-profile.js';
import { HELP_OF_ALL } from '../kept-help.js';
import { writeOut } from '../output.js';
import { COMMANDS, findCommand } from '../specs/index.js';
import type { CommandSpec } from '../specs/spec.js';
import { terminalWidth, USUAL_WIDTHS } from '../terminal.js';
import { VERSION } from '../version.js';

const WELCOME = `cpugate lets running tasks move between x86-64 hosts with unlike CPUs, or says why they can't.

Three jobs:
  Check two hosts before a migration       cpugate check web-7.json localhost
  Find what all hosts have in common       cpugate baseline hosts/ -o cluster.json
  Start tasks that see just that           cpugate run --mask cluster.json -- server

Record a host for the first two with       cpugate probe -o web-7.json`;

function withOptions(parser: Argv, command: CommandSpec): Argv {
  for (const [name, spec] of Object.entries(command.options))
    parser.option(name, {
      type: spec.type,
      describe: spec.describe,
      ...(spec.alias === undefined ? {} : { alias: spec.alias }),
      ...(spec.choices === undefined ? {} : { choices: [...spec.choices] }),
      ...(spec.type === 'string' ? { requiresArg: true } : {}),
    });
  for (const positional of command.positionals)
    parser.positional(positional.name, { type: 'string', describe: positional.describe });
  return parser;
}

function positionalsOf({ positionals, trailing }: CommandSpec): string {
  const own = positionals.map(({ name, required, variadic }) => {
    const text = `${name.toUpperCase()}${variadic ? '..' : ''}`;
    return required ? `<${text}>` : `[${text}]`;
  });
  const behind =
    trailing === undefined ? [] : ['[OPTION..]', '--', `${trailing.name.toUpperCase()}..`];
  return [...own, ...behind].join(' ');
}

function base(width: number): Argv {
  return yargs([])
    .scriptName('cpugate')
    .locale('en')
    .wrap(width)
    .version(false)
    .help('help', 'this help')
    .alias('help', 'h')
    .exitProcess(false);
}

function helpOf(command: CommandSpec, width: number): Argv {
  const parser = withOptions(base(width), command).usage(
    `cpugate ${command.name} ${positionalsOf(command)}\n\n${command.summary}.`,
  );
  for (const [line, what] of command.examples) parser.example(line, what);
  return command.epilogue === undefined ? parser : parser.epilogue(command.epilogue);
}

function helpOfAll(width: number): Argv {
  const parser = base(width).usage(WELCOME).version('version', 'the version', VERSION);
  for (const command of COMMANDS) parser.command(command.name, command.summary);
  return parser.epilogue(
    'cpugate COMMAND --help explains a command.\nExit status of check: 0 compatible, 1 incompatible, 2 failure, 3 at-risk, 4 unknown.',
  );
}

/** What can stand after the words typed so far; file names are the shell's own business. */
function complete(current: string, words: readonly string[]): string[] {
  const [name] = words;
  const command = findCommand(name);
  if (command === undefined) return COMMANDS.map((one) => one.name);
  if (current.startsWith('-')) return Object.keys(command.options).map((one) => `--${one}`);
  const before = words.at(-1) === current ? words.at(-2) : words.at(-1);
  const option = before?.startsWith('--') ? command.options[before.slice(2)] : undefined;
  if (before === '--mode') return [...MODES, 'criu:default', 'criu:cpu', 'criu:ins', 'criu:fpu'];
  if (before === '--allow') return ROWS.map((row) => row.name);
  if (option?.choices !== undefined) return [...option.choices];
  if (command.positionals.some((one) => one.completes === 'feature'))
    return [...new Set(acceptedSpellings().values())];
  if (option?.value === 'HOST' || command.positionals.some((one) => one.completes === 'host'))
    return ['localhost', ...profileNames()];
  return command.name === 'completion' ? ['bash', 'zsh'] : [];
}

async function printCompletions(argv: readonly string[]): Promise<number> {
  // The shell's script gives the words of the line behind the option, "cpugate" first.
  const words = argv.filter((word) => word !== '--get-yargs-completions').slice(1);
  const current = words.at(-1) ?? '';
  for (const word of complete(current, words.slice(0)))
    if (word.startsWith(current)) writeOut(`${word}\n`);
  return 0;
}

function printCompletionScript(shell: string | undefined): number {
  if (shell !== undefined) process.env.SHELL = `/bin/${shell}`;
  // The types leave out the names of the program and the command that the script is written for.
  const parser = base(terminalWidth()).completion('completion') as unknown as {
    showCompletionScript(program: string, command: string): unknown;
  };
  parser.showCompletionScript('cpugate', 'completion');
  return 0;
}

async function helpText(command: CommandSpec | undefined, width: number): Promise<string> {
  const parser = command === undefined ? helpOfAll(width) : helpOf(command, width);
  return `${await parser.getHelp()}\n`;
}

/** For the build, which keeps them: widths, the names that keptHelp looks for, and the texts. */
export async function helpTexts(): Promise<readonly [number, string, string][]> {
  const texts: [number, string, string][] = [];
  for (const width of USUAL_WIDTHS) {
    texts.push([width, HELP_OF_ALL, await helpText(undefined, width)]);
    for (const command of COMMANDS)
      texts.push([width, command.name, await helpText(command, width)]);
  }
  return texts;
}

/** Gives the exit status: asking for help is no failure. */
export async function help(argv: readonly string[]): Promise<number> {
  if (argv.includes('--get-yargs-completions')) return printCompletions(argv);
  const [name, shell] = argv;
  const asks = argv.includes('--help') || argv.includes('-h');
  if (name === 'completion' && !asks) return printCompletionScript(shell);
  const command = findCommand(name);
  writeOut(await helpText(command, terminalWidth()));
  return 0;
}
