/** Which files in a folder are hosts: one place for all commands that take a folder. */
import { type Dirent, fstatSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { join, sep } from 'node:path';
import { byName } from '../model/natural-order.js';
import { readError } from './load-host.js';

/**
 * Names that people don't mean when they name a folder: hidden files (an output that isn't finished is
 * one), what editors keep beside a file ("web-7.json~", "#web-7.json#"), pictures that "cpugate matrix"
 * drew, pages of "cpugate report", and what early versions left when they were killed ("cluster.json.4711.tmp").
 */
const NO_HOST = [/^\./, /~$/, /^#.*#$/, /\.svg$/i, /\.html$/i, /\.\d+\.tmp$/];

/** "cpugate baseline hosts/ --json > hosts/cluster.json": the shell has emptied it already. */
function isStandardOutput(path: string): boolean {
  try {
    const [output, file] = [fstatSync(1), statSync(path)];
    return output.isFile() && output.ino === file.ino && output.dev === file.dev;
  } catch {
    return false;
  }
}

function isFileWithin(folder: string, root: string, entry: Dirent): boolean {
  if (!entry.isSymbolicLink()) return entry.isFile();
  try {
    const target = realpathSync(join(folder, entry.name));
    return target.startsWith(root) && statSync(target).isFile();
  } catch {
    return false;
  }
}

/**
 * Paths of all regular files in it whose names can be a host's, in natural order, but for the one that
 * standard output goes to; links count where they don't lead out of the folder. Folders within it
 * aren't looked into. Throws InputError where the folder can't be read.
 */
export function hostFilesIn(folder: string): readonly string[] {
  try {
    const root = join(realpathSync(folder), sep);
    return readdirSync(folder, { withFileTypes: true })
      .filter(({ name }) => !NO_HOST.some((pattern) => pattern.test(name)))
      .filter((entry) => isFileWithin(folder, root, entry))
      .map(({ name }) => name)
      .sort(byName)
      .map((name) => join(folder, name))
      .filter((path) => !isStandardOutput(path));
  } catch (error) {
    throw readError(folder, error);
  }
}
