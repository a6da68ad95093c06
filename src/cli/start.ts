/** Before everything else: what is loaded from here on can come from the cache. */
import { cacheFolder } from './compile-cache.js';
import { keptModules } from './kept-modules.js';

function folderForCode(): string | undefined {
  const { env } = process;
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
