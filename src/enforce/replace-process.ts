/**
 * The supervisor in Node's place: no JavaScript runs beside tasks. process.execve of newer Node
 * versions doesn't put back what Node changed for itself; native/enforce/replace.cc does.
 */
import { getSystemErrorName } from 'node:util';
import { InputError } from '../model/errors.js';
import { loadAddon } from '../probe/addon.js';
import { LEAVING } from './leaving.js';

/**
 * Doesn't return. `kept`: how many arguments at the end of this command line follow `args`, untouched.
 */
export function replaceProcess(file: string, args: readonly string[], kept = 0): never {
  (process as NodeJS.EventEmitter).emit(LEAVING);
  const error = loadAddon().replaceProcess(file, ['cpugate-supervisor', ...args], kept);
  throw new InputError('no-supervisor', `can't be executed (${getSystemErrorName(-error)})`, {
    place: { file },
    remedy: 'Build it with "npm rebuild cpugate" ("npm run build" among the sources).',
  });
}
