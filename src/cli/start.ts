/** Before everything else: what is loaded from here on can come from the cache. */
import { isAbsolute } from 'node:path';
import { cacheFolder } from './compile-cache.js';
import { keptModules } from './kept-modules.js';

function folderForCode(): string | undefined {
  const { env } = process;
  // Without /proc Node doesn't know its own executable, by which the code is told apart.
  if (!isAbsolute(process.execPath)) return undefined;
  // Coverage, which is Node's own, sees only what is compiled under its eyes.
  const { NODE_V8_COVERAGE: coverage } = env;
  if (env.NODE_DISABLE_COMPILE_CACHE || coverage) return undefined;
  const user = process.geteuid?.();
  return user === undefined ? undefined : cacheFolder(env, user);
}

// This is bundled as CommonJS, whose own names these are.
const folder = folderForCode();
const load = folder === undefined ? require : keptModules(require, __dirname, folder);
load('./main.cjs');
