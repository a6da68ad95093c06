/** Help that the build has made: starting yargs for it takes longer than Node itself. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The help of everything, beside those that are named after commands. */
export const HELP_OF_ALL = 'cpugate';

/** Undefined: none was kept, so it has to be made. */
export function keptHelp(name: string, width: number): string | undefined {
  const folder = dirname(import.meta.filename);
  try {
    return readFileSync(join(folder, 'help', String(width), `${name}.txt`), 'utf8');
  } catch {
    return undefined;
  }
}
