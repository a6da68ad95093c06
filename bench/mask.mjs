/**
 * What a mask costs, each figure against a reference that takes turns with it in the same run; the median of the
 * rounds' ratios counts:
 *   - a masked CPUID against the least that any tracer does at one, and against the bare CPUID;
 *   - signals, their masks, a caught null dereference, the start of threads, and computing, against the same unmasked;
 *   - a script of short programs: what the mask adds, against what "strace -f -e trace=none" adds;
 *   - "cpugate run -- true" against "node -e 0";
 *   - the supervisor's memory;
 *   - redis with one client on one CPU, masked alone and both, where redis is installed.
 * `node bench/mask.mjs [--rounds N] [--only WORD] ...` (OPTIONS below). Needs a host whose CPUID can be made to fault,
 * and says so elsewhere; with `--trap patch` it measures patched code, on any host. The programs of bench/native are compiled for it; a virtual machine without a compiler takes
 * those that `node bench/mask.mjs --build DIR` made, with `--programs DIR`.
 * Exit status 1 where a goal isn't held; on an emulated CPU, where times tell little, always 0.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { cpus, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));
const cpugate = join(root, 'dist', 'cpugate.cjs');
const supervisor = join(root, 'native', 'build', 'Release', 'cpugate-supervisor');
const PROGRAMS = ['cpuid-loop', 'ptrace-stop', 'signals', 'threads', 'compute'];
const UNAVAILABLE = 69;

/** How often in a round; fewer for a slow machine. */
const OPTIONS = {
  rounds: '7',
  cpuids: '10000',
  signals: '10000',
  threads: '2000',
  execs: '200',
  millions: '200',
  requests: '10000',
};
const { values } = parseArgs({
  options: {
    programs: { type: 'string' },
    build: { type: 'string' },
    trap: { type: 'string', default: 'faulting' },
    only: { type: 'string' },
    ...Object.fromEntries(
      Object.entries(OPTIONS).map(([name, fallback]) => [
        name,
        { type: 'string', default: fallback },
      ]),
    ),
  },
});

let isEmulated = false;
let allHeld = true;

function buildPrograms(folder) {
  mkdirSync(folder, { recursive: true });
  for (const name of PROGRAMS) {
    const source = join(root, 'bench', 'native', `${name}.c`);
    const trap = values.trap === 'patch' ? ['-DPATCHED'] : [];
    const args = ['-O2', '-pthread', ...trap, '-o', join(folder, name), source];
    execFileSync('cc', args, { stdio: 'inherit' });
  }
}

function has(program, ...args) {
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0;
}

function runs(command, options = {}) {
  const [program, ...args] = command;
  const result = spawnSync(program, args, { encoding: 'utf8', ...options });
  if (result.status !== 0)
    throw new Error(
      `${command.join(' ')}: ${result.status ?? result.signal ?? result.error} ${result.stderr}`,
    );
  return result.stdout;
}

/** The figure that a program prints. */
const printed = (command) => Number(runs(command));

/** Nanoseconds from start to end. */
function wall(command) {
  const start = process.hrtime.bigint();
  runs(command, { stdio: ['ignore', 'ignore', 'inherit'] });
  return Number(process.hrtime.bigint() - start);
}

const sorted = (list) => [...list].sort((a, b) => a - b);
function median(list) {
  const half = list.length / 2;
  const [low, high] = [Math.ceil(half) - 1, Math.floor(half)].map((place) => sorted(list)[place]);
  return (low + high) / 2;
}

/** Each measure's figures, one a round; all take turns, so that a busy machine slows all of them. */
function takeTurns(measures) {
  const figures = Object.fromEntries(Object.keys(measures).map((name) => [name, []]));
  for (let round = 0; round < Number(values.rounds); round++)
    for (const [name, measure] of Object.entries(measures)) figures[name].push(measure());
  return figures;
}

function duration(ns) {
  if (ns < 1000) return `${ns.toFixed(ns < 100 ? 1 : 0)} ns`;
  return ns < 1e6 ? `${(ns / 1000).toFixed(1)} µs` : `${(ns / 1e6).toFixed(1)} ms`;
}

function show(figures) {
  const medians = Object.entries(figures).map(
    ([name, list]) => `${name} ${duration(median(list))}`,
  );
  console.log(`         ${medians.join(', ')}`);
}

/** `ratios`: one a round. */
function judge(what, ratios, limit, unit = '') {
  const [value, all] = [median(ratios), sorted(ratios)];
  const isHeld = value <= limit;
  allHeld &&= isHeld;
  const spread = all.length > 1 ? `; ${all[0].toFixed(2)} to ${all.at(-1).toFixed(2)}` : '';
  const word = isHeld ? 'held    ' : 'NOT HELD';
  console.log(`${word} ${what}: ${value.toFixed(2)}${unit} (at most ${limit}${spread})`);
}

const ratiosOf = (above, below) => above.map((figure, round) => figure / below[round]);

/** `masked` and `bare` of the same program. */
function judgePair(what, measures, limit) {
  const figures = takeTurns(measures);
  judge(`${what}, masked to bare`, ratiosOf(figures.masked, figures.bare), limit);
  show(figures);
}

/** CPUs that this process may use, by number. */
function allowedCpus() {
  const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  return (list ?? '0').split(',').flatMap((range) => {
    const [first, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, place) => first + place);
  });
}

function nameMachine() {
  const host = JSON.parse(runs([process.execPath, cpugate, 'probe']));
  const hypervisor = host.system?.hypervisor;
  isEmulated = /TCG/.test(hypervisor ?? '');
  const count = allowedCpus().length;
  console.log(
    `On ${cpus()[0]?.model.trim() ?? 'an unnamed CPU'}, ${count} CPU${count === 1 ? '' : 's'}, ` +
      `${hypervisor === undefined ? 'no hypervisor' : `hypervisor ${hypervisor}`}, ` +
      `Linux ${release()}, Node ${process.version}; medians of ${values.rounds} rounds.`,
  );
  if (isEmulated)
    console.log(
      'This CPU is emulated: its times tell little about a real one, and no goal is failed.',
    );
}

/** The command line of a masked program up to itself; undefined: this host can't. */
function prepareMask(folder) {
  const baseline = join(folder, 'baseline.json');
  runs([process.execPath, cpugate, 'baseline', 'localhost', '-o', baseline]);
  const trap = ['--trap', values.trap];
  const run = ['run', '--mask', baseline, ...trap, '--runtime-dir', folder, '--'];
  const tried = spawnSync(process.execPath, [cpugate, ...run, 'true'], { encoding: 'utf8' });
  if (tried.status === UNAVAILABLE) {
    console.log(`skipped: ${tried.stderr.trim()}`);
    return undefined;
  }
  if (tried.status !== 0) throw new Error(`cpugate run: ${tried.status} ${tried.stderr}`);
  const mask = readdirSync(folder).find((name) => name.endsWith('.mask'));
  return {
    command: [
      ...[supervisor, 'run', '--mask', join(folder, mask), ...trap],
      ...['--runtime-dir', folder, '--'],
    ],
    cli: [process.execPath, cpugate, ...run],
  };
}

function measureSwitches() {
  console.log('A switch between two tasks on one CPU, and a trap, as "cpugate verify" shows them:');
  for (const line of runs([supervisor, 'measure']).trim().split('\n')) {
    const [name, ns] = line.split(' ');
    console.log(`         ${name} ${duration(Number(ns))}`);
  }
}

function measureStops({ program, masked }) {
  const [first, second] = allowedCpus();
  const placements = [
    ['on one CPU', first],
    ['on two CPUs', second],
  ];
  for (const [where, tracers] of placements) {
    if (tracers === undefined) {
      console.log(`skipped  masked CPUID ${where}: this process may use one`);
      continue;
    }
    const loop = [program('cpuid-loop'), values.cpuids, `${first}`];
    const figures = takeTurns({
      masked: () => printed([...masked, ...loop, `${tracers}`]),
      stop: () => printed([program('ptrace-stop'), values.cpuids, `${first}`, `${tracers}`]),
      bare: () => printed(loop),
    });
    const ratios = ratiosOf(figures.masked, figures.stop);
    judge(`masked CPUID to a minimal ptrace stop, ${where}`, ratios, 1.3);
    show(figures);
  }
}

const SIGNALS = [
  ['signal and handler', 'handler', 5],
  ['return from a handler (sigreturn)', 'return', 1.5],
  ['sigprocmask', 'mask', 1.5],
  ['caught null dereference', 'null', undefined],
];

function measureSignals({ program, masked }) {
  for (const [what, kind, limit] of SIGNALS) {
    const command = [program('signals'), values.signals, kind];
    const measures = {
      masked: () => printed([...masked, ...command]),
      bare: () => printed(command),
    };
    if (limit !== undefined) judgePair(what, measures, limit);
    else {
      const figures = takeTurns(measures);
      const ratio = median(ratiosOf(figures.masked, figures.bare));
      console.log(`         ${what}, masked to bare: ${ratio.toFixed(2)} (one stop)`);
      show(figures);
    }
  }
}

function measureThreads({ program, masked }) {
  const command = [program('threads'), values.threads];
  judgePair(
    `start of ${values.threads} threads`,
    { masked: () => printed([...masked, ...command]), bare: () => printed(command) },
    2,
  );
}

function measureCompute({ program, masked }) {
  const command = [program('compute'), values.millions];
  judgePair(
    'computing',
    { masked: () => printed([...masked, ...command]), bare: () => printed(command) },
    1.01,
  );
}

function measureExecs({ masked }) {
  const script = [
    'sh',
    '-c',
    `i=0; while [ $i -lt ${values.execs} ]; do /bin/true; i=$((i+1)); done`,
  ];
  const hasStrace = has('strace', '-V');
  const figures = takeTurns({
    masked: () => wall([...masked, ...script]),
    ...(hasStrace
      ? { strace: () => wall(['strace', '-f', '-e', 'trace=none', '-o', '/dev/null', ...script]) }
      : {}),
    bare: () => wall(script),
  });
  const what = `${values.execs} × true`;
  const { masked: under, strace, bare } = figures;
  if (strace === undefined) console.log(`skipped  ${what}, what the mask adds: no strace`);
  else {
    const added = under.map((ns, round) => (ns - bare[round]) / (strace[round] - bare[round]));
    judge(`${what}: what the mask adds to what strace adds`, added, 1);
    console.log(`         strace to bare ${median(ratiosOf(strace, bare)).toFixed(2)}`);
  }
  console.log(`         masked to bare ${median(ratiosOf(under, bare)).toFixed(2)}`);
  show(figures);
}

function measureStart({ cli }) {
  const figures = takeTurns({
    run: () => wall([...cli, 'true']),
    node: () => wall([process.execPath, '-e', '0']),
  });
  judge('cpugate run -- true to node -e 0', ratiosOf(figures.run, figures.node), 1.4);
  show(figures);
}

function residentMegabytes(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s*(\d+) kB/m.exec(status)?.[1]) / 1024;
}

async function measureMemory({ program, masked }) {
  for (const count of [1, 1000]) {
    const [file, ...args] = [...masked, program('threads'), `${count}`, 'hold'];
    const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const ended = new Promise((resolve) => child.on('exit', resolve));
    await Promise.race([new Promise((resolve) => child.stdout.once('data', resolve)), ended]);
    const megabytes = residentMegabytes(child.pid);
    child.stdin.end();
    await ended;
    judge(
      `the supervisor's memory with ${count} thread${count === 1 ? '' : 's'}`,
      [megabytes],
      2,
      ' MB',
    );
  }
}

/** Requests a second, of one client; server and client on one CPU. */
async function redisRequests(folder, serverMask, clientMask) {
  const socket = join(folder, 'redis.sock');
  const cpu = ['taskset', '-c', `${allowedCpus()[0]}`];
  const settings = ['--port', '0', '--unixsocket', socket, '--save', '', '--appendonly', 'no'];
  const [file, ...args] = [...cpu, ...serverMask, 'redis-server', ...settings];
  const server = spawn(file, args, { stdio: 'ignore', cwd: folder });
  const ended = new Promise((resolve) => server.on('exit', resolve));
  try {
    for (let tries = 0; !has('redis-cli', '-s', socket, 'ping'); tries++) {
      if (tries > 200) throw new Error('redis-server does not answer');
      await delay(50);
    }
    const load = ['-s', socket, '-c', '1', '-n', values.requests, '-t', 'get', '--csv'];
    const said = runs([...cpu, ...clientMask, 'redis-benchmark', ...load]);
    const found = /"GET","([\d.]+)"/.exec(said);
    if (found === null) throw new Error(`redis-benchmark said ${said}`);
    return Number(found[1]);
  } finally {
    spawnSync('redis-cli', ['-s', socket, 'shutdown', 'nosave'], { stdio: 'ignore' });
    await ended;
  }
}

async function measureRedis({ masked, folder }) {
  const missing = [
    ['redis-server', '--version'],
    ['redis-benchmark', '--version'],
    ['redis-cli', '--version'],
    ['taskset', '--version'],
  ].find((command) => !has(...command));
  if (missing !== undefined) {
    console.log(`skipped  redis: no ${missing[0]}`);
    return;
  }
  const ways = {
    bare: [[], []],
    'client unmasked': [masked, []],
    'client masked': [masked, masked],
  };
  const figures = Object.fromEntries(Object.keys(ways).map((name) => [name, []]));
  for (let round = 0; round < Number(values.rounds); round++)
    for (const [name, [server, client]] of Object.entries(ways))
      figures[name].push(await redisRequests(folder, server, client));
  console.log('         redis, one client, one CPU: requests a second, and that to bare');
  for (const [name, list] of Object.entries(figures)) {
    const ratio = median(ratiosOf(list, figures.bare)).toFixed(2);
    console.log(`         ${name}: ${Math.round(median(list))}, ${ratio}`);
  }
}

const PARTS = {
  switches: measureSwitches,
  stops: measureStops,
  signals: measureSignals,
  execs: measureExecs,
  start: measureStart,
  threads: measureThreads,
  memory: measureMemory,
  compute: measureCompute,
  redis: measureRedis,
};
const NEEDS_PROGRAMS = ['stops', 'signals', 'threads', 'memory', 'compute'];

async function measureAll(folder) {
  nameMachine();
  const prepared = prepareMask(folder);
  if (prepared === undefined) return;
  const programs = values.programs ?? folder;
  const hasPrograms = values.programs !== undefined || has('cc', '--version');
  if (values.programs === undefined && hasPrograms) buildPrograms(programs);
  const program = (name) => join(programs, name);
  const setting = { program, masked: prepared.command, cli: prepared.cli, folder };
  for (const [name, measure] of Object.entries(PARTS)) {
    if (values.only !== undefined && values.only !== name) continue;
    if (NEEDS_PROGRAMS.includes(name) && !hasPrograms)
      console.log(`skipped  ${name}: no compiler (cc); --programs takes programs made elsewhere`);
    else await measure(setting);
  }
}

if (values.build !== undefined) buildPrograms(values.build);
else {
  const folder = mkdtempSync(join(tmpdir(), 'cpugate-bench-'));
  try {
    await measureAll(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
process.exitCode = allHeld || isEmulated ? 0 : 1;
