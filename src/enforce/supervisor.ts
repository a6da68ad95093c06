/** Finds the supervisor. Its sources are native/supervisor. */
import { constants } from 'node:fs';
import { InputError } from '../model/errors.js';
import { refuseOtherMachines } from '../probe/addon.js';
import { BUILD_NATIVES, findNative, thisPlatform } from '../probe/natives.js';

/** `from`: a file of the package. */
export function findSupervisor(from: string = import.meta.filename): string {
  refuseOtherMachines(process.platform, process.arch);
  const found = findNative(from, 'cpugate-supervisor', constants.X_OK);
  if ('file' in found) return found.file;
  throw new InputError(
    'no-supervisor',
    `the supervisor can't be used: ${found.why}; ${thisPlatform()}`,
    { remedy: BUILD_NATIVES },
  );
}

/** Its words, for a message of ours: what it prints itself begins with the program's name. */
export function saidBySupervisor(stderr: string): string {
  return stderr.trim().replace(/^cpugate: /gm, '');
}
