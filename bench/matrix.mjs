/**
 * Measures who-can-go-where over many distinct hosts, on one core, against two references in the same
 * run: a bare loop that ANDs the feature words of every pair, and comparisons pair by pair.
 * `node bench/matrix.mjs [HOSTS]`. Exit status 1 where the promise isn't kept.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const HOSTS = Number(process.argv[2] ?? 2000);
const LIMIT_SECONDS = 3;
const WORDS = 5;
const SAMPLED_PAIRS = 500;

/** The decision core as one module. */
async function loadCore(folder) {
  const { build } = await import('esbuild');
  const outfile = join(folder, 'core.mjs');
  await build({
    stdin: {
      contents: `
        export { compareHosts } from './src/judge/compare.js';
        export { readHost } from './src/formats/index.js';
        export { KindFold } from './src/matrix/kinds.js';
        export { verdictMatrix, verdictOf } from './src/matrix/matrix.js';
        export { describeHost } from './src/model/capabilities.js';
        export { leafTable } from './src/model/leaves.js';
        export { ROWS } from './src/catalogue/index.js';`,
      resolveDir: root,
    },
    bundle: true,
    platform: 'node',
    format: 'esm',
    define: { 'import.meta.url': JSON.stringify(pathToFileURL(join(root, 'src', 'x')).href) },
    outfile,
    logLevel: 'warning',
  });
  return import(pathToFileURL(outfile).href);
}

/** The same numbers in every run. */
function randomNumbers(seed) {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** The CPU models, each with other instructions taken away, until so many differ. */
async function makeHosts({ readHost, describeHost, leafTable, ROWS, KindFold }) {
  const folder = join(root, 'cpu-profiles');
  const models = [];
  for (const file of readdirSync(folder))
    models.push(await readHost(file, readFileSync(join(folder, file))));
  const bits = ROWS.filter((row) => row.class === 'isa' && typeof row.bit === 'number');
  const random = randomNumbers(1);
  const hosts = [];
  const fold = new KindFold();
  while (hosts.length < HOSTS) {
    const model = models[random(models.length)];
    const gone = Array.from({ length: 1 + random(8) }, () => bits[random(bits.length)]);
    const rows = model.cpus[0].leaves.rows.map((row) => {
      const changed = { ...row };
      for (const { leaf, subleaf, reg, bit } of gone)
        if (leaf === row.leaf && subleaf === row.subleaf)
          changed[reg] = (changed[reg] & ~(1 << bit)) >>> 0;
      return changed;
    });
    const cpus = [{ ...model.cpus[0], leaves: leafTable(rows) }];
    const host = { ...model, name: `host-${hosts.length}`, cpus };
    if (fold.add(describeHost(host)) === hosts.length) hosts.push(host);
  }
  return hosts;
}

function timed(work) {
  const start = process.hrtime.bigint();
  const result = work();
  return [result, Number(process.hrtime.bigint() - start) / 1e9];
}

function andLoop() {
  const random = randomNumbers(2);
  const words = Uint32Array.from({ length: HOSTS * WORDS }, () => random(2 ** 32));
  let met = 0;
  for (let from = 0; from < HOSTS; from++)
    for (let to = 0; to < HOSTS; to++) {
      let any = 0;
      for (let word = 0; word < WORDS; word++)
        any |= words[from * WORDS + word] & words[to * WORDS + word];
      if (any !== 0) met++;
    }
  return met;
}

async function measure() {
  const folder = mkdtempSync(join(tmpdir(), 'cpugate-bench-'));
  try {
    const core = await loadCore(folder);
    const hosts = await makeHosts(core);
    const [seen, describing] = timed(() => hosts.map(core.describeHost));
    const before = process.resourceUsage().maxRSS;
    const [matrix, judging] = timed(() => core.verdictMatrix(seen));
    const after = process.resourceUsage().maxRSS;
    const [, bare] = timed(andLoop);
    const random = randomNumbers(3);
    const pairs = Array.from({ length: SAMPLED_PAIRS }, () => [random(HOSTS), random(HOSTS)]);
    const both = (place) => ({ host: hosts[place], seen: core.describeHost(hosts[place]) });
    const [unlike, comparing] = timed(() =>
      pairs.filter(
        ([from, to]) =>
          core.compareHosts(both(from), both(to)).verdict !== core.verdictOf(matrix, from, to),
      ),
    );
    const count = HOSTS ** 2;
    const byPairs = (comparing / SAMPLED_PAIRS) * count;
    console.log(`hosts: ${HOSTS}, of ${matrix.size} kinds; ordered pairs: ${count}`);
    console.log(`describing the hosts: ${describing.toFixed(3)} s`);
    console.log(
      `the matrix: ${judging.toFixed(3)} s (${((judging / count) * 1e9).toFixed(0)} ns a pair)`,
    );
    console.log(`a bare AND of ${WORDS} words a pair: ${bare.toFixed(3)} s`);
    console.log(`comparisons pair by pair: ${byPairs.toFixed(0)} s, from ${SAMPLED_PAIRS} of them`);
    console.log(
      `peak memory: ${(after / 1024).toFixed(0)} MB, ${(before / 1024).toFixed(0)} MB of them before the matrix`,
    );
    const total = describing + judging;
    const kept = total <= LIMIT_SECONDS && matrix.size === HOSTS && unlike.length === 0;
    console.log(
      `${kept ? 'ok  ' : 'MISS'} describing and judging: ${total.toFixed(2)} s (at most ${LIMIT_SECONDS})` +
        `${unlike.length > 0 ? `; ${unlike.length} verdicts differ from compareHosts` : ''}`,
    );
    return kept ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Once more, on one core where the system lets us choose. */
function onOneCore() {
  const script = fileURLToPath(import.meta.url);
  const argv = [process.execPath, script, String(HOSTS), 'measure'];
  const { status, error } = spawnSync('taskset', ['-c', '0', ...argv], { stdio: 'inherit' });
  return error === undefined ? (status ?? 1) : undefined;
}

process.exitCode =
  process.argv[3] === 'measure' ? await measure() : (onOneCore() ?? (await measure()));
