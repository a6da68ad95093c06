/**
 * The manual page, made at build of what the commands say of themselves: it can't name an option that
 * isn't there, nor leave one out.
 */
import {
  COMMAND_GROUPS,
  type CommandGroup,
  type CommandSpec,
  HOST_HELP,
  type OptionSpec,
} from '../specs/spec.js';
import { bold, italic, paragraphs, roffText, section, subsection, tagged, title } from './roff.js';

export interface PackageFacts {
  readonly version: string;
  readonly description: string;
}

const DESCRIPTION = `cpugate tells whether running Linux tasks can move between x86-64 hosts with unlike CPUs, finds what all hosts of a cluster have in common, and makes tasks see just that.

A host is recorded once with "cpugate probe" and compared wherever you like. Hosts that weren't recorded are compared by their CPU models or by dumps that other tools made.`;

const STATUSES: readonly (readonly [string, string])[] = [
  ['0', 'Done. Of check: compatible.'],
  [
    '1',
    'The answer is no: incompatible (check, restore), a requirement that is not met or a host that is refused (baseline), a mask that does not hold (verify).',
  ],
  [
    '2',
    'Wrong usage, unreadable input, or a failure. Standard error tells what, where and what to do.',
  ],
  ['3', 'at-risk (check, restore): some programs may fail; the findings say which.'],
  [
    '4',
    'unknown (check, restore): too little is known of the hosts. Missing data never becomes a yes.',
  ],
  [
    '69',
    'This host has no CPUID faulting, or lacks what the mask shows (run, attach, restore, verify).',
  ],
  [
    '125, 126, 127',
    "The supervisor failed (run, attach); the program is not executable, it was not found (run). Else run gives the program's own status, or 128 and the number of the signal that ended it.",
  ],
];

const ENVIRONMENT: readonly (readonly [string, string])[] = [
  ['NO_COLOR', 'If not empty: no colours. --color and --no-color win over it.'],
  ['FORCE_COLOR', 'Colours where standard output is no terminal, too; 0: none.'],
  ['TERM', 'dumb: no colours.'],
  ['COLUMNS', "Where text is wrapped, in place of the terminal's own width."],
  ['SHELL', '"cpugate completion" writes for this one where none is named.'],
  ['PATH', 'Where programs are looked for: criu, and what "cpugate run" starts.'],
  [
    'XDG_RUNTIME_DIR',
    "Masks and sockets lie in its folder cpugate for users who can't write to /run.",
  ],
  [
    'XDG_CACHE_HOME',
    'Compiled code is kept in its folder cpugate, and what is known of audited programs; the default is ~/.cache.',
  ],
  [
    'LD_LIBRARY_PATH',
    'With run --audit refuse, libraries of the program are looked for there, as glibc does.',
  ],
  [
    'NODE_DISABLE_COMPILE_CACHE',
    'If not empty: no compiled code is kept from one start to the next, nor taken.',
  ],
  ['CPUGATE_DEBUG', 'If not empty: a bug in cpugate is reported with the place where it happened.'],
];

const FILES: readonly (readonly [string, string])[] = [
  [
    '/run/cpugate',
    'Masks and sockets of supervisors that run; --runtime-dir names another folder.',
  ],
  [
    '~/.cache/cpugate',
    'Compiled code, kept from one start to the next. It can be deleted at any time.',
  ],
  ['cpugate-record.json', "Beside CRIU's images: what the tasks of a dump have seen."],
];

const word = (name: string) => name.toUpperCase();

/** "-o, --output FILE", marked. */
function optionTag(name: string, option: OptionSpec): string {
  const short = option.alias === undefined ? '' : `${bold(`-${option.alias}`)}, `;
  const value = option.type === 'string' ? ` ${italic(option.value ?? 'TEXT')}` : '';
  return `${short}${bold(`--${name}`)}${value}`;
}

function optionText({ describe, choices, list }: OptionSpec): string {
  const oneOf = choices === undefined ? '' : `; one of ${choices.join(', ')}`;
  return `${describe}${oneOf}${list ? '; may be given several times, or as a list with commas' : ''}`;
}

function synopsis({ name, options, positionals, trailing }: CommandSpec): string {
  const parts = [`${bold('cpugate')} ${bold(name)}`];
  if (Object.keys(options).length > 0) parts.push(`[${italic('OPTION')}]...`);
  for (const one of positionals) {
    const text = `${italic(word(one.name))}${one.variadic ? '...' : ''}`;
    parts.push(one.required ? text : `[${text}]`);
  }
  if (trailing !== undefined) {
    const text = `${bold('--')} ${italic(word(trailing.name))}...`;
    parts.push(trailing.optional ? `[${text}]` : text);
  }
  return parts.join(' ');
}

/** What stands in help behind the options; what a HOST is has a section of its own. */
function epilogueOf({ epilogue = '' }: CommandSpec): string {
  const own = epilogue.split('\n\n').filter((part) => part !== '' && part !== HOST_HELP);
  return own.length === 0 ? '' : paragraphs(own.join('\n\n'));
}

/** The commands by job, as in the help. */
function groupsText(commands: readonly CommandSpec[]): string {
  return (Object.keys(COMMAND_GROUPS) as CommandGroup[])
    .map((group) => {
      const names = commands.filter((one) => one.group === group).map(({ name }) => name);
      return names.length === 0 ? '' : tagged(bold(COMMAND_GROUPS[group]), names.join(', '));
    })
    .join('');
}

function commandText(command: CommandSpec): string {
  const { name, summary, options, positionals, trailing } = command;
  return [
    subsection(name),
    `${synopsis(command)}\n`,
    paragraphs(`${summary}.`),
    ...[...positionals, ...(trailing === undefined ? [] : [trailing])].map((one) =>
      tagged(italic(word(one.name)), one.describe),
    ),
    ...Object.entries(options).map(([option, spec]) =>
      tagged(optionTag(option, spec), optionText(spec)),
    ),
    epilogueOf(command),
  ].join('');
}

function examplesText(commands: readonly CommandSpec[]): string {
  return commands
    .flatMap(({ examples }) => examples)
    .map(([line, what]) => (what === '' ? `.PP\n${bold(line)}\n` : tagged(bold(line), what)))
    .join('');
}

const list = (rows: readonly (readonly [string, string])[]) =>
  rows.map(([name, text]) => tagged(bold(name), text)).join('');

const WITHOUT_COMMAND = [
  `${bold('cpugate')} [${italic('COMMAND')}] ${bold('--help')}`,
  bold('cpugate --version'),
];

const SEE_ALSO = 'criu(8), cpuid(1), ld.so(8), arch_prctl(2), ptrace(2)';

/** In roff, for man(7). Nothing in it comes from the clock: a build gives the same bytes again. */
export function manPage(commands: readonly CommandSpec[], facts: PackageFacts): string {
  return [
    '.\\" Made of the commands\' specifications; changes are lost.\n',
    title('CPUGATE', 1, `cpugate ${facts.version}`, 'User Commands'),
    section('NAME', `cpugate \\- ${roffText(facts.description)}\n`),
    section('SYNOPSIS', `${[...commands.map(synopsis), ...WITHOUT_COMMAND].join('\n.br\n')}\n`),
    section('DESCRIPTION', paragraphs(DESCRIPTION)),
    section('HOSTS', paragraphs(HOST_HELP)),
    section('COMMANDS', groupsText(commands) + commands.map(commandText).join('')),
    section('EXIT STATUS', list(STATUSES)),
    section('ENVIRONMENT', list(ENVIRONMENT)),
    section('FILES', list(FILES)),
    section('EXAMPLES', examplesText(commands)),
    section('SEE ALSO', paragraphs(SEE_ALSO)),
  ].join('');
}
