/** Finds the supervisor. Its sources are native/supervisor. */
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../model/errors.js';
import { refuseOtherMachines } from '../probe/addon.js';
import { BUILD_NATIVES, nativeFolders, thisPlatform } from '../probe/natives.js';
import { packageRoot } from '../probe/package-root.js';

function refuse(why: string): never {
  throw new InputError('no-supervisor', `the supervisor can't be used: ${why}`, {
    remedy: BUILD_NATIVES,
  });
}

/** `from`: a file of the package. */
export function findSupervisor(from: string = import.meta.filename): string {
  refuseOtherMachines(process.platform, process.arch);
  const root = packageRoot(from);
  if (root === undefined)
    return refuse(`${from} is not below a folder with cpugate's package.json`);
  const tried: string[] = [];
  for (const folder of nativeFolders(root)) {
    const file = join(folder, 'cpugate-supervisor');
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch (error) {
      tried.push(`${file} can't be executed (${(error as NodeJS.ErrnoException).code})`);
    }
  }
  return refuse(`${tried.join('; ')}; ${thisPlatform()}`);
}

/** Its words, for a message of ours: what it prints itself begins with the program's name. */
export function saidBySupervisor(stderr: string): string {
  return stderr.trim().replace(/^cpugate: /gm, '');
}
