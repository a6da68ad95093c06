/**
 * Mutation run: changes the sources in a copy, one small change at a time, and asks the tests of that room whether they
 * notice (docs/testing.md). The work tree is only read.
 *
 *   npm run mutate -- [--room NAME]... [--sample N] [--seed N] [--kind KIND]... [--file TEXT] [--seconds N]
 *
 * A change that a test refuses, that can't be loaded, or with which the tests don't end, is killed; any other one survives and
 * is listed. Status 1: more than 5 in 100 survived.
 */
import { fork } from 'node:child_process';
import {
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { KINDS, mutantsOf } from './mutants.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** What tests of the rooms below read, beside node_modules. */
const COPIED = [
  'src',
  'test',
  'schemas',
  'cpu-profiles',
  'docs',
  'native/cpu',
  'native/include',
  'native/probe',
  'package.json',
];
const ALLOWED_SURVIVORS = 0.05;
/** A run of a room's tests may take so many times as long as without a change, and this many seconds more. */
const SLOWER = 4;
const GRACE_SECONDS = 20;

/** Sources and the quick tests that are about them; the first that fails ends a mutant. */
const ROOMS = {
  catalogue: {
    sources: ['src/catalogue/'],
    tests: ['facts', 'components', 'subleaves', 'catalogue', 'encodings'].map(
      (name) => `test/catalogue/${name}.test`,
    ),
  },
  mask: { sources: ['src/mask/'], tests: ['test/mask/'] },
  xsave: { sources: ['src/model/xsave.ts'], tests: ['test/model/xsave'] },
  rules: {
    sources: ['src/rules/', 'src/judge/'],
    // All but judge/one-answer, which holds hundreds of pairs of hosts against each other; the slow ones last.
    tests: [
      ...['rules', 'rule-edges', 'cpuid-numbers', 'unnamed', 'group', 'criu-answers', 'twins'].map(
        (name) => `test/rules/${name}.test`,
      ),
      ...[
        'gate',
        'modes',
        'allowed',
        'weigh',
        'scenarios',
        'cpu-edges',
        'dump-source',
        'seen-through',
      ].map((name) => `test/judge/${name}.test`),
      ...['judge/address-width', 'judge/mixed-pools', 'judge/twins', 'rules/explanations'].map(
        (name) => `test/${name}.test`,
      ),
    ],
  },
  criu: { sources: ['src/criu/'], tests: ['test/criu/'] },
  // What decides there; the rest starts and signals processes.
  enforce: {
    sources: [
      'criu-options',
      'supervisor-status',
      'masked-tree',
      'supervisor-arguments',
      'own-tree',
      'cgroups',
      'pid-file',
      'dump-hook',
    ].map((name) => `src/enforce/${name}.ts`),
    tests: [
      ...['criu-options', 'supervisor-status', 'masked-tree', 'supervisor-arguments', 'own-tree'],
      'dump-hook',
    ].map((name) => `test/enforce/${name}.test`),
  },
};

/** Numbers from 0 up to 1 that depend on the seed alone (mulberry32). */
function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function sampleOf(all, count, random) {
  const left = [...all];
  for (let at = left.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1));
    [left[at], left[other]] = [left[other], left[at]];
  }
  return left.slice(0, count);
}

function filesOf({ sources }) {
  const all = readdirSync(join(ROOT, 'src'), { recursive: true }).map((file) => join('src', file));
  return all
    .filter((file) => file.endsWith('.ts') && sources.some((start) => file.startsWith(start)))
    .sort();
}

function roomMutants(name, { kinds, text }) {
  return filesOf(ROOMS[name])
    .filter((file) => text === undefined || file.includes(text))
    .flatMap((file) => {
      const code = readFileSync(join(ROOT, file), 'utf8');
      return mutantsOf(code)
        .filter(({ kind }) => kinds.length === 0 || kinds.includes(kind))
        .map((mutant) => ({
          ...mutant,
          file,
          line: code.slice(0, mutant.start).split('\n').length,
        }));
    });
}

/** The child: vitest stays up, so that a mutant costs the tests and no start. */
async function serve() {
  const [, , , folder, ...tests] = process.argv;
  process.chdir(folder);
  const { createVitest } = await import('vitest/node');
  const silent = { onTestRunEnd() {} };
  const placeOf = ({ moduleId }) => tests.findIndex((start) => moduleId.includes(start));
  /** As the room lists them. */
  class InOrder {
    shard(files) {
      return files;
    }
    sort(files) {
      return [...files].sort((a, b) => placeOf(a) - placeOf(b));
    }
  }
  const vitest = await createVitest('test', {
    config: false,
    root: folder,
    watch: false,
    include: ['test/**/*.test.ts'],
    exclude: ['test/vm/**'],
    reporters: [silent],
    bail: 1,
    cache: false,
    sequence: { sequencer: InOrder },
    pool: 'threads',
    maxWorkers: 1,
    isolate: false,
    fileParallelism: false,
    testTimeout: 120_000,
  });
  const specifications = await vitest.globTestSpecifications(tests);
  const run = async (files) => {
    for (const file of files) vitest.invalidateFile(join(folder, file));
    const { testModules, unhandledErrors } = await vitest.runTestSpecifications(specifications);
    const failed = testModules.filter((module) => !module.ok());
    const first = failed.flatMap((module) => [...module.children.allTests('failed')])[0];
    const isRed = failed.length > 0 || unhandledErrors.length > 0;
    const said = unhandledErrors[0] ?? failed.flatMap((module) => module.errors())[0];
    return { killed: isRed, tests: specifications.length, by: first?.fullName ?? said?.message };
  };
  process.once('disconnect', () => process.exit());
  process.on('message', async ({ files }) => process.send(await run(files)));
  process.send({ ready: true });
}

/** Children that are up; none outlives the run. */
const children = new Set();

/** Asks a child; one that doesn't answer in time is ended, and another takes its place. */
class Runner {
  #child;
  #limit = 600_000;
  constructor(folder, tests) {
    this.folder = folder;
    this.tests = tests;
  }

  #answer(limit) {
    return new Promise((resolve) => {
      const child = this.#child;
      const finish = (value) => {
        clearTimeout(timer);
        child.removeAllListeners();
        resolve(value);
      };
      const timer = setTimeout(() => finish('no end'), limit);
      child.once('message', finish);
      child.once('exit', () => finish('no answer'));
    });
  }

  async #start() {
    const self = fileURLToPath(import.meta.url);
    this.#child = fork(self, ['--serve', this.folder, ...this.tests], { silent: true });
    children.add(this.#child);
    setPriority(this.#child.pid, 10);
    const answer = await this.#answer(this.#limit);
    if (typeof answer === 'string') throw new Error(`the tests can't be started: ${answer}`);
  }

  /** `files` changed since the last time. */
  async run(files) {
    if (this.#child === undefined) await this.#start();
    this.#child.send({ files });
    const answer = await this.#answer(this.#limit);
    if (typeof answer !== 'string') return answer;
    await this.stop();
    return { killed: true, by: answer };
  }

  /** Fails where the tests don't pass as they are, also after a file was loaded anew. */
  async warm(file) {
    await this.run([]);
    const before = Date.now();
    const { killed, by, tests } = await this.run([file]);
    if (killed) throw new Error(`the tests fail without a change: ${by ?? 'no test, but the run'}`);
    const took = Date.now() - before;
    this.#limit = took * SLOWER + GRACE_SECONDS * 1000;
    return { took, tests };
  }

  async stop() {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null) return;
    children.delete(child);
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
  }
}

function copyTree() {
  const folder = mkdtempSync(join(tmpdir(), 'cpugate-mutate-'));
  for (const part of COPIED) cpSync(join(ROOT, part), join(folder, part), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

function describeMutant({ file, line, kind, start, end, replacement }, code) {
  const shown = (text) => text.replace(/\s+/g, ' ').slice(0, 70) || '(nothing)';
  return `${file}:${line} ${kind}: ${shown(code.slice(start, end))} -> ${shown(replacement)}`;
}

async function runRoom(name, mutants, folder, deadline) {
  const runner = new Runner(folder, ROOMS[name].tests);
  const survivors = [];
  const counts = { killed: 0, unended: 0, asked: 0 };
  try {
    const { took, tests } = await runner.warm(mutants[0].file);
    console.log(`${name}: ${mutants.length} mutants, ${tests} test files, ${took} ms a run`);
    let last = mutants[0]?.file;
    for (const mutant of mutants) {
      if (Date.now() > deadline) break;
      const path = join(folder, mutant.file);
      const code = readFileSync(path, 'utf8');
      writeFileSync(
        path,
        code.slice(0, mutant.start) + mutant.replacement + code.slice(mutant.end),
      );
      const { killed, by } = await runner.run([mutant.file, last]);
      last = mutant.file;
      writeFileSync(path, code);
      counts.asked++;
      if (counts.asked % 50 === 0) console.log(`  ${counts.asked} tried`);
      if (killed) counts.killed++;
      if (by === 'no end' || by === 'no answer') counts.unended++;
      if (!killed) {
        survivors.push(mutant);
        console.log(`  survived ${describeMutant(mutant, code)}`);
      }
    }
  } finally {
    await runner.stop();
  }
  return { ...counts, survived: survivors.length };
}

async function main() {
  const { values } = parseArgs({
    options: {
      room: { type: 'string', multiple: true, default: Object.keys(ROOMS) },
      sample: { type: 'string' },
      seed: { type: 'string', default: '1' },
      kind: { type: 'string', multiple: true, default: [] },
      file: { type: 'string' },
      seconds: { type: 'string', default: '3600' },
    },
  });
  const wrong = [
    ...values.room.filter((name) => !Object.hasOwn(ROOMS, name)),
    ...values.kind.filter((kind) => !KINDS.includes(kind)),
    ...[values.sample, values.seed, values.seconds].filter(
      (text) => text !== undefined && !/^\d+$/.test(text),
    ),
  ];
  if (wrong.length > 0) {
    console.error(
      `mutate: ${wrong.join(', ')}: rooms are ${Object.keys(ROOMS).join(', ')}; kinds ${KINDS.join(', ')}; the rest numbers`,
    );
    process.exit(2);
  }
  const deadline = Date.now() + Number(values.seconds) * 1000;
  const folder = copyTree();
  const remove = () => {
    for (const child of children) child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(130));
  process.once('exit', remove);

  const total = { asked: 0, survived: 0 };
  for (const name of values.room) {
    const all = roomMutants(name, { kinds: values.kind, text: values.file });
    const count = values.sample === undefined ? all.length : Number(values.sample);
    const chosen = sampleOf(all, count, randomFrom(Number(values.seed)));
    chosen.sort((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : a.start - b.start));
    if (chosen.length === 0) continue;
    const { asked, killed, unended, survived } = await runRoom(name, chosen, folder, deadline);
    total.asked += asked;
    total.survived += survived;
    console.log(
      `${name}: ${asked} of ${all.length} tried, ${killed} killed (${unended} without an end), ${survived} survived`,
    );
  }
  const share = total.asked === 0 ? 0 : total.survived / total.asked;
  console.log(
    `${total.asked} tried, ${total.survived} survived (${(share * 100).toFixed(1)} %), seed ${values.seed}`,
  );
  process.exit(share > ALLOWED_SURVIVORS ? 1 : 0);
}

await (process.argv[2] === '--serve' ? serve() : main());
