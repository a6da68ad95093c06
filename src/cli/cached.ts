/**
 * Loads a bundle with V8's cache of its compiled code, made at build time: compiling takes most of a
 * check's time otherwise. V8 refuses a cache of another version or other code by itself; then the
 * bundle is compiled as usual.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { Script } from 'node:vm';
import { parseArguments } from './arguments.js';
import { findCommand } from './specs/index.js';

type Require = ReturnType<typeof createRequire>;
type Wrapped = (
  module: { exports: object },
  exports: object,
  require: Require,
  file: string,
  folder: string,
) => void;

const cacheOf = (file: string) => `${file}.cache`;

function readCache(file: string): Buffer | undefined {
  try {
    return readFileSync(cacheOf(file));
  } catch {
    return undefined;
  }
}

function compile(file: string, cachedData: Buffer | undefined): Script {
  const code = readFileSync(file, 'utf8');
  return new Script(`(function(module,exports,require,__filename,__dirname){${code}\n})`, {
    filename: file,
    ...(cachedData === undefined ? {} : { cachedData }),
  });
}

function run(script: Script, file: string, require: Require): object {
  const module = { exports: {} };
  (script.runInThisContext() as Wrapped)(module, module.exports, require, file, dirname(file));
  return module.exports;
}

/** What the bundle exports. */
export function loadCached(file: string, require: Require): object {
  return run(compile(file, readCache(file)), file, require);
}

/** For the build: loads the bundle, runs its command with these arguments, and keeps what was compiled. */
export async function makeCache(file: string, argv: readonly string[] | null): Promise<void> {
  const script = compile(file, undefined);
  const exports = run(script, file, createRequire(file)) as {
    run?: (args: ReturnType<typeof parseArguments>) => Promise<number>;
  };
  const name = /([a-z-]+)\.code\.cjs$/.exec(file)?.[1];
  const command = findCommand(name);
  if (argv !== null && command !== undefined && exports.run !== undefined)
    await exports.run(parseArguments(command, argv));
  writeFileSync(cacheOf(file), script.createCachedData());
}
