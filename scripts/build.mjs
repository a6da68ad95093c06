/**
 * Builds what isn't in the repository: validators from schemas/, the index of cpu-profiles/, and
 * the bundles in dist/, one a command, so that a command loads nothing that it doesn't use.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Ajv from 'ajv/dist/2020.js';
import standaloneCode from 'ajv/dist/standalone/index.js';
import { build } from 'esbuild';

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

/** Commands are bundles of their own, loaded when they are called. */
const commandsStayOutside = {
  name: 'commands-stay-outside',
  setup(building) {
    building.onResolve({ filter: /^\.\/commands\/.*\.js$/ }, ({ path }) => ({
      path: path.replace(/\.js$/, '.cjs'),
      external: true,
    }));
  },
};

async function buildBundles() {
  const commands = join(root, 'src', 'cli', 'commands');
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
  };
  const names = readdirSync(commands).filter((name) => name.endsWith('.ts'));
  await build({
    ...shared,
    entryPoints: names.map((name) => join(commands, name)),
    outdir: join(root, 'dist', 'commands'),
    outExtension: { '.js': '.cjs' },
  });
  await build({
    ...shared,
    banner: { js: `#!/usr/bin/env node\n${shared.banner.js}` },
    entryPoints: [join(root, 'src', 'cli', 'cpugate.ts')],
    outfile: join(root, 'dist', 'cpugate.cjs'),
    plugins: [commandsStayOutside],
  });
}

mkdirSync(generated, { recursive: true });
await buildValidators();
buildProfileIndex();
if (!process.argv.includes('--generated-only')) {
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  await buildBundles();
}
