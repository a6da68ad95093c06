/** Binaries of Node that tests can run the program with. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './run.js';

const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** The oldest that is supported, major and minor. */
export const OLDEST: readonly number[] =
  /^>=(\d+)\.(\d+)$/.exec(engines.node)?.slice(1).map(Number) ?? [];

/** Where `npm run test:nodes` leaves them, and where the user says that some are. */
const FOLDERS = [process.env.CPUGATE_NODES, join(root, 'node_modules', '.cache', 'cpugate-nodes')];

export function isAtLeast(version: string, [major = 0, minor = 0]: readonly number[]): boolean {
  const [ofMajor = 0, ofMinor = 0] = version.split('.').map(Number);
  return ofMajor > major || (ofMajor === major && ofMinor >= minor);
}

/** Supported versions that are at hand. */
export function findNodes(): [version: string, node: string][] {
  const found = FOLDERS.flatMap((folder) =>
    folder === undefined || !existsSync(folder)
      ? []
      : readdirSync(folder).map((version): [string, string] => [
          version,
          join(folder, version, 'bin', 'node'),
        ]),
  );
  return [...new Map(found)].filter(
    ([version, node]) => existsSync(node) && isAtLeast(version, OLDEST),
  );
}
