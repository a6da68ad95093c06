/** From what the user wrote to a baseline, or to a mask's. */
import { basename } from 'node:path';
import { type Baseline, baselineOf } from '../baseline/baseline.js';
import { clusterOf } from '../baseline/cluster.js';
import { sizelessGroups, sizeRemedy } from '../baseline/limits.js';
import type { NamedBaseline } from '../enforce/recorded-mask.js';
import { type BaselineFile, baseline, readBaselineFile } from '../formats/baseline.js';
import { type Input, openInput } from '../formats/format.js';
import { readHost } from '../formats/index.js';
import { describeHost } from '../model/capabilities.js';
import { InputError } from '../model/errors.js';
import { baselineJson } from '../report/baseline-json.js';
import { isFolder, isNamedHost, readFile, readStandardInput } from './load-host.js';
import { VERSION } from './version.js';

function openNamed(path: string): Input {
  return path === '-'
    ? openInput('standard input', readStandardInput())
    : openInput(path, readFile(path, path));
}

/** A file that `cpugate baseline` wrote, or "-". Throws InputError for anything else. */
export function loadBaseline(path: string): BaselineFile {
  if (isNamedHost(path)) throw notABaseline(path);
  return readInput(openNamed(path));
}

/** The same from text, such as a part of another file; `name` is for messages. */
export function parseBaseline(name: string, text: string): BaselineFile {
  return readInput(openInput(name, Buffer.from(text)));
}

function notABaseline(name: string): InputError {
  return new InputError('not-a-baseline', 'is not a baseline', {
    place: { file: name },
    remedy: 'Make one of any hosts: cpugate baseline HOST... -o FILE.',
  });
}

function readInput(input: Input): BaselineFile {
  if (!baseline.recognise(input)) throw notABaseline(input.name);
  return readBaselineFile(input);
}

function named(name: string, made: Baseline): NamedBaseline {
  return { name, baseline: made, json: baselineJson(made, { cpugate: VERSION }) };
}

/** Hosts that the user names: a model, a level, this host, or those in a folder. */
async function maskOfHosts(wanted: string): Promise<NamedBaseline> {
  const { readCluster } = await import('./read-cluster.js');
  const { cluster, options } = await readCluster([wanted]);
  return named(basename(wanted), baselineOf(cluster, options));
}

/**
 * What --mask names: a baseline, or hosts, whose baseline it is then. Throws InputError. Its sizes may
 * be unknown (x86-64-v4 alone has none): enough to compare, not to enforce.
 */
export async function loadMask(wanted: string): Promise<NamedBaseline> {
  if (isNamedHost(wanted) || isFolder(wanted)) return maskOfHosts(wanted);
  const input = openNamed(wanted);
  const name = wanted === '-' ? input.name : basename(wanted);
  if (baseline.recognise(input)) {
    const file = readBaselineFile(input);
    return { name, baseline: file.baseline, json: input.json() as object };
  }
  const host = await readHost(input.name, input.bytes);
  return named(name, baselineOf(clusterOf([describeHost(host)])));
}

const NAMES_SHOWN = 3;

/** What tasks are put under: they size their buffers by what it shows. Throws InputError. */
export async function loadEnforcedMask(wanted: string): Promise<NamedBaseline> {
  const mask = await loadMask(wanted);
  const { xcr0, areaBytes } = mask.baseline;
  if (xcr0 === 0n || areaBytes !== undefined) return mask;
  const { cluster } = mask.baseline;
  const names = sizelessGroups(cluster).flatMap((group) => group.names);
  throw new InputError(
    'size-unknown',
    `can't be enforced: the XSAVE area of ${names.slice(0, NAMES_SHOWN).join(', ')} isn't known, so no size ` +
      'that the mask could show is known to be safe',
    {
      place: { file: mask.name },
      remedy: sizeRemedy(cluster),
    },
  );
}
