/**
 * Help, which yargs writes from the specifications, and shell completion. Nothing is run from here.
 */
import yargs, { type Argv } from 'yargs';
import { columns } from '../../report/text/columns.js';
import { parseArguments } from '../arguments.js';
import { complete } from '../complete.js';
import { completionScript, shellOf } from '../completion-scripts.js';
import { HELP_OF_ALL } from '../kept-help.js';
import { writeOut } from '../output.js';
import { completion } from '../specs/completion.js';
import { COMMANDS, findCommand, unknownCommand } from '../specs/index.js';
import { COMMAND_GROUPS, type CommandSpec, type OptionSpec } from '../specs/spec.js';
import { terminalWidth, USUAL_WIDTHS } from '../terminal.js';

const WELCOME = `cpugate lets running tasks move between x86-64 hosts with unlike CPUs, or says why they can't.

Three jobs:
  Check two hosts before a migration       cpugate check web-7.json localhost
  Find what all hosts have in common       cpugate baseline hosts/ -o cluster.json
  Start tasks that see just that           cpugate run --mask cluster.json -- server

Record a host for the first two with       cpugate probe -o web-7.json`;

/** "output FILE": nothing is parsed with it. */
function withValue(name: string, { value, type }: OptionSpec): string {
  return type === 'boolean' ? name : `${name} ${value ?? 'TEXT'}`;
}

function withOptions(parser: Argv, { options, positionals, trailing }: CommandSpec): Argv {
  for (const [name, spec] of Object.entries(options))
    parser.option(withValue(name, spec), {
      describe: spec.describe,
      ...(spec.alias === undefined ? {} : { alias: spec.alias }),
      ...(spec.choices === undefined ? {} : { choices: [...spec.choices] }),
    });
  for (const { name, describe } of positionals) parser.positional(name.toUpperCase(), { describe });
  if (trailing !== undefined)
    parser.positional(`-- ${trailing.name.toUpperCase()}`, { describe: trailing.describe });
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
    .help(false)
    .option('help', { alias: 'h', describe: 'this help' })
    .exitProcess(false);
}

function helpOf(command: CommandSpec, width: number): Argv {
  const parser = withOptions(base(width), command).usage(
    `cpugate ${command.name} ${positionalsOf(command)}\n\n${command.summary}.`,
  );
  for (const [line, what] of command.examples) parser.example(line, what);
  return command.epilogue === undefined ? parser : parser.epilogue(command.epilogue);
}

const GENERAL_OPTIONS = [
  ['-h, --help', 'this help; behind a command, what the command takes'],
  ['-V, --version', 'the version'],
];

/** Commands by their job; yargs has one list of them. */
function helpOfAll(width: number): string {
  const widest = Math.max(...COMMANDS.map(({ name }) => name.length));
  const groups = Object.entries(COMMAND_GROUPS).map(([group, title]) => {
    const commands = COMMANDS.filter((command) => command.group === group);
    const rows = commands.map(({ name, summary }) => [name.padEnd(widest), summary]);
    return `${title}\n${columns(rows, width)}`;
  });
  return `${[
    WELCOME,
    ...groups,
    `Options\n${columns(GENERAL_OPTIONS, width)}`,
    '"cpugate COMMAND --help" explains a command. "cpugate completion" is for your shell.',
    'Exit status of check: 0 compatible, 1 incompatible, 2 failure, 3 at-risk, 4 unknown.',
  ].join('\n\n')}\n`;
}

function printCompletions(argv: readonly string[]): number {
  // The shell's script gives the words of the line behind the option, "cpugate" first.
  const words = argv.filter((word) => word !== '--get-yargs-completions').slice(1);
  for (const line of complete(words)) writeOut(`${line}\n`);
  return 0;
}

function printCompletionScript(argv: readonly string[]): number {
  const [shell = shellOf(process.env.SHELL)] = parseArguments(completion, argv).positionals;
  writeOut(completionScript(shell));
  return 0;
}

async function helpText(command: CommandSpec | undefined, width: number): Promise<string> {
  return command === undefined ? helpOfAll(width) : `${await helpOf(command, width).getHelp()}\n`;
}

/** The command that help is wanted of; undefined: of all. */
function topicOf(argv: readonly string[]): CommandSpec | undefined {
  const name = argv.find((word) => !word.startsWith('-') && word !== 'help');
  const command = findCommand(name);
  if (name !== undefined && command === undefined) throw unknownCommand(name);
  return command;
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
  const asks = argv.includes('--help') || argv.includes('-h');
  if (argv[0] === 'completion' && !asks) return printCompletionScript(argv.slice(1));
  writeOut(await helpText(topicOf(argv), terminalWidth()));
  return 0;
}
