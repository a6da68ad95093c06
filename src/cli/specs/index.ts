/**
 * The command line as data: what each command takes, says of itself and shows as examples, a file a
 * command. Parsing, help and completion all read it, so they can't disagree.
 */
import { InputError } from '../../model/errors.js';
import { suggest } from '../../model/suggest.js';
import { attach } from './attach.js';
import { audit } from './audit.js';
import { baseline } from './baseline.js';
import { check } from './check.js';
import { completion } from './completion.js';
import { convert } from './convert.js';
import { detach } from './detach.js';
import { dump } from './dump.js';
import { explain } from './explain.js';
import { exportCommand } from './export.js';
import { gather } from './gather.js';
import { hook } from './hook.js';
import { install } from './install.js';
import { matrix } from './matrix.js';
import { probe } from './probe.js';
import { report } from './report.js';
import { restore } from './restore.js';
import { run } from './run.js';
import { show } from './show.js';
import type { CommandSpec } from './spec.js';
import { verify } from './verify.js';
import { why } from './why.js';

/** In the order of the help: by COMMAND_GROUPS. */
export const COMMANDS: readonly CommandSpec[] = [
  probe,
  gather,
  show,
  check,
  matrix,
  report,
  explain,
  baseline,
  exportCommand,
  run,
  attach,
  detach,
  install,
  verify,
  audit,
  dump,
  restore,
  why,
  convert,
  hook,
  completion,
];

function unknownOption(name: string): InputError {
  return new InputError('usage', `unknown option ${name}`, {
    remedy: suggest(
      name,
      ['--help', '--version'],
      'Options of a command stand behind it: cpugate COMMAND [OPTION]...',
    ),
  });
}

export function unknownCommand(name: string): InputError {
  if (name.startsWith('-')) return unknownOption(name);
  const names = COMMANDS.map((command) => command.name);
  return new InputError('usage', `there is no command "${name}"`, {
    remedy: suggest(name, [...names, 'help'], '"cpugate --help" lists the commands.'),
  });
}

export function findCommand(name: string | undefined): CommandSpec | undefined {
  return COMMANDS.find((command) => command.name === name);
}
