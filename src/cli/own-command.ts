/** How this program is started once more. */
import { realpathSync } from 'node:fs';

export function ownCommand(...args: readonly string[]): string[] {
  const [, program = ''] = process.argv;
  return [process.execPath, realpathSync(program), ...args];
}
