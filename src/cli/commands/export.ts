import { baselineOf } from '../../baseline/baseline.js';
import {
  ENVIRONMENT_FORMAT_NAMES,
  type EnvironmentFormat,
} from '../../export/environment-formats.js';
import { ENVIRONMENT_TARGETS, findTarget } from '../../export/index.js';
import { placeRemarks } from '../../export/place-remarks.js';
import type { ExportOptions, Target } from '../../export/target.js';
import { InputError } from '../../model/errors.js';
import type { Arguments } from '../arguments.js';
import type { Run } from '../command.js';
import { outTerminal } from '../output.js';
import { readCluster } from '../read-cluster.js';
import { sayRemarks } from '../say-remarks.js';
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

function readFormat(args: Arguments, target: Target): EnvironmentFormat | undefined {
  const wanted = args.text('format');
  if (wanted === undefined) return undefined;
  const format = ENVIRONMENT_FORMAT_NAMES.find((name) => name === wanted);
  if (format === undefined) throw new Error(`no format ${wanted}`);
  if (target.isEnvironment !== true)
    throw usage(
      `${target.name} has one format, so --format ${wanted} says nothing to it`,
      `Environment variables have ${ENVIRONMENT_FORMAT_NAMES.join(', ')}: ${ENVIRONMENT_TARGETS.map((name) => `--for ${name}`).join(', ')}.`,
    );
  return format;
}

function readOptions(args: Arguments, target: Target): ExportOptions {
  const glibc = args.text('glibc');
  if (glibc !== undefined && target.name !== 'glibc')
    throw usage(`--glibc says nothing to ${target.name}`, 'It goes with --for glibc.');
  const format = readFormat(args, target);
  return {
    ...(glibc === undefined ? {} : { glibc }),
    ...(format === undefined ? {} : { format }),
  };
}

export const run: Run = async (args) => {
  const target = readTarget(args);
  const options = readOptions(args, target);
  const { cluster, options: made } = await readCluster(args.positionals);
  const exported = target.write(baselineOf(cluster, made), options);
  const { content, left } = placeRemarks(target, exported);
  const output = args.text('output');
  if (typeof content !== 'string' && output === undefined && outTerminal() !== undefined)
    throw usage(`what ${target.name} reads is no text`, `Name a file: -o ${target.file}.`);
  writeOutput(output, content);
  sayRemarks(left);
  return 0;
};
