/** The folder of the installed package, found from the source tree and from a bundle alike. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'cpu-profiles')) && dirname(folder) !== folder)
    folder = dirname(folder);
  return folder;
}
