/**
 * The supervisor in Node's place: no JavaScript runs beside tasks. process.execve of newer Node
 * versions doesn't put back what Node changed for itself; native/enforce/replace.cc does.
 */
import { getSystemErrorName } from 'node:util';
import { InputError } from '../model/errors.js';
import { loadAddon } from '../probe/addon.js';

/**
 * Doesn't return. `kept`: how many arguments at the end of this command line follow `args`, untouched.
 */
export function replaceProcess(file: string, args: readonly string[], kept = 0): never {
  // Node keeps what it has compiled at its end, which doesn't come (Node 22.10 and later).
  (
    process.getBuiltinModule('node:module') as { flushCompileCache?: () => void }
  ).flushCompileCache?.();
  const error = loadAddon().replaceProcess(file, ['cpugate-supervisor', ...args], kept);
  throw new InputError('no-supervisor', `can't be executed (${getSystemErrorName(-error)})`, {
    place: { file },
    remedy: 'Build it with "npm rebuild cpugate" ("npm run build" among the sources).',
  });
}
