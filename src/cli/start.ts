/** Before everything else: what is loaded from here on can come from the cache. */
import { cacheFolder } from './compile-cache.js';
import { keptModules } from './kept-modules.js';

function folderForCode(): string | undefined {
  const { env } = process;
  // Coverage sees only what is compiled under its eyes.
  if (env.NODE_DISABLE_COMPILE_CACHE || env.NODE_V8_COVERAGE) return undefined;
  const user = process.geteuid?.();
  return user === undefined ? undefined : cacheFolder(env, user);
}

// This is bundled as CommonJS, whose own names these are.
const folder = folderForCode();
const load = folder === undefined ? require : keptModules(require, __dirname, folder);
load('./main.cjs');
