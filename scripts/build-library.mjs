/**
 * Builds what programs import: dist/lib, as ES modules for any runtime, and the types beside it. The
 * named CPU models become data, since a browser has no folder to read them from.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { noteForLicences } from './licences.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const library = join(root, 'dist', 'lib');
const NOTE = '// Made by scripts/build-library.mjs; changes are lost.\n';

/** cpu-profiles/ as texts by name, in src/generated/. */
export function buildModelFiles() {
  const folder = join(root, 'cpu-profiles');
  const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
  const texts = files
    .sort()
    .map((file) => [
      basename(file, '.json'),
      JSON.stringify(JSON.parse(readFileSync(join(folder, file), 'utf8'))),
    ]);
  const generated = join(root, 'src', 'generated');
  mkdirSync(generated, { recursive: true });
  writeFileSync(
    join(generated, 'model-files.js'),
    `${NOTE}export const MODEL_FILES = ${JSON.stringify(Object.fromEntries(texts), null, 1)};\n`,
  );
  writeFileSync(
    join(generated, 'model-files.d.ts'),
    `${NOTE}export declare const MODEL_FILES: Readonly<Record<string, string>>;\n`,
  );
}

/** The declarations of a source file, and of those that they import. */
function takeTypes(from, file, taken) {
  if (taken.has(file)) return;
  const text = readFileSync(join(from, file), 'utf8');
  taken.set(file, text);
  for (const [, path] of text.matchAll(/\bfrom '(\.[^']*)\.js'/g))
    takeTypes(from, `${join(dirname(file), path)}.d.ts`, taken);
}

/** Only what the two entries name: types of the rooms below stay where they are. */
function buildTypes() {
  const folder = mkdtempSync(join(tmpdir(), 'cpugate-types-'));
  try {
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    const args = ['-p', join(root, 'tsconfig.library.json'), '--outDir', folder];
    execFileSync(process.execPath, [tsc, ...args], { cwd: root, stdio: 'inherit' });
    const taken = new Map();
    for (const entry of ['index', 'probe']) takeTypes(folder, `library/${entry}.d.ts`, taken);
    for (const [file, text] of taken) {
      mkdirSync(join(library, 'types', dirname(file)), { recursive: true });
      writeFileSync(join(library, 'types', file), text);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export async function buildLibrary() {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  await build({
    entryPoints: [
      join(root, 'src', 'library', 'index.ts'),
      join(root, 'src', 'library', 'probe.ts'),
    ],
    outdir: library,
    bundle: true,
    // Both entries share their chunks, and so what they know of hosts.
    splitting: true,
    format: 'esm',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    external: ['node:*'],
    target: 'es2022',
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    logLevel: 'warning',
    // semver asks Node's environment whether it shall talk; elsewhere there is none to ask.
    define: { CPUGATE_VERSION: JSON.stringify(version), 'process.env': 'undefined' },
    plugins: [noteForLicences],
  });
  buildTypes();
}
