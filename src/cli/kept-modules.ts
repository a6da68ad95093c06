/**
 * The files of dist/ with their compiled code, kept from one start to the next. Node's own cache
 * (module.enableCompileCache, from 22.1 on) holds a file as it was before it ran: of a function that
 * runs, nothing. Here it is kept after a command has run, with all that it took.
 *
 * V8 tells by itself what other flags or another version of V8 compiled, but neither another build of
 * the same version nor damage, and crashes of both: so nothing reaches it before the file's head, which
 * names the very Node (its executable, and the versions of all that it is made of) and the source, has
 * been compared; and the code stands there twice. Comparing is native; the checksums of node:zlib take
 * 3 ms to load.
 */
import { mkdirSync, readFileSync, renameSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Script } from 'node:vm';
import { LEAVING } from '../enforce/leaving.js';

const USAGE = 2;
const OF_THIS_FOLDER = /^\.\/([\w-]+\.cjs)$/;

/** Around a file, in one line with it, so that lines keep their numbers; as Node does it. */
const BEGIN = Buffer.from('(function (exports, require, module, __filename, __dirname) {');
const END = Buffer.from('\n})');

type Module = { exports: unknown };
type Wrapper = (...args: unknown[]) => void;

interface Compiled {
  readonly script: Script;
  readonly file: string;
  readonly head: Buffer;
}

function stamp(path: string): string {
  const { dev, ino, size, mtimeMs } = statSync(path);
  return [path, dev, ino, size, mtimeMs].join(' ');
}

/** The code under this head; undefined: there is none, or not whole. */
export function readCode(file: string, head: Buffer): Buffer | undefined {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch {
    return undefined;
  }
  const middle = head.length + (bytes.length - head.length) / 2;
  if (middle <= head.length || !bytes.subarray(0, head.length).equals(head)) return undefined;
  const code = bytes.subarray(head.length, middle);
  return code.equals(bytes.subarray(middle)) ? code : undefined;
}

/** Whole or not at all; where it can't be written the next start compiles again. */
export function writeCode(file: string, head: Buffer, code: Buffer): void {
  const draft = `${file}.${process.pid}`;
  try {
    writeFileSync(draft, Buffer.concat([head, code, code]), { mode: 0o600 });
    renameSync(draft, file);
  } catch {
    try {
      unlinkSync(draft);
    } catch {}
  }
}

/** `require` for the files of a folder, with their code in another. */
export function keptModules(
  plain: NodeJS.Require,
  folder: string,
  caches: string,
): (name: string) => unknown {
  const loaded = new Map<string, Module>();
  const fresh: Compiled[] = [];
  const node = `${stamp(process.execPath)} ${process.arch} ${Object.values(process.versions).join(' ')}`;
  const cache = join(caches, `${process.version}-${process.arch}`);

  function compile(name: string, path: string): Wrapper {
    const head = Buffer.from(`${node}\n${stamp(path)}\n`);
    const file = join(cache, `${name}.code`);
    const cachedData = readCode(file, head);
    // One string of it, not three: V8 would collect garbage for them. The build writes ASCII only.
    const source = Buffer.concat([BEGIN, readFileSync(path), END]).toString('latin1');
    const script = new Script(source, {
      filename: path,
      ...(cachedData === undefined ? {} : { cachedData }),
    });
    if (script.cachedDataRejected !== false) fresh.push({ script, file, head });
    return script.runInThisContext() as Wrapper;
  }

  function load(wanted: string): unknown {
    const name = OF_THIS_FOLDER.exec(wanted)?.[1];
    if (name === undefined) return plain(wanted);
    const known = loaded.get(name);
    if (known !== undefined) return known.exports;
    const module: Module = { exports: {} };
    loaded.set(name, module);
    const path = join(folder, name);
    compile(name, path)(module.exports, load, module, path, folder);
    return module.exports;
  }

  function keep(): void {
    // Without a command, or with bad arguments, hardly anything has run that others need.
    if (fresh.length === 0 || loaded.size < 2 || process.exitCode === USAGE) return;
    try {
      mkdirSync(cache, { mode: 0o700, recursive: true });
    } catch {
      return;
    }
    for (const { script, file, head } of fresh.splice(0))
      writeCode(file, head, script.createCachedData());
  }
  process.on('exit', keep);
  (process as NodeJS.EventEmitter).on(LEAVING, keep);
  return load;
}
