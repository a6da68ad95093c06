import { constants, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { endAllQuestions } from '../../gather/ask-host.js';
import { gather } from '../../gather/gather.js';
import { readInventory } from '../../gather/inventory.js';
import type { Gathered } from '../../gather/record.js';
import { parseTarget, type Target, uniqueTargets } from '../../gather/targets.js';
import { InputError } from '../../model/errors.js';
import { printable } from '../../model/printable.js';
import { BUILD_NATIVES, findNative } from '../../probe/natives.js';
import type { Arguments } from '../arguments.js';
import type { Run } from '../command.js';
import { readFile, readStandardInput } from '../load-host.js';
import { writeErr, writeOut } from '../output.js';
import { Progress } from '../progress.js';
import { writeError } from '../write-error.js';
import { writeWhole } from '../write-file.js';

const SSH = 'ssh -T -o BatchMode=yes -o ConnectTimeout=10';
const EXAMPLE = 'For example: cpugate gather web-7 web-8 -o hosts/';
/** What programs end with that a signal ends. */
const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

function number(
  args: Arguments,
  option: string,
  { otherwise, most }: { otherwise: number; most: number },
) {
  const text = args.text(option);
  if (text === undefined) return otherwise;
  const value = /^[1-9]\d{0,5}$/.test(text) ? Number(text) : Number.NaN;
  if (value <= most) return value;
  throw new InputError('usage', `--${option} can't be "${text}"`, {
    remedy: `It is a number from 1 to ${most}.`,
  });
}

function targetsIn(source: string): readonly Target[] {
  if (source !== '-') return [parseTarget(source)];
  return readInventory('standard input', Buffer.from(readStandardInput()).toString('utf8'));
}

function wantedTargets(args: Arguments): readonly Target[] {
  const inventories = args.list('inventory');
  if (args.positionals.length === 0 && inventories.length === 0)
    throw new InputError('usage', 'HOST is missing', { remedy: EXAMPLE });
  return uniqueTargets([
    ...args.positionals.flatMap(targetsIn),
    ...inventories.flatMap((file) =>
      readInventory(file, Buffer.from(readFile(file, file)).toString('utf8')),
    ),
  ]);
}

function sshOf(args: Arguments): readonly string[] {
  const words = (args.text('ssh') ?? SSH).split(/\s+/).filter((word) => word !== '');
  if (words.length > 0) return words;
  throw new InputError('usage', '--ssh is empty', { remedy: `The default is --ssh "${SSH}".` });
}

function standaloneProbe(): Uint8Array {
  const found = findNative(import.meta.filename, 'cpugate-probe', constants.R_OK);
  if ('file' in found) return readFileSync(found.file);
  throw new InputError('no-probe', `the program that asks other hosts is missing: ${found.why}`, {
    remedy: BUILD_NATIVES,
  });
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true });
  } catch (error) {
    throw writeError(path, error);
  }
}

/** Nothing is left running at a host longer than it takes. */
function endWithSignals(): void {
  for (const [signal, status] of Object.entries(SIGNALS))
    process.once(signal, () => {
      endAllQuestions();
      process.exit(status);
    });
}

function tellFailed(failed: readonly { target: Target; why: string }[], count: number): void {
  for (const { target, why } of failed)
    writeErr(`cpugate: ${printable(`${target.name}: ${why}`)}\n`);
  writeErr(
    `cpugate: ${failed.length} of ${count} hosts gave no record. The same with --missing asks only ` +
      'hosts without one again.\n',
  );
}

export const run: Run = async (args) => {
  const folder = args.text('output');
  if (folder === undefined)
    throw new InputError('usage', '-o FOLDER is missing', { remedy: EXAMPLE });
  const fileOf = ({ name }: Target) => join(folder, `${name}.json`);
  const parallel = number(args, 'parallel', { otherwise: 16, most: 256 });
  const timeoutMs = number(args, 'timeout', { otherwise: 60, most: 3600 }) * 1000;
  const ssh = sshOf(args);
  const wanted = wantedTargets(args);
  const isOnlyMissing = args.flag('missing') ?? false;
  const targets = isOnlyMissing ? wanted.filter((one) => !existsSync(fileOf(one))) : wanted;
  const probe = standaloneProbe();
  makeFolder(folder);
  endWithSignals();
  const failed: Extract<Gathered, { why: string }>[] = [];
  const progress = new Progress(`of ${targets.length} hosts have answered`, { slow: true });
  let done = 0;
  const onEach = (one: Gathered) => {
    progress.tell(++done);
    if ('why' in one) failed.push(one);
    else writeWhole(fileOf(one.target), one.record);
  };
  try {
    await gather(targets, { ssh, probe, timeoutMs, parallel, onEach });
  } finally {
    progress.end();
    endAllQuestions();
  }
  if (failed.length > 0) {
    tellFailed(failed, targets.length);
    return 2;
  }
  writeOut(
    `${targets.length} ${targets.length === 1 ? 'record' : 'records'} in ${printable(folder)}\n`,
  );
  return 0;
};
