/** The supervisor as built, and commands under it. */
import { copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../lab.js';

const NAME = 'cpugate-supervisor';
const built = join(projectRoot, 'native', 'build', 'Release', NAME);

/** For `skipIf(!supervisorIsHere)`. */
export const supervisorIsHere: boolean = existsSync(built);

/** Beside the suite's programs, where users without privileges get at it too. */
export function copySupervisor(folder: string): void {
  copyFileSync(built, join(folder, NAME));
}

export function supervisorFile(folder: string): string {
  return join(folder, NAME);
}

export function underMask(
  folder: string,
  mask: string,
  command: readonly string[],
  options: readonly string[] = [],
): string[] {
  return [supervisorFile(folder), 'run', '--mask', mask, ...options, '--', ...command];
}
