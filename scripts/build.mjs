/**
 * Builds what isn't in the repository: validators from schemas/, the index of cpu-profiles/, and
 * the bundles in dist/, one a command, so that a command loads nothing that it doesn't use.
 */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Ajv from 'ajv/dist/2020.js';
import standaloneCode from 'ajv/dist/standalone/index.js';
import { build } from 'esbuild';
import { noteForLicences, writeLicences } from './licences.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const generated = join(root, 'src', 'generated');
const NOTE = '// Made by scripts/build.mjs; changes are lost.\n';

/** "host-profile.schema.json" becomes generated/host-profile.js with its types. */
async function buildValidators() {
  const folder = join(root, 'schemas');
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.schema.json'))) {
    const name = basename(file, '.schema.json');
    const schema = JSON.parse(readFileSync(join(folder, file), 'utf8'));
    const ajv = new Ajv({ code: { source: true, esm: true }, strict: true, allowUnionTypes: true });
    const code = standaloneCode(ajv, ajv.compile(schema));
    // ajv's ESM code still calls require for its run-time helpers: bundling brings them in.
    const result = await build({
      stdin: { contents: code, resolveDir: root, loader: 'js' },
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      write: false,
      logLevel: 'warning',
      plugins: [noteForLicences],
    });
    writeFileSync(join(generated, `${name}.js`), NOTE + result.outputFiles[0].text);
    writeFileSync(
      join(generated, `${name}.d.ts`),
      `${NOTE}export interface ValidationError { readonly instancePath: string; readonly message?: string; readonly keyword: string; readonly params: Record<string, unknown>; }
declare const validate: ((data: unknown) => boolean) & { errors?: readonly ValidationError[] | null };
export default validate;
`,
    );
  }
}

/** Names and aliases of the named profiles, so that finding one reads no folder. */
function buildProfileIndex() {
  const folder = join(root, 'cpu-profiles');
  const index = {};
  for (const file of readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort()) {
    const profile = JSON.parse(readFileSync(join(folder, file), 'utf8'));
    const name = basename(file, '.json');
    if (profile.name !== name) throw new Error(`cpu-profiles/${file}: its name is ${profile.name}`);
    index[name] = { title: profile.title, aliases: profile.aliases ?? [] };
  }
  writeFileSync(
    join(generated, 'profile-index.js'),
    `${NOTE}export const PROFILE_INDEX = ${JSON.stringify(index, null, 1)};\n`,
  );
  writeFileSync(
    join(generated, 'profile-index.d.ts'),
    `${NOTE}export declare const PROFILE_INDEX: Readonly<Record<string, { readonly title: string; readonly aliases: readonly string[] }>>;\n`,
  );
}

/** Modules that stay files of their own, loaded when they are wanted: where from, and as what. */
const CHUNKS = [
  [/^\.\/commands\/(.*)\.js$/, './commands/$1.cjs'],
  [/^\.\/others\.js$/, './other-formats.cjs'],
  [/^\.\.\/load-baseline\.js$/, './load-baseline.cjs'],
  [/^\.{1,2}\/load-images\.js$/, './load-images.cjs'],
];

const chunksStayOutside = {
  name: 'chunks-stay-outside',
  setup(building) {
    for (const [from, to] of CHUNKS)
      building.onResolve({ filter: from }, ({ path }) => ({
        path: path.replace(from, to),
        external: true,
      }));
  },
};

/**
 * What one finds under a chunk's name: it loads the code beside it by way of its cache. The chunk's
 * own "require" and __filename are those of this file's folder.
 */
function wrapChunks(folder, chunks) {
  for (const name of chunks) {
    renameSync(join(folder, `${name}.cjs`), join(folder, `${name}.code.cjs`));
    writeFileSync(
      join(folder, `${name}.cjs`),
      `module.exports=require('../cached.cjs').loadCached(__dirname+'/${name}.code.cjs',require);\n`,
    );
  }
}

/** Runs a chunk as users do, so that its cache holds the functions that a run needs. */
const WARM_UP = {
  check: ['haswell', 'skylake-sp'],
  show: ['haswell'],
  explain: ['avx2'],
};

function makeCaches(folder, chunks) {
  for (const name of chunks) {
    const script = `
      const { makeCache } = require(${JSON.stringify(join(root, 'dist', 'cached.cjs'))});
      makeCache(${JSON.stringify(join(folder, `${name}.code.cjs`))}, ${JSON.stringify(WARM_UP[name] ?? null)});`;
    execFileSync(process.execPath, ['-e', script], {
      cwd: root,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  }
}

async function buildBundles() {
  const dist = join(root, 'dist');
  const folder = join(dist, 'commands');
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const shared = {
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    // Loading CommonJS by require is faster than starting the ESM loader for it.
    supported: { 'dynamic-import': false },
    logLevel: 'warning',
    define: { CPUGATE_VERSION: JSON.stringify(version), 'import.meta.url': '__cpugateUrl' },
    banner: { js: 'const __cpugateUrl = require("node:url").pathToFileURL(__filename).href;' },
    plugins: [chunksStayOutside, noteForLicences],
  };
  const commands = join(root, 'src', 'cli', 'commands');
  const entryPoints = {
    'other-formats': join(root, 'src', 'formats', 'others.ts'),
    'load-baseline': join(root, 'src', 'cli', 'load-baseline.ts'),
    'load-images': join(root, 'src', 'cli', 'load-images.ts'),
    ...Object.fromEntries(
      readdirSync(commands).map((file) => [basename(file, '.ts'), join(commands, file)]),
    ),
  };
  await build({ ...shared, entryPoints, outdir: folder, outExtension: { '.js': '.cjs' } });
  await build({
    ...shared,
    entryPoints: [join(root, 'src', 'cli', 'cached.ts')],
    outfile: join(dist, 'cached.cjs'),
  });
  await build({
    ...shared,
    banner: { js: `#!/usr/bin/env node\n${shared.banner.js}` },
    entryPoints: [join(root, 'src', 'cli', 'cpugate.ts')],
    outfile: join(dist, 'cpugate.cjs'),
  });
  chmodSync(join(dist, 'cpugate.cjs'), 0o755);
  wrapChunks(folder, Object.keys(entryPoints));
  makeCaches(folder, Object.keys(entryPoints));
}

mkdirSync(generated, { recursive: true });
await buildValidators();
buildProfileIndex();
if (!process.argv.includes('--generated-only')) {
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  await buildBundles();
  writeLicences(root, join(root, 'dist', 'THIRD-PARTY-LICENSES.txt'));
}
