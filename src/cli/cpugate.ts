/**
 * The program: finds the command, checks its arguments, runs it. A command's module and yargs (which
 * only writes help and completions) are loaded when they are needed: starting them takes longer than
 * a check.
 */
import { describeInputError, isInputError } from '../model/errors.js';
import { printable } from '../model/printable.js';
import { parseArguments } from './arguments.js';
import type { Run } from './command.js';
import { HELP_OF_ALL, keptHelp } from './kept-help.js';
import { writeErr, writeOut } from './output.js';
import { findCommand, unknownCommand } from './specs/index.js';
import { terminalWidth } from './terminal.js';
import { VERSION } from './version.js';

const USAGE = 2;
/** EX_UNAVAILABLE of <sysexits.h>: this host can't. */
const UNAVAILABLE = 69;

const LOADERS: Readonly<Record<string, () => Promise<{ readonly run: Run }>>> = {
  probe: () => import('./commands/probe.js'),
  gather: () => import('./commands/gather.js'),
  show: () => import('./commands/show.js'),
  check: () => import('./commands/check.js'),
  matrix: () => import('./commands/matrix.js'),
  report: () => import('./commands/report.js'),
  baseline: () => import('./commands/baseline.js'),
  explain: () => import('./commands/explain.js'),
  export: () => import('./commands/export.js'),
  convert: () => import('./commands/convert.js'),
  run: () => import('./commands/run.js'),
  attach: () => import('./commands/attach.js'),
  detach: () => import('./commands/detach.js'),
  install: () => import('./commands/install.js'),
  verify: () => import('./commands/verify.js'),
  dump: () => import('./commands/dump.js'),
  restore: () => import('./commands/restore.js'),
  hook: () => import('./commands/hook.js'),
  why: () => import('./commands/why.js'),
  audit: () => import('./commands/audit.js'),
};

function wantsHelp(argv: readonly string[]): boolean {
  // A line that is being completed may hold anything.
  if (argv[0] === '--get-yargs-completions') return false;
  const own = argv.includes('--') ? argv.slice(0, argv.indexOf('--')) : argv;
  return own.includes('--help') || own.includes('-h');
}

async function start(argv: readonly string[]): Promise<number> {
  const [name, ...rest] = argv;
  if (name === '--version' || name === '-V') {
    writeOut(`${VERSION}\n`);
    return 0;
  }
  const asksForHelp = name === undefined || name === 'help' || wantsHelp(argv);
  if (asksForHelp) {
    const topic = argv.find((word) => !word.startsWith('-') && word !== 'help');
    const kept = keptHelp(
      topic === undefined ? HELP_OF_ALL : (findCommand(topic)?.name ?? ''),
      terminalWidth(),
    );
    if (kept !== undefined) {
      writeOut(kept);
      return 0;
    }
  }
  if (asksForHelp || name === 'completion' || name === '--get-yargs-completions') {
    const { help } = await import('./commands/help.js');
    return help(name === 'help' ? rest.concat('--help') : argv);
  }
  const command = findCommand(name);
  const load = LOADERS[name];
  if (command === undefined || load === undefined) throw unknownCommand(name);
  const args = parseArguments(command, rest);
  const { run } = await load();
  return run(args);
}

/** A path of the user's that the system refuses, in its words. */
function isPathError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error && 'path' in error;
}

function report(error: unknown): number {
  if (isInputError(error)) {
    writeErr(`cpugate: ${describeInputError(error)}\n`);
    return error.code === 'unavailable' ? UNAVAILABLE : USAGE;
  }
  const text = printable(error instanceof Error ? error.message : String(error));
  if (isPathError(error)) {
    writeErr(`cpugate: ${text}\n`);
    return USAGE;
  }
  writeErr(
    `cpugate: this is a bug in cpugate: ${text}\n  Please report it with the command and its input` +
      `${process.env.CPUGATE_DEBUG ? '' : '; CPUGATE_DEBUG=1 shows where it happened'}.\n`,
  );
  if (process.env.CPUGATE_DEBUG && error instanceof Error) writeErr(`${error.stack}\n`);
  return USAGE;
}

// All output is written by now (output.ts), so nothing is lost by ending here; taking Node down piece
// by piece takes it 3 ms more.
start(process.argv.slice(2)).then(
  (status) => process.exit(status),
  (error: unknown) => process.exit(report(error)),
);
