/**
 * Runs other projects' test programs bare and under a mask, and says which of them notice (docs/transparency.md).
 *
 *   npm run transparency -- [--selftests DIR] [--ltp DIR] [--libc-test DIR] [--cpython PYTHON] [-o DIR]
 *       [--mask THING] [--only REGEX] [--jobs N] [--seconds N] [--repeat N] [--built DIR] [--build-only]
 *
 * Sources are given; a suite without any is skipped, and so is all where CPUID can't be made to fault. What is built is
 * kept in --built; a virtual machine without a compiler takes what --build-only has built. An interrupted run goes on with
 * the same -o. Status 1: something differs that test/transparency/expected.json doesn't explain.
 *
 * LTP changes the machine for moments: its clock, its host name, its mounts. Use one that nobody needs.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The tests' own module, which is TypeScript. */
async function loadRun() {
  const folder = mkdtempSync(join(root, 'node_modules/.transparency-'));
  const outfile = join(folder, 'run.mjs');
  try {
    await build({
      entryPoints: [join(root, 'test/transparency/run.ts')],
      outfile,
      bundle: true,
      platform: 'node',
      target: 'node20',
      format: 'esm',
      logLevel: 'warning',
    });
    return await import(pathToFileURL(outfile).href);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const { transparency } = await loadRun();
process.exitCode = await transparency(root, process.argv.slice(2));
