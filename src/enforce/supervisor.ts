/** Finds the supervisor. Its sources are native/supervisor. */
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { InputError } from '../model/errors.js';
import { refuseOtherMachines } from '../probe/addon.js';
import { packageRoot } from '../probe/package-root.js';

const BUILD = 'Build it with "npm rebuild cpugate" ("npm run build" among the sources).';

function refuse(why: string): never {
  throw new InputError('no-supervisor', `the supervisor can't be used: ${why}`, { remedy: BUILD });
}

/** `from`: a file of the package. */
export function findSupervisor(from: string = fileURLToPath(import.meta.url)): string {
  refuseOtherMachines(process.platform, process.arch);
  const root = packageRoot(from);
  if (root === undefined)
    return refuse(`${from} is not below a folder with cpugate's package.json`);
  const file = join(root, 'native', 'build', 'Release', 'cpugate-supervisor');
  try {
    accessSync(file, constants.X_OK);
  } catch (error) {
    refuse(`${file} can't be executed (${(error as NodeJS.ErrnoException).code})`);
  }
  return file;
}

/** Its words, for a message of ours: what it prints itself begins with the program's name. */
export function saidBySupervisor(stderr: string): string {
  return stderr.trim().replace(/^cpugate: /gm, '');
}
