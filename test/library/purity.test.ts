/** The library as a browser has it: no Node.js, no file, no eval; and what the probe alone adds. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createContext, Script } from 'node:vm';
import { build, type Metafile } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { describeHost, readHost } from '../../src/library/index.js';
import { root } from '../cli/run.js';

async function bundle(entry: string): Promise<{ code: string; metafile: Metafile }> {
  const { outputFiles, metafile } = await build({
    entryPoints: [join(root, 'dist', 'lib', entry)],
    bundle: true,
    format: 'iife',
    globalName: 'cpugate',
    platform: 'neutral',
    external: ['node:*'],
    metafile: true,
    write: false,
    logLevel: 'silent',
  });
  return { code: outputFiles[0]?.text ?? '', metafile };
}

function externals({ inputs }: Metafile): string[] {
  return Object.values(inputs).flatMap(({ imports }) =>
    imports.filter(({ external }) => external).map(({ path }) => path),
  );
}

/** What runs in a page without Node's globals, and where text is never code. */
async function inPage(code: string, script: string, given: Record<string, unknown> = {}) {
  const page = createContext(
    { TextDecoder, TextEncoder, Uint8Array, given },
    { codeGeneration: { strings: false, wasm: false } },
  );
  new Script(code).runInContext(page);
  return JSON.parse(
    await new Script(`(async () => JSON.stringify(${script}))()`).runInContext(page),
  );
}

const library = join(root, 'dist', 'lib');

/** What an entry loads before it is asked for anything. */
function loadedAtOnce(file: string, loaded = new Set<string>()): Set<string> {
  if (loaded.has(file)) return loaded;
  loaded.add(file);
  const text = readFileSync(join(library, file), 'utf8');
  for (const [, other] of text.matchAll(/(?:\bfrom|\bimport) ?"\.\/([\w-]+\.js)"/g))
    loadedAtOnce(other as string, loaded);
  return loaded;
}

const { code, metafile } = await bundle('index.js');

describe('cpugate', () => {
  it('imports nothing, and asks for no Node.js', () => {
    expect(externals(metafile)).toEqual([]);
    expect(code).not.toMatch(/__require\(|\bprocess\.|import\.meta/);
  });

  it('loads parsers, models, matrices and pools when they are wanted', () => {
    const later = ['others', 'model-files', 'matrix-parts', 'pools'];
    const files = readdirSync(library);
    const atOnce = [...loadedAtOnce('index.js')];
    for (const name of later) {
      expect(files.filter((file) => file.startsWith(`${name}-`))).toHaveLength(1);
      expect(atOnce.filter((file) => file.startsWith(`${name}-`))).toEqual([]);
    }
    expect(atOnce.length).toBeGreaterThan(1);
  });

  it('decides in a page', async () => {
    const script = `await (async () => {
      const hosts = [await cpugate.readModel('haswell'), await cpugate.readModel('skylake-sp')];
      const baseline = cpugate.baselineOf(hosts);
      return [
        typeof process + typeof Buffer + typeof require,
        cpugate.compareHosts(...hosts).verdict,
        baseline.level,
        cpugate.compileMask(baseline).bytes.length > 0,
        typeof cpugate.exportBaseline(baseline, 'qemu').content,
        cpugate.readBaseline(cpugate.writeBaseline(baseline)).level,
      ];
    })()`;
    expect(await inPage(code, script)).toEqual([
      'undefinedundefinedundefined',
      'incompatible',
      'x86-64-v3',
      true,
      'string',
      'x86-64-v3',
    ]);
  });

  const files = [
    'profiles/skylake-server-guest.json',
    'dumps/haswell-guest-2-cpus.cpuid-r.txt',
    'dumps/epyc-milan-guest.cpuinfo.txt',
    'criu/haswell.img',
    'structured/firecracker-fingerprint.json',
    'structured/qemu-skylake-server-static.json',
    'structured/skylake-server.cpudata.xml',
    'structured/vzcpuidctl.json',
  ];
  it.each(files)('reads %s in a page as in Node.js', async (file) => {
    const bytes = readFileSync(join(root, 'test', 'fixtures', file));
    const script = `cpugate.describeHost(await cpugate.readHost(given.bytes, { name: 'it' }))`;
    expect(await inPage(code, script, { bytes: new Uint8Array(bytes) })).toEqual(
      describeHost(await readHost(bytes, { name: 'it' })),
    );
  });

  it('says in a page what is wrong', async () => {
    const script = `await cpugate.readHost('{').catch((error) => [
      error instanceof cpugate.InputError, error.code, error.message])`;
    expect(await inPage(code, script)).toEqual([
      true,
      'malformed',
      'is not valid JSON: it ends too early at line 1, column 2',
    ]);
  });
});

describe('cpugate/probe', () => {
  it('is what needs Node.js', async () => {
    const { metafile: ofProbe } = await bundle('probe.js');
    expect(new Set(externals(ofProbe))).toContain('node:fs');
  });
});
