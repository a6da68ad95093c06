/** Where the package is installed. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The folder of cpugate's package.json at or above a file: sources and bundles lie at other depths. */
export function packageRoot(file: string): string | undefined {
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    if (isOurPackage(join(folder, 'package.json'))) return folder;
    if (folder === dirname(folder)) return undefined;
  }
}

function isOurPackage(file: string): boolean {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).name === 'cpugate';
  } catch {
    return false;
  }
}
