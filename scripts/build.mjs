/**
 * Builds what isn't in the repository: validators from schemas/, the index of cpu-profiles/, and
 * the bundles in dist/, one a command, so that a command loads nothing that it doesn't use.
 */
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Ajv from 'ajv/dist/2020.js';
import standaloneCode from 'ajv/dist/standalone/index.js';
import { build } from 'esbuild';
import { minVersion } from 'semver';
import { buildLibrary, buildModelFiles } from './build-library.mjs';
import { noteForLicences, writeLicences } from './licences.mjs';
import { writeManPage } from './man-page.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const generated = join(root, 'src', 'generated');
const NOTE = '// Made by scripts/build.mjs; changes are lost.\n';

/** Titles and descriptions are for readers of the schema; a validator would carry them along. */
function withoutRemarks(schema, isNamed = false) {
  if (typeof schema !== 'object' || schema === null) return schema;
  if (Array.isArray(schema)) return schema.map((part) => withoutRemarks(part));
  return Object.fromEntries(
    Object.entries(schema)
      .filter(([key]) => isNamed || (key !== 'title' && key !== 'description'))
      .map(([key, part]) => [
        key,
        withoutRemarks(
          part,
          !isNamed && ['properties', 'patternProperties', '$defs'].includes(key),
        ),
      ]),
  );
}

/** "host-profile.schema.json" becomes generated/host-profile.js with its types. */
async function buildValidators() {
  const folder = join(root, 'schemas');
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.schema.json'))) {
    const name = basename(file, '.schema.json');
    const schema = withoutRemarks(JSON.parse(readFileSync(join(folder, file), 'utf8')));
    const ajv = new Ajv({
      code: { source: true, esm: true, optimize: 2 },
      strict: true,
      allowUnionTypes: true,
      // A definition becomes one function instead of a copy at each place that names it.
      inlineRefs: false,
      // Lengths are bounds here: UTF-16 units do, and counting characters is half of reading a profile.
      unicode: false,
      // It calls this option deprecated; what is wrong with a schema it throws.
      logger: false,
    });
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
async function buildProfileIndex() {
  const { plainModel } = await importSources("export * from './src/formats/plain-model.ts';");
  const folder = join(root, 'cpu-profiles');
  const index = {};
  const byPlain = {};
  for (const file of readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort()) {
    const profile = JSON.parse(readFileSync(join(folder, file), 'utf8'));
    const name = basename(file, '.json');
    if (profile.name !== name) throw new Error(`cpu-profiles/${file}: its name is ${profile.name}`);
    index[name] = { title: profile.title, aliases: profile.aliases ?? [] };
    for (const spelling of [name, ...index[name].aliases]) byPlain[plainModel(spelling)] = name;
  }
  writeFileSync(
    join(generated, 'profile-index.js'),
    `${NOTE}export const PROFILE_INDEX = ${JSON.stringify(index, null, 1)};
export const PROFILE_BY_PLAIN = ${JSON.stringify(byPlain, null, 1)};\n`,
  );
  writeFileSync(
    join(generated, 'profile-index.d.ts'),
    `${NOTE}export declare const PROFILE_INDEX: Readonly<Record<string, { readonly title: string; readonly aliases: readonly string[] }>>;
/** By plainModel of names and aliases. */
export declare const PROFILE_BY_PLAIN: Readonly<Record<string, string>>;\n`,
  );
}

/** Prerequisites of features and their order, derived from the catalogue. */
async function buildPrerequisites() {
  const { ROWS, featureIndex, deriveClosureOrder, derivePrerequisites } = await importSources(
    "export * from './src/model/derive-prerequisites.ts';",
  );
  const tables = {
    CLOSURE: deriveClosureOrder().map(featureIndex),
    EDGES: ROWS.map((row) => derivePrerequisites(row.name).map(featureIndex)),
  };
  const lines = Object.entries(tables).map(
    ([name, table]) => `export const ${name} = JSON.parse('${JSON.stringify(table)}');\n`,
  );
  writeFileSync(join(generated, 'prerequisites.js'), NOTE + lines.join(''));
  writeFileSync(
    join(generated, 'prerequisites.d.ts'),
    `${NOTE}export declare const CLOSURE: readonly number[];\nexport declare const EDGES: readonly (readonly number[])[];\n`,
  );
}

/** What tasks can count on under each named model, as places in the catalogue. */
async function buildModelFeatures() {
  const { readHost, describeHost, featureIndex, visibleFeatures } = await importSources(`
    export { readHost } from './src/formats/index.ts';
    export { describeHost } from './src/model/capabilities.ts';
    export { featureIndex } from './src/catalogue/index.ts';
    export { visibleFeatures } from './src/baseline/host-kind.ts';`);
  const folder = join(root, 'cpu-profiles');
  const models = {};
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.json'))) {
    const host = await readHost(file, readFileSync(join(folder, file)));
    models[basename(file, '.json')] = visibleFeatures(describeHost(host)).map(featureIndex);
  }
  writeFileSync(
    join(generated, 'model-features.js'),
    `${NOTE}export const MODEL_FEATURES = JSON.parse('${JSON.stringify(models)}');\n`,
  );
  writeFileSync(
    join(generated, 'model-features.d.ts'),
    `${NOTE}export declare const MODEL_FEATURES: Readonly<Record<string, readonly number[]>>;\n`,
  );
}

/**
 * Modules that stay files of their own, loaded when they are wanted: which, asked for by which
 * (undefined: by any), and as what. All else is bundled into each command that may need it.
 */
const CHUNKS = [
  [/^\.\/commands\/(.*)\.js$/, undefined, './$1.cjs'],
  [/^\.\/cpugate\.js$/, undefined, './main.cjs'],
  [/^\.\/others\.js$/, undefined, './other-formats.cjs'],
  [/^\.{1,2}\/load-images\.js$/, undefined, './load-images.cjs'],
  // With the decoder, which few commands need.
  [/^\.\.\/audit\/index\.js$/, undefined, './code-audit.cjs'],
  // Few checks have a mask. Commands that always read a baseline have the reader with them.
  [/^\.\.\/load-baseline\.js$/, /\/commands\/check\.ts$/, './load-baseline.cjs'],
  // Most masks are baselines already.
  [/^\.\/read-cluster\.js$/, /\/load-baseline\.ts$/, './read-cluster.cjs'],
];

const chunksStayOutside = {
  name: 'chunks-stay-outside',
  setup(building) {
    for (const [from, by, to] of CHUNKS)
      building.onResolve({ filter: from }, ({ path, importer }) =>
        by === undefined || by.test(importer)
          ? { path: path.replace(from, to), external: true }
          : undefined,
      );
  },
};

/** Columns of the catalogue that only explanations and exports read. */
const TEXTS = ['title', 'reason', 'fault', 'names', 'since', 'needs'];

/** What these exports of our own sources are. */
async function importSources(contents) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: root },
    bundle: true,
    define: { 'import.meta.url': JSON.stringify(import.meta.url) },
    logLevel: 'warning',
    platform: 'node',
    format: 'esm',
    write: false,
  });
  const code = Buffer.from(outputFiles[0].contents).toString('base64');
  return import(`data:text/javascript;base64,${code}`);
}

/** The values of a column by place; few of them as an object, since JSON has no holes. */
function columnOf(values) {
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  return given.length === values.length ? values : Object.fromEntries(given);
}

/**
 * The catalogue as a program loads it: reading it as code takes V8 as long as a comparison, so it is
 * JSON, by column, of which rows of one shape are made; the texts (three quarters of it) are a file of
 * their own for those who ask.
 */
function catalogueInTwo(dist) {
  return {
    name: 'catalogue-in-two',
    setup(building) {
      building.onResolve({ filter: /^\.\/feature-texts\.json$/ }, ({ path }) => ({
        path,
        external: true,
      }));
      building.onLoad({ filter: /\/src\/catalogue\/features\.ts$/ }, async () => {
        const { FEATURES } = await importSources(
          "export { FEATURES } from './src/catalogue/features.ts';",
        );
        const texts = FEATURES.map((row) =>
          Object.fromEntries(Object.entries(row).filter(([key]) => TEXTS.includes(key))),
        );
        writeFileSync(join(dist, 'feature-texts.json'), JSON.stringify(texts));
        const keys = [...new Set(FEATURES.flatMap(Object.keys))].filter(
          (key) => !TEXTS.includes(key),
        );
        const columns = keys.map((key) => columnOf(FEATURES.map((row) => row[key])));
        const getters = TEXTS.map((key) => `get ${key}() { return textsOf(this.#place).${key}; }`);
        return {
          loader: 'js',
          contents: `
            let texts;
            const textsOf = (place) => (texts ??= require('./feature-texts.json'))[place];
            const [${keys.map((key) => `${key}s`)}] = JSON.parse(${JSON.stringify(JSON.stringify(columns))});
            class Row {
              #place;
              constructor(place) {
                this.#place = place;
                ${keys.map((key) => `this.${key} = ${key}s[place];`).join('\n')}
              }
              ${getters.join('\n')}
            }
            export const FEATURES = names.map((_, place) => new Row(place));`,
        };
      });
    },
  };
}

/**
 * When it is loaded, picocolors asks whether standard output is a terminal, for a default that isn't
 * used here (src/cli/terminal.ts). Node takes 5 ms to open the stream that answers.
 */
const coloursAskNobody = {
  name: 'colours-ask-nobody',
  setup(building) {
    building.onLoad({ filter: /\/picocolors\.js$/ }, ({ path }) => ({
      contents: `const process = { env: { NO_COLOR: '1' } };\n${readFileSync(path, 'utf8')}`,
    }));
  },
};

/** yargs-parser needs node:module for files of settings, which cpugate has none of. */
const noSettingsFiles = {
  name: 'no-settings-files',
  setup(building) {
    building.onResolve({ filter: /^(node:)?module$/ }, ({ importer }) =>
      /\/yargs-parser\//.test(importer)
        ? { path: 'none', namespace: 'no-settings-files' }
        : undefined,
    );
    building.onLoad({ filter: /^none$/, namespace: 'no-settings-files' }, () => ({
      contents: 'export const createRequire = undefined;',
    }));
  },
};

async function buildBundles() {
  const dist = join(root, 'dist');
  const { version, engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const shared = {
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    minify: true,
    legalComments: 'none',
    // A dependency: its WebAssembly lies beside it.
    external: ['iced-x86'],
    // Loading CommonJS by require is faster than starting the ESM loader for it.
    supported: { 'dynamic-import': false },
    logLevel: 'warning',
    define: {
      CPUGATE_VERSION: JSON.stringify(version),
      'import.meta.filename': '__filename',
      // For yargs; an address takes node:url some milliseconds.
      'import.meta.url': '__cpugate.url',
    },
    banner: {
      js: 'const __cpugate = { get url() { return require("node:url").pathToFileURL(__filename).href; } };',
    },
    plugins: [
      chunksStayOutside,
      catalogueInTwo(dist),
      coloursAskNobody,
      noSettingsFiles,
      noteForLicences,
    ],
  };
  const commands = join(root, 'src', 'cli', 'commands');
  const entryPoints = {
    start: join(root, 'src', 'cli', 'start.ts'),
    main: join(root, 'src', 'cli', 'cpugate.ts'),
    'other-formats': join(root, 'src', 'formats', 'others.ts'),
    'load-baseline': join(root, 'src', 'cli', 'load-baseline.ts'),
    'read-cluster': join(root, 'src', 'cli', 'read-cluster.ts'),
    'code-audit': join(root, 'src', 'audit', 'index.ts'),
    'load-images': join(root, 'src', 'cli', 'load-images.ts'),
    ...Object.fromEntries(
      readdirSync(commands).map((file) => [basename(file, '.ts'), join(commands, file)]),
    ),
  };
  await build({ ...shared, entryPoints, outdir: dist, outExtension: { '.js': '.cjs' } });
  writeEntry(join(dist, 'cpugate.cjs'), engines.node);
  await writeHelp(dist);
}

/**
 * What users start. Any Node can parse it, so one that is too old gets a sentence instead of a syntax
 * error in the middle of a bundle.
 */
function writeEntry(path, range) {
  const { major, minor, patch } = minVersion(range);
  writeFileSync(
    path,
    `#!/usr/bin/env node
'use strict';
var found = process.versions.node.split('.').map(Number);
var wanted = [${major}, ${minor}, ${patch}];
var at = 0;
while (at < 2 && found[at] === wanted[at]) at++;
if (found[at] < wanted[at]) {
  process.exitCode = 2;
  process.stderr.write(
    'cpugate: Node ' + process.versions.node + ' is too old: cpugate needs Node ${major}.${minor} or newer\\n'
  );
} else require('./start.cjs');
`,
  );
  chmodSync(path, 0o755);
}

/**
 * The help at the widths that most have: a terminal of 80 columns, no terminal, the widest that is
 * used. At others it is made when it is asked for, which takes yargs 50 ms.
 */
async function writeHelp(dist) {
  const { helpTexts } = createRequire(import.meta.url)(join(dist, 'help.cjs'));
  for (const [width, name, text] of await helpTexts()) {
    const folder = join(dist, 'help', String(width));
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `${name}.txt`), text);
  }
}

mkdirSync(generated, { recursive: true });
await buildValidators();
await buildProfileIndex();
buildModelFiles();
await buildPrerequisites();
await buildModelFeatures();
if (!process.argv.includes('--generated-only')) {
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  mkdirSync(join(root, 'dist'));
  await buildBundles();
  await writeManPage(root);
  await buildLibrary();
  writeLicences(root, join(root, 'dist', 'THIRD-PARTY-LICENSES.txt'));
}
