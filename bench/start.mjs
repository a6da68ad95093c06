/**
 * Measures how long commands take to start: processor time, user and system, of a command against
 * that of `node -e 0`, in turns. The median of the ratios counts, and node against itself tells how
 * much it is worth: a busy machine is no reason to say that a promise isn't kept.
 * `node bench/start.mjs [NODE...]`: which Node, by its binary; this one where none is given.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const cpugate = fileURLToPath(new URL('../dist/cpugate.cjs', import.meta.url));
const ROUNDS = 15;
/** Starts a sample: bash tells milliseconds, and a start takes some thirty. */
const STARTS = 4;
/** Quartiles of node against itself that are further apart make a measurement worthless. */
const NOISE = 0.12;

const nodes = process.argv.length > 2 ? process.argv.slice(2) : [process.execPath];
const folder = mkdtempSync(join(tmpdir(), 'cpugate-bench-'));
let kept = true;

/** Milliseconds of processor time for a start. */
function cpuTime(command) {
  const script = `TIMEFORMAT='%U %S'; time for i in {1..${STARTS}}; do "$@" </dev/null >/dev/null 2>&1; done`;
  const { status, stderr } = spawnSync('bash', ['-c', script, '-', ...command], {
    encoding: 'utf8',
    env: { ...process.env, HOME: folder, LC_ALL: 'C' },
  });
  const found = /([\d.]+) ([\d.]+)\s*$/.exec(stderr);
  if (found === null) throw new Error(`bash can't tell the time: ${status} ${stderr}`);
  return ((Number(found[1]) + Number(found[2])) * 1000) / STARTS;
}

function quartiles(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return [0.25, 0.5, 0.75].map((part) => sorted[Math.floor((sorted.length - 1) * part)]);
}

function measure(node, what, args, limit) {
  const bare = [node, '-e', '0'];
  const command = [node, cpugate, ...args];
  const [ours, noise, times] = [[], [], []];
  cpuTime(command);
  for (let round = 0; round < ROUNDS; round++) {
    const [before, time, after] = [cpuTime(bare), cpuTime(command), cpuTime(bare)];
    ours.push((2 * time) / (before + after));
    noise.push(before / after);
    times.push(time);
  }
  const [low, ratio, high] = quartiles(ours);
  const [least, , most] = quartiles(noise);
  const isNoisy = most - least > NOISE;
  const word = ratio <= limit ? 'ok   ' : isNoisy ? 'noisy' : 'MISS ';
  kept &&= word !== 'MISS ';
  const about = `${low.toFixed(2)} to ${high.toFixed(2)}, ${quartiles(times)[1].toFixed(0)} ms`;
  process.stdout.write(
    `${word} ${what}: ${ratio.toFixed(2)} times node -e 0 (at most ${limit}; half of the rounds ${about})` +
      `${word === 'noisy' ? `; not judged: node against itself ${least.toFixed(2)} to ${most.toFixed(2)}` : ''}\n`,
  );
}

function run(node, ...args) {
  const { status, stderr } = spawnSync(node, [cpugate, ...args], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`cpugate ${args.join(' ')}: ${status} ${stderr}`);
}

try {
  if (spawnSync('bash', ['-c', 'true']).status !== 0) throw new Error('bash is needed');
  for (const node of nodes) {
    const version = spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim();
    process.stdout.write(`Node ${version}, median of ${ROUNDS} rounds of ${STARTS} starts\n`);
    const isOld = /^v20\./.test(version);
    const canProbe = process.platform === 'linux' && process.arch === 'x64';
    const hosts = ['a', 'b'].map((name) => join(folder, `${name}.json`));
    for (const [place, path] of hosts.entries())
      if (canProbe) run(node, 'probe', '--name', `host-${place}`, '-o', path);
      else run(node, 'convert', 'haswell', '--to', 'profile', '-o', path);
    measure(node, 'check', ['check', ...hosts], isOld ? 1.3 : 1.6);
    measure(node, '--help', ['--help'], 1.4);
    if (!canProbe) continue;
    const mask = join(folder, 'cluster.json');
    run(node, 'baseline', hosts[0], '-o', mask);
    // Where CPUID doesn't fault it ends with that sentence, after all of Node's part but the exec.
    measure(node, 'run --mask', ['run', '--mask', mask, '--', 'true'], 1.4);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = kept ? 0 : 1;
