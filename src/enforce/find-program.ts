/** The file that a command's name means, as execvp(3) finds it. */
import { accessSync, constants, statSync } from 'node:fs';
import { join } from 'node:path';

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/** Undefined: there is none; the supervisor says so in the shell's words and status. */
export function findProgram(name: string, path: string | undefined): string | undefined {
  if (name.includes('/')) return isProgram(name) ? name : undefined;
  for (const folder of (path ?? '/bin:/usr/bin').split(':')) {
    const file = join(folder === '' ? '.' : folder, name);
    if (isProgram(file)) return file;
  }
  return undefined;
}
