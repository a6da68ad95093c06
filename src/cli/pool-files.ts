/** Baselines of pools: "cluster.json" has "cluster.pool-1.json" and so on beside it. */
import { readdirSync, realpathSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join, parse } from 'node:path';
import { baseline, readBaselineFile } from '../formats/baseline.js';
import { openInput } from '../formats/format.js';
import { InputError } from '../model/errors.js';
import { byName } from '../model/natural-order.js';
import { readFile } from './load-host.js';

export function poolPath(path: string, number: number): string {
  const { dir, name, ext } = parse(path);
  return join(dir, `${name}.pool-${number}${ext}`);
}

/** The number of a pool of this output, by the file's name. */
function poolNumber(output: string, file: string): number | undefined {
  const { name, ext } = parse(output);
  const digits = /^\.pool-([1-9]\d{0,3})$/.exec(
    file.slice(name.length, ext === '' ? undefined : -ext.length),
  )?.[1];
  const number = Number(digits);
  return digits !== undefined && basename(poolPath(output, number)) === file ? number : undefined;
}

/** Whether a file stands beside the output and is called as its pools are. */
export function isPoolOf(output: string, path: string): boolean {
  if (poolNumber(output, basename(path)) === undefined) return false;
  try {
    return realpathSync(dirname(path)) === realpathSync(dirname(output));
  } catch {
    return false;
  }
}

function isBaseline(path: string): boolean {
  try {
    const input = openInput(path, readFile(path, path));
    if (!baseline.recognise(input)) return false;
    readBaselineFile(input);
    return true;
  } catch {
    return false;
  }
}

function mayReplace(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return true;
  return stat.isFile() && baseline.recognise(openInput(path, readFile(path, path)));
}

/** Throws InputError where something else stands: nobody named the file, it may be a host's. */
export function refuseToReplace(path: string): void {
  if (mayReplace(path)) return;
  throw new InputError('would-overwrite', 'is no baseline, and --pools would overwrite it', {
    place: { file: path },
    remedy: 'Give -o another name, or move the file.',
  });
}

export interface StalePools {
  readonly removed: readonly string[];
  /** Called as such pools are, but not known to be any: not touched. */
  readonly left: readonly string[];
}

/**
 * An earlier run may have made more pools than the one that has just made `count`: its further files
 * would pass for pools of this cluster. Only whole baselines of cpugate go, and never what links lead to.
 */
export function removeStalePools(output: string, count: number): StalePools {
  const folder = dirname(output);
  const stale = readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => (poolNumber(output, name) ?? 0) > count)
    .sort((a, b) => byName(a.name, b.name));
  const [removed, left]: [string[], string[]] = [[], []];
  for (const entry of stale) {
    const path = join(folder, entry.name);
    if (!entry.isFile() || !isBaseline(path)) left.push(path);
    else {
      rmSync(path);
      removed.push(path);
    }
  }
  return { removed, left };
}
