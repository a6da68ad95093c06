/**
 * Measures a baseline over a stream of 200,000 profiles, one a line, against a bare JSON.parse of the
 * same lines in the same run:
 *   - hosts of a few dozen kinds under names of their own, as a fleet has them;
 *   - this host under many names, as `cpugate probe` records it, /proc/cpuinfo flags and all;
 *   - the same with a time stamp counter rate of its own in each line, as virtual machines show it.
 * and three with limits of their own: a folder of 5,000 profiles against reading and parsing them,
 * a stream of 9,000 distinct kinds, close to the most that a cluster may have, and a matrix of 60,000
 * hosts of few kinds against a baseline of them.
 * `node bench/baseline.mjs [HOSTS]`. Exit status 1 where a promise isn't kept: half the speed, and
 * 200 MB.
 */
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const cpugate = join(root, 'dist', 'cpugate.cjs');
const folder = mkdtempSync(join(tmpdir(), 'cpugate-bench-'));
const HOSTS = Number(process.argv[2] ?? 200_000);
const FILES = 5000;
/** Twelve to fifteen, where each file is parsed and described. */
const FOLDER_RATIO = 6;
const KINDS = 9000;
const RUNS = 3;
const MATRIX_HOSTS = 60_000;
const MATRIX_RATIO = 1.5;
let kept = true;

/** Reads in pieces as well, and keeps nothing. */
const BARE = `
  const { openSync, readSync } = require('node:fs');
  const fd = openSync(process.argv[1], 'r');
  let buffer = Buffer.allocUnsafe(1 << 20), end = 0, lines = 0;
  for (let count; (count = readSync(fd, buffer, end, buffer.length - end, null)) > 0; ) {
    end += count;
    let start = 0;
    for (let at; (at = buffer.indexOf(10, start)) >= 0 && at < end; start = at + 1) {
      JSON.parse(buffer.toString('utf8', start, at));
      lines++;
    }
    buffer.copyWithin(0, start, end);
    end -= start;
  }
  if (lines !== ${HOSTS}) throw new Error(String(lines));`;

function promise(what, value, limit, unit, atLeast = false) {
  const good = atLeast ? value >= limit : value <= limit;
  kept &&= good;
  console.log(
    `${good ? 'ok  ' : 'MISS'} ${what}: ${value.toFixed(2)} ${unit} (${atLeast ? 'at least' : 'at most'} ${limit})`,
  );
}

function run(argv) {
  const preload = `data:text/javascript,${encodeURIComponent(
    `process.on("exit",()=>{const{maxRSS,userCPUTime,systemCPUTime}=process.resourceUsage();
     process.stderr.write(\`PEAK \${maxRSS} \${userCPUTime+systemCPUTime}\`)})`,
  )}`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', preload, ...argv], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (status !== 0) throw new Error(`${argv.join(' ')}: ${stderr}`);
  const [, kibibytes, microseconds] = /PEAK (\d+) (\d+)$/.exec(stderr) ?? [];
  return {
    /** User and system: other work on the machine counts little. */
    milliseconds: Number(microseconds) / 1000,
    megabytes: Number(kibibytes) / 1024,
    stdout,
  };
}

/** The same for a folder. */
const BARE_FOLDER = `
  const { readdirSync, readFileSync } = require('node:fs');
  for (const name of readdirSync(process.argv[1]))
    JSON.parse(readFileSync(process.argv[1] + '/' + name, 'utf8'));`;

function bestOf(argv) {
  const runs = Array.from({ length: RUNS }, () => run(argv));
  return {
    ...runs[0],
    milliseconds: Math.min(...runs.map((one) => one.milliseconds)),
    megabytes: Math.max(...runs.map((one) => one.megabytes)),
  };
}

function measureFolder(profiles) {
  const path = join(folder, 'hosts');
  mkdirSync(path);
  for (let n = 0; n < FILES; n++)
    writeFileSync(
      join(path, `host-${n}.json`),
      // As "cpugate probe" writes it.
      `${JSON.stringify({ ...profiles[n % profiles.length], name: `host-${n}` }, null, 1)}\n`,
    );
  const bare = bestOf(['-e', BARE_FOLDER, path]);
  const ours = bestOf([cpugate, 'baseline', path, '--json']);
  const { hostCount, hosts } = JSON.parse(ours.stdout);
  if (hostCount !== FILES) throw new Error(`${hostCount} hosts`);
  console.log(
    `a folder of ${FILES} files, ${hosts.length} kinds: ${ours.milliseconds.toFixed(0)} ms, reading and JSON.parse ${bare.milliseconds.toFixed(0)} ms (best of ${RUNS})`,
  );
  promise('a folder against it', ours.milliseconds / bare.milliseconds, FOLDER_RATIO, '×');
  rmSync(path, { recursive: true });
  return ours;
}

/** Bits of leaf 7 that tasks see and that need nothing else which varies: 2^16 kinds. */
const VARIED = { ebx: [3, 8, 9, 18, 19, 23, 24, 29], ecx: [5, 8, 22, 25, 27, 28], edx: [4, 14] };

/** A model's leaf 7 with those of the 16 bits that `n` names. */
function variedLeaf(line, n) {
  const words = line.split(' ');
  let bit = 0;
  for (const [register, bits] of Object.entries(VARIED)) {
    const at = 2 + ['eax', 'ebx', 'ecx', 'edx'].indexOf(register);
    let value = BigInt(words[at]);
    for (const place of bits) {
      const mask = 1n << BigInt(place);
      value = (n >> bit++) & 1 ? value | mask : value & ~mask;
    }
    words[at] = `0x${value.toString(16).padStart(8, '0')}`;
  }
  return words.join(' ');
}

function measureKinds(profile) {
  const { leaves } = profile.cpus[0];
  const at = leaves.findIndex((line) => line.startsWith('0x00000007 0x00:'));
  const original = leaves[at];
  const path = join(folder, 'kinds');
  let text = '';
  for (let n = 0; n < KINDS; n++) {
    leaves[at] = variedLeaf(original, n * 7);
    text += `${JSON.stringify({ ...profile, name: `host-${n}` })}\n`;
  }
  leaves[at] = original;
  writeFileSync(path, text);
  const ours = bestOf([cpugate, 'baseline', path, '--json']);
  const { hosts } = JSON.parse(ours.stdout);
  if (hosts.length !== KINDS) throw new Error(`${hosts.length} kinds`);
  console.log(`${KINDS} kinds: ${ours.milliseconds.toFixed(0)} ms (best of ${RUNS})`);
  rmSync(path);
  return ours;
}

function profileOf(host) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    host === 'localhost' ? [cpugate, 'probe'] : [cpugate, 'convert', host, '--to', 'profile'],
    { encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}

function writeFleet(name, profiles, { vary = () => {}, count = HOSTS } = {}) {
  const path = join(folder, name);
  const descriptor = openSync(path, 'w');
  let text = '';
  for (let n = 0; n < count; n++) {
    const profile = profiles[n % profiles.length];
    profile.name = `host-${n}`;
    vary(profile, n);
    text += `${JSON.stringify(profile)}\n`;
    if (text.length > 1 << 22 || n === count - 1) {
      writeSync(descriptor, text);
      text = '';
    }
  }
  closeSync(descriptor);
  return path;
}

/** Hosts that were met are sorted by their bytes for a matrix as well. */
function measureMatrix(profiles) {
  const path = writeFleet('matrix', profiles, { count: MATRIX_HOSTS });
  const pairs = Array.from({ length: RUNS }, () =>
    ['baseline', 'matrix'].map((command) => run([cpugate, command, path, '--json'])),
  );
  for (const [, { stdout }] of pairs)
    if (JSON.parse(stdout).hosts.length !== MATRIX_HOSTS) throw new Error('hosts are missing');
  const ratios = pairs.map(([baseline, matrix]) => matrix.milliseconds / baseline.milliseconds);
  console.log(
    `a matrix of ${MATRIX_HOSTS} hosts: ${pairs.map((pair) => pair.map(({ milliseconds }) => milliseconds.toFixed(0)).join(' → ')).join(', ')} ms (baseline → matrix)`,
  );
  promise('against a baseline', ratios.sort((a, b) => a - b)[RUNS >> 1], MATRIX_RATIO, '×');
  rmSync(path);
}

function measure(what, path) {
  const bare = [];
  const ours = [];
  let megabytes = 0;
  for (let n = 0; n < RUNS; n++) {
    bare.push(run(['-e', BARE, path]).milliseconds);
    const result = run([cpugate, 'baseline', path, '--json']);
    ours.push(result.milliseconds);
    megabytes = Math.max(megabytes, result.megabytes);
    const { hostCount, hosts } = JSON.parse(result.stdout);
    if (hostCount !== HOSTS) throw new Error(`${hostCount} hosts`);
    if (n === 0)
      console.log(
        `${what}: ${HOSTS} hosts of ${hosts.length} kinds, ${(statSync(path).size / 1e6).toFixed(0)} MB`,
      );
  }
  const [a, b] = [Math.min(...bare), Math.min(...ours)];
  console.log(`     JSON.parse ${a.toFixed(0)} ms, baseline ${b.toFixed(0)} ms (best of ${RUNS})`);
  rmSync(path);
  return { speed: a / b, megabytes };
}

try {
  const models = readdirSync(join(root, 'cpu-profiles')).map((file) => file.replace('.json', ''));
  const known = measureFolder(models.map(profileOf));
  promise('time', known.milliseconds / 1000, 5, 's');
  promise('peak memory', known.megabytes, 200, 'MB');
  measureMatrix(models.map(profileOf));
  const kinds = measureKinds(profileOf('sapphire-rapids'));
  promise('time', kinds.milliseconds / 1000, 10, 's');
  promise('peak memory', kinds.megabytes, 400, 'MB');
  const fleet = measure('fleet', writeFleet('fleet', models.map(profileOf)));
  promise('speed against JSON.parse', fleet.speed, 0.5, 'times', true);
  promise('peak memory', fleet.megabytes, 200, 'MB');
  if (process.platform !== 'linux' || process.arch !== 'x64')
    console.log('skip this host: Linux on x86-64 only');
  else {
    const local = profileOf('localhost');
    const same = measure('this host', writeFleet('same', [local]));
    promise('speed against JSON.parse', same.speed, 0.5, 'times', true);
    promise('peak memory', same.megabytes, 200, 'MB');
    const { leaves } = local.cpus[0];
    const last = leaves.findIndex((line) => line.startsWith('0x4000'));
    const at = last < 0 ? leaves.findIndex((line) => line.startsWith('0x0000000b')) : last;
    const vary = (_, n) => {
      leaves[at] = leaves[at].replace(/: 0x[0-9a-f]{8}/, `: 0x${n.toString(16).padStart(8, '0')}`);
    };
    const rated = writeFleet('rated', [local], { vary });
    // No promise: each line is another text, and is read all the same.
    const varied = measure('this host, each unlike', rated);
    console.log(`     speed against JSON.parse: ${varied.speed.toFixed(2)} times`);
    promise('peak memory', varied.megabytes, 200, 'MB');
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = kept ? 0 : 1;
