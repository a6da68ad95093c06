/**
 * Test programs of other projects, each run bare and under the supervisor with a mask, and what they
 * showed held against each other (compare.ts). `scripts/transparency.mjs` starts it and says how.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { constants, cpus, release, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import {
  differencesOf,
  END,
  type Finding,
  findingOf,
  type Reason,
  type Results,
  type Runs,
  unexplained,
  unusedEntries,
} from './compare.js';
import expected from './expected.json' with { type: 'json' };
import { pageOf } from './report.js';
import {
  type ExitStatus,
  OUT_OF_TIME,
  resultsOf,
  SUITES,
  type Suite,
  type TestProgram,
} from './suites.js';

const REASONS: readonly Reason[] = expected;
const UNAVAILABLE = 69;
/** In the environment of all that a program starts. */
const MARK = 'CPUGATE_TRANSPARENCY';
/** What is run again is run alone, and has so many times as long. */
const PATIENCE = 3;
const GRACE_SECONDS = 5;
const MOST_OUTPUT = 4 * 1024 * 1024;

interface Settings {
  readonly root: string;
  readonly sources: Readonly<Record<string, string>>;
  readonly built: string;
  readonly results: string;
  readonly mask: string;
  readonly only: RegExp;
  readonly jobs: number;
  readonly seconds: number;
  readonly repeat: number;
  readonly buildOnly: boolean;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function count(text: string, option: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new Error(`--${option} takes a number from 1 on`);
  return Number(text);
}

export function settingsOf(root: string, args: readonly string[]): Settings {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      selftests: text,
      ltp: text,
      'libc-test': text,
      cpython: text,
      built: { ...text, default: join(root, 'node_modules', '.cache', 'cpugate-transparency') },
      output: { ...text, short: 'o' },
      mask: { ...text, default: 'localhost' },
      only: { ...text, default: '' },
      jobs: { ...text, default: '1' },
      seconds: { ...text, default: '60' },
      repeat: { ...text, default: '4' },
      'build-only': { type: 'boolean', default: false },
    },
  });
  const given: Readonly<Record<string, string | boolean | undefined>> = values;
  const sources = SUITES.flatMap(({ name }) => {
    const source = given[name];
    return typeof source === 'string' ? [[name, source] as const] : [];
  });
  const built = resolve(values.built);
  return {
    root,
    sources: Object.fromEntries(
      // A Python may be named as in PATH.
      sources.map(([name, source]) => [name, name === 'cpython' ? source : resolve(source)]),
    ),
    built,
    results: resolve(values.output ?? join(built, 'results')),
    mask: values.mask,
    only: new RegExp(values.only),
    jobs: count(values.jobs, 'jobs'),
    seconds: count(values.seconds, 'seconds'),
    repeat: count(values.repeat, 'repeat'),
    buildOnly: values['build-only'],
  };
}

/** What was built is kept: a virtual machine may have no compiler, and no time for one. */
function buildOnce(suite: Suite, source: string, built: string): void {
  const done = join(built, 'done');
  if (existsSync(done)) return;
  mkdirSync(built, { recursive: true });
  say(`building ${suite.title} in ${built}`);
  suite.build(source, built);
  writeFileSync(done, '');
}

/** The supervisor's command line up to the program, or why there is none here. */
function maskedCommand({ root, mask }: Settings, folder: string): readonly string[] | string {
  const cpugate = join(root, 'dist', 'cpugate.cjs');
  const supervisor = join(root, 'native', 'build', 'Release', 'cpugate-supervisor');
  const baseline = join(folder, 'baseline.json');
  execFileSync(process.execPath, [cpugate, 'baseline', mask, '-o', baseline], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const options = ['--mask', baseline, '--runtime-dir', folder, '--', 'true'];
  const { status, stderr } = spawnSync(process.execPath, [cpugate, 'run', ...options], {
    encoding: 'utf8',
  });
  if (status === UNAVAILABLE) return stderr.trim();
  if (status !== 0) throw new Error(`cpugate run: ${status} ${stderr}`);
  const file = readdirSync(folder).find((name) => name.endsWith('.mask'));
  if (file === undefined) throw new Error(`cpugate run left no mask in ${folder}`);
  return [supervisor, 'run', '--mask', join(folder, file), '--runtime-dir', folder, '--'];
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}

function environmentOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1');
  } catch {
    return '';
  }
}

/** What a program left behind: its mark stands in their environment. */
function endLeftovers(mark: string): void {
  for (const name of readdirSync('/proc'))
    if (/^\d+$/.test(name) && environmentOf(name).includes(`${MARK}=${mark}\0`)) kill(Number(name));
}

async function within(seconds: number, ended: Promise<number>): Promise<ExitStatus> {
  const stop = new AbortController();
  const late = wait(seconds * 1000, undefined, { signal: stop.signal }).catch(() => undefined);
  const status = await Promise.race([ended, late]);
  stop.abort();
  return status;
}

let runs = 0;

async function runOnce(
  suite: Suite,
  program: TestProgram,
  wrapper: readonly string[],
  seconds: number,
): Promise<{ results: Results; output: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'cpugate-transparency-'));
  const mark = `${process.pid}-${runs++}`;
  const log = join(folder, 'log');
  const empty = join(folder, 'empty');
  mkdirSync(empty);
  const file = openSync(log, 'a');
  const [command = '', ...args] = [...wrapper, ...program.command];
  const child = spawn(command, args, {
    cwd: program.folder ?? empty,
    env: { ...process.env, ...program.environment, TMPDIR: empty, [MARK]: mark },
    // A session of its own, so that a test's signals to its group reach nobody else.
    detached: true,
    stdio: ['ignore', file, file],
  });
  closeSync(file);
  const ended = new Promise<number>((done, fail) => {
    child.once('error', fail);
    child.once('exit', (code, signal) => done(code ?? 128 + signalNumber(signal)));
  });
  const status = await within(seconds, ended);
  if (status === undefined && child.pid !== undefined) kill(-child.pid);
  endLeftovers(mark);
  // What can't even be killed shall not hold up the others.
  await within(GRACE_SECONDS, ended);
  const output = readFileSync(log).subarray(0, MOST_OUTPUT).toString('latin1');
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch {
    // A file system that the test mounted may still be there.
  }
  return { results: resultsOf(suite, status, output), output };
}

function signalNumber(signal: NodeJS.Signals | null): number {
  const number = signal === null ? undefined : constants.signals[signal];
  return number ?? 0;
}

interface Plan {
  readonly suite: Suite;
  readonly program: TestProgram;
}

type Kind = keyof Runs;

/** A run as it is kept: the file of its kind has one in each line, so that an interrupted run can go on. */
interface Line {
  readonly program: string;
  readonly results: Results;
  /** The end of the output. */
  readonly output: string;
}

const LAST_CHARACTERS = 2000;

/** All runs of all programs, in memory and in the results' folder. */
class Records {
  readonly #folder: string;
  readonly #runs: Readonly<Record<Kind, Map<string, Results[]>>>;

  constructor(folder: string) {
    mkdirSync(folder, { recursive: true });
    this.#folder = folder;
    this.#runs = { bare: this.#read('bare'), masked: this.#read('masked') };
  }

  of(key: string): Runs {
    return { bare: this.#of('bare', key), masked: this.#of('masked', key) };
  }

  add(kind: Kind, line: Line): void {
    this.#of(kind, line.program).push(line.results);
    appendFileSync(this.#file(kind), `${JSON.stringify(line)}\n`);
  }

  #file(kind: Kind): string {
    return join(this.#folder, `${kind}.jsonl`);
  }

  #of(kind: Kind, key: string): Results[] {
    const runs = this.#runs[kind].get(key) ?? [];
    this.#runs[kind].set(key, runs);
    return runs;
  }

  #read(kind: Kind): Map<string, Results[]> {
    const file = this.#file(kind);
    const runs = new Map<string, Results[]>();
    if (!existsSync(file)) return runs;
    for (const text of readFileSync(file, 'utf8').split('\n').filter(Boolean)) {
      const { program, results }: Line = JSON.parse(text);
      runs.set(program, [...(runs.get(program) ?? []), results]);
    }
    return runs;
  }
}

async function inTurns<T>(jobs: number, items: readonly T[], work: (item: T) => Promise<void>) {
  const rest = [...items];
  const workers = Array.from({ length: jobs }, async () => {
    for (let item = rest.shift(); item !== undefined; item = rest.shift()) await work(item);
  });
  await Promise.all(workers);
}

const keyOf = ({ suite, program }: Plan): string => `${suite.name}: ${program.name}`;

async function runAll(
  plans: readonly Plan[],
  masked: readonly string[],
  settings: Settings,
): Promise<readonly Runs[]> {
  const records = new Records(settings.results);
  /** Runs of each kind until there are so many. One that was late beside others tells nothing. */
  const fill = async (plan: Plan, wanted: number, isAlone: boolean): Promise<void> => {
    const { suite, program } = plan;
    const seconds = settings.seconds * (isAlone ? PATIENCE : 1);
    for (const kind of ['bare', 'masked'] as const)
      while (records.of(keyOf(plan))[kind].length < wanted) {
        const wrapper = kind === 'bare' ? [] : masked;
        const { results, output } = await runOnce(suite, program, wrapper, seconds);
        if (!isAlone && results[END] === OUT_OF_TIME) return;
        const last = output.slice(-LAST_CHARACTERS);
        records.add(kind, { program: keyOf(plan), results, output: last });
      }
  };
  const isOpen = (plan: Plan): boolean => {
    const runs = records.of(keyOf(plan));
    return runs.masked.length === 0 || differencesOf(runs).length > 0;
  };
  let done = 0;
  await inTurns(settings.jobs, plans, async (plan) => {
    await fill(plan, 1, false);
    say(`${++done}/${plans.length} ${isOpen(plan) ? 'open' : 'same'} ${keyOf(plan)}`);
  });
  for (const plan of plans)
    for (let wanted = 1; isOpen(plan) && wanted <= settings.repeat + 1; wanted++) {
      await fill(plan, wanted, true);
      say(`alone, run ${wanted}: ${isOpen(plan) ? 'differs' : 'the same'} ${keyOf(plan)}`);
    }
  return plans.map((plan) => records.of(keyOf(plan)));
}

function machine({ mask, seconds }: Settings): string {
  const [cpu] = cpus();
  return `Linux ${release()}, ${cpus().length} CPUs "${cpu?.model.trim()}", the mask of "${mask}", ${seconds} s at most for each run.`;
}

function tell(findings: readonly Finding[]): void {
  for (const { suite, name, differences } of unexplained(findings))
    for (const one of differences.filter(({ reason }) => reason === undefined))
      say(
        `UNEXPLAINED ${suite}: ${name}: ${one.name}: bare ${one.bare.join(', ')}; masked ${one.masked.join(', ')}`,
      );
}

/** The exit status. */
export async function transparency(root: string, args: readonly string[]): Promise<number> {
  const settings = settingsOf(root, args);
  const skipped: string[] = [];
  const plans: Plan[] = [];
  for (const suite of SUITES) {
    const source = settings.sources[suite.name];
    if (source === undefined) {
      skipped.push(`${suite.title}: no --${suite.name}, which takes ${suite.argument}`);
      continue;
    }
    const built = join(settings.built, suite.name);
    buildOnce(suite, source, built);
    const programs = suite.programs(source, built);
    if (programs.length === 0) throw new Error(`nothing of ${suite.title} was built: see ${built}`);
    plans.push(...programs.map((program) => ({ suite, program })));
  }
  for (const line of skipped) say(`skipped ${line}`);
  if (settings.buildOnly) return 0;
  const folder = mkdtempSync(join(tmpdir(), 'cpugate-transparency-mask-'));
  try {
    const masked = maskedCommand(settings, folder);
    if (typeof masked === 'string') {
      say(`skipped all: ${masked}`);
      return 0;
    }
    const chosen = plans.filter(({ suite, program }) =>
      settings.only.test(`${suite.name}: ${program.name}`),
    );
    const all = await runAll(chosen, masked, settings);
    const findings = chosen.flatMap(({ program }, place) => {
      const one = all[place];
      return one === undefined ? [] : [findingOf(program, one, REASONS)];
    });
    const page = pageOf(findings, machine(settings), skipped, unusedEntries(findings, REASONS));
    writeFileSync(
      join(settings.results, 'findings.json'),
      `${JSON.stringify(findings, null, 2)}\n`,
    );
    writeFileSync(join(settings.results, 'findings.md'), page);
    tell(findings);
    say(page);
    return unexplained(findings).length === 0 ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
