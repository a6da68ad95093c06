import { baselineOf } from '../../baseline/baseline.js';
import { findTarget } from '../../export/index.js';
import type { ExportOptions, Target } from '../../export/target.js';
import { InputError } from '../../model/errors.js';
import type { Arguments } from '../arguments.js';
import type { Run } from '../command.js';
import { outTerminal, writeErr } from '../output.js';
import { readCluster } from '../read-cluster.js';
import { writeOutput } from '../write-file.js';

function usage(message: string, remedy: string): InputError {
  return new InputError('usage', message, { remedy });
}

function readTarget(args: Arguments): Target {
  const wanted = args.text('for');
  if (wanted === undefined)
    throw usage('--for TARGET is missing', '"cpugate export --help" lists the targets.');
  const target = findTarget(wanted);
  if (target === undefined) throw new Error(`no target ${wanted}`);
  return target;
}

function readOptions(args: Arguments, target: Target): ExportOptions {
  const glibc = args.text('glibc');
  if (glibc === undefined) return {};
  if (target.name !== 'glibc')
    throw usage(`--glibc says nothing to ${target.name}`, 'It goes with --for glibc.');
  return { glibc };
}

export const run: Run = async (args) => {
  const target = readTarget(args);
  const options = readOptions(args, target);
  const { cluster, options: made } = await readCluster(args.positionals);
  const { content, missing } = target.write(baselineOf(cluster, made), options);
  const output = args.text('output');
  if (typeof content !== 'string' && output === undefined && outTerminal() !== undefined)
    throw usage(`what ${target.name} reads is no text`, `Name a file: -o ${target.file}.`);
  writeOutput(output, content);
  for (const line of missing) writeErr(`cpugate: not in the output: ${line}\n`);
  return 0;
};
