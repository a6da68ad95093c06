/**
 * Writes docs/pair-matrix.md from a run of every pair. Takes a quarter of an hour on two cores.
 *
 *   node scripts/pair-matrix.mjs [FOLDER]    keeps the run in FOLDER, and reads it if it is there already
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const HOSTS = [
  'Nehalem',
  'SandyBridge',
  'IvyBridge',
  'Haswell',
  'Broadwell',
  'Skylake-Client',
  'Skylake-Server',
  'Haswell,+pku',
];

/** The tests' own modules, which are TypeScript. */
async function loadTests(folder) {
  const file = join(folder, 'pairs.mjs');
  const contents = `export * from './test/vm/pairs.ts'; export * from './test/vm/pair-matrix.ts';`;
  await build({
    stdin: { contents, resolveDir: root, loader: 'ts' },
    outfile: file,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    external: ['esbuild'],
    define: { 'import.meta.url': JSON.stringify(pathToFileURL(join(root, 'test/vm/x.ts')).href) },
    logLevel: 'warning',
  });
  return import(pathToFileURL(file).href);
}

const work = mkdtempSync(join(root, 'node_modules/.pair-matrix-'));
const share = process.argv[2] ?? mkdtempSync(join(tmpdir(), 'cpugate-pairs-'));
try {
  const { fillShare, judgeRun, makeBaseline, matrixDocument, readRun, runPairs } =
    await loadTests(work);
  const isThere = existsSync(join(share, 'restore.sh-Nehalem.log'));
  if (!isThere) fillShare(share);
  const baseline = isThere ? join(share, 'pool.json') : makeBaseline(share, HOSTS);
  const plan = { share, hosts: HOSTS, baseline, guest: { seconds: 900 } };
  const run = isThere ? readRun(plan) : await runPairs(plan);
  const { criu } = JSON.parse(
    readFileSync(join(share, 'Haswell/bare/cpugate-record.json'), 'utf8'),
  );
  const { kernel } = JSON.parse(readFileSync(join(share, 'Haswell/profile.json'), 'utf8')).system;
  const document = matrixDocument(judgeRun(plan, run, criu), { kernel, criu });
  writeFileSync(join(root, 'docs/pair-matrix.md'), document);
} finally {
  rmSync(work, { recursive: true });
  if (process.argv[2] === undefined) rmSync(share, { recursive: true });
}
