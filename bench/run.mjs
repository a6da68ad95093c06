/**
 * Measures what the project promises, each against a reference in the same run:
 *   - how long commands take to start (start.mjs), and the peak memory of a check;
 *   - reading and showing dumps in one process, in files a second;
 *   - what a mask costs, where CPUID faults (mask.mjs);
 *   - checks of dumps in archives (archive.mjs);
 *   - a baseline over a stream of profiles (baseline.mjs), and a matrix (matrix.mjs);
 *   - a check of large images (images.mjs).
 * `node bench/run.mjs [FOLDER OF DUMPS]`. Exit status 1 where a promise isn't kept.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const cpugate = join(root, 'dist', 'cpugate.cjs');
const folder = mkdtempSync(join(tmpdir(), 'cpugate-bench-'));
let kept = true;

function promise(what, value, limit, unit, atLeast = false) {
  const good = atLeast ? value >= limit : value <= limit;
  kept &&= good;
  console.log(
    `${good ? 'ok  ' : 'MISS'} ${what}: ${value.toFixed(2)} ${unit} (${atLeast ? 'at least' : 'at most'} ${limit})`,
  );
}

function wall(argv) {
  const start = process.hrtime.bigint();
  const { status } = spawnSync(process.execPath, argv, { stdio: 'ignore' });
  if (status === 2) throw new Error(`${argv.join(' ')} failed`);
  return Number(process.hrtime.bigint() - start) / 1e6;
}

function peakMegabytes(argv) {
  // Without GNU time: the child tells its own peak at exit, in KiB on Linux.
  const script =
    'process.on("exit",()=>process.stderr.write(`\\nPEAK ${process.resourceUsage().maxRSS}`))';
  const preload = `data:text/javascript,${encodeURIComponent(script)}`;
  const { stderr } = spawnSync(process.execPath, ['--import', preload, ...argv], {
    encoding: 'utf8',
  });
  const found = /PEAK (\d+)/.exec(stderr);
  if (found === null) throw new Error(`no peak from ${argv.join(' ')}: ${stderr}`);
  return Number(found[1]) / 1024;
}

function profile(model) {
  const path = join(folder, `${model}.json`);
  const { status, stderr } = spawnSync(
    process.execPath,
    [cpugate, 'convert', model, '--to', 'profile', '-o', path],
    { encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(stderr);
  return path;
}

try {
  const [a, b] =
    process.platform === 'linux' && process.arch === 'x64'
      ? ['a', 'b'].map((name) => {
          const path = join(folder, `${name}.json`);
          spawnSync(process.execPath, [cpugate, 'probe', '--name', name, '-o', path]);
          return path;
        })
      : [profile('haswell'), profile('skylake-sp')];

  promise('peak memory of a check', peakMegabytes([cpugate, 'check', a, b]), 75, 'MB');

  const dumps = process.argv[2];
  if (dumps === undefined) console.log('skip reading dumps: no folder given');
  else {
    const files = readdirSync(dumps)
      .filter((name) => name.endsWith('.txt'))
      .map((name) => join(dumps, name));
    const bytes = files.reduce((sum, file) => sum + statSync(file).size, 0);
    const [show, idle] = [wall([cpugate, 'show', '--json', ...files]), wall(['-e', '0'])];
    console.log(
      `show of ${files.length} files, ${(bytes / 1e6).toFixed(1)} MB: ${show.toFixed(0)} ms`,
    );
    promise('reading and showing', files.length / ((show - idle) / 1000), 300, 'files/s', true);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const OTHERS = ['start', 'archive', 'images', 'mask', 'baseline', 'matrix'];
for (const other of OTHERS.map((name) => `${name}.mjs`)) {
  console.log(`\n${other}`);
  const script = fileURLToPath(new URL(other, import.meta.url));
  const { status } = spawnSync(process.execPath, [script], { stdio: 'inherit' });
  kept &&= status === 0;
}
process.exitCode = kept ? 0 : 1;
