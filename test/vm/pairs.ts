/**
 * Programs moved between hosts with other CPUs: each source's programs are dumped in one guest, and each
 * target's guest restores those of all sources. pairs/dump.sh and pairs/restore.sh run in the guests.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { readImageFolder } from '../../src/enforce/image-folder.js';
import { openInput } from '../../src/formats/format.js';
import { profile } from '../../src/formats/profile.js';
import type { GateReport } from '../../src/judge/gate.js';
import type { Host } from '../../src/model/host.js';
import { gate } from '../judge/between.js';
import { type Guest, projectRoot, runInGuest } from './lab.js';

export interface Outcome {
  readonly source: string;
  readonly target: string;
  /** Without a mask by bare CRIU; under the baseline by cpugate, with and without a handler that runs; home again. */
  readonly kind: 'bare' | 'masked' | 'calm' | 'back';
  readonly became: 'ok' | 'wrong' | 'died' | 'refused' | 'hangs';
  readonly detail: string;
  /** Lines that the program wrote about what CPUID showed: before the move, after it, to a child. */
  readonly seen: Readonly<Record<string, string>>;
}

export interface PairPlan {
  readonly share: string;
  readonly hosts: readonly string[];
  /** A file, for programs under a mask; undefined: only those without. */
  readonly baseline: string | undefined;
  readonly guest: Omit<Guest, 'cpu' | 'shares'>;
}

/** QEMU's names hold commas. */
export const nameOf = (cpu: string): string => cpu.replaceAll(',', '');

/** What guests run, in their shared folder: the command line, its native parts, the program. */
export function fillShare(share: string): void {
  mkdirSync(join(share, 'cpugate/native/build'), { recursive: true });
  for (const part of ['dist', 'cpu-profiles', 'schemas', 'package.json', 'native/build/Release'])
    cpSync(join(projectRoot, part), join(share, 'cpugate', part), { recursive: true });
  cpSync(join(projectRoot, 'test/vm/pairs'), join(share, 'scripts'), { recursive: true });
  const source = join(projectRoot, 'test/vm/programs/migrant.c');
  const compile = (name: string, ...options: string[]) =>
    execFileSync('gcc', ['-O1', '-pthread', ...options, '-o', join(share, name), source], {
      stdio: 'pipe',
    });
  compile('migrant', '-no-pie', '-Wl,-z,lazy');
  compile('migrant-static', '-static');
}

/** What a guest said is kept in the shared folder. */
const logOf = (share: string, script: string, cpu: string) =>
  join(share, `${script}-${nameOf(cpu)}.log`);

async function runScript(plan: PairPlan, cpu: string, script: string, args: readonly string[]) {
  const command = ['sh', join(plan.share, 'scripts', script), plan.share, nameOf(cpu), ...args];
  const environment = {
    ...plan.guest.environment,
    CPUGATE: `node ${join(plan.share, 'cpugate/dist/cpugate.cjs')}`,
  };
  const guest = { cpus: 2, ...plan.guest, cpu, shares: [plan.share], environment };
  const { output } = await runInGuest(guest, command);
  writeFileSync(logOf(plan.share, script, cpu), output);
}

function readOutcome(line: string): Outcome | undefined {
  const parts =
    /^PAIR (\S+) (\S+) (bare|masked|calm|back) (ok|wrong|died|refused|hangs);?(.*)$/.exec(line);
  if (parts === null) return undefined;
  const [, source = '', target = '', kind, became, rest = ''] = parts;
  const words = rest.split(';').filter((one) => one !== '');
  const seen = words
    .map((one) => /^(before|now|child) +(.*)$/.exec(one))
    .filter((one) => one !== null);
  return {
    source,
    target,
    kind: kind as Outcome['kind'],
    became: became as Outcome['became'],
    detail: words.filter((one) => !/^(?:before|now|child) /.test(one)).join('; '),
    seen: Object.fromEntries(seen.map(([, when = '', what = '']) => [when, what])),
  };
}

/** Two guests at a time: an emulator keeps a core busy. */
async function inTwoLanes(hosts: readonly string[], work: (host: string) => Promise<void>) {
  const left = [...hosts];
  const lane = async () => {
    for (let host = left.shift(); host !== undefined; host = left.shift()) await work(host);
  };
  await Promise.all([lane(), lane()]);
}

export interface PairRun {
  readonly outcomes: readonly Outcome[];
  /** All that guests said; for messages. */
  readonly log: string;
}

export async function runPairs(plan: PairPlan): Promise<PairRun> {
  const baseline = plan.baseline === undefined ? [] : [plan.baseline];
  await inTwoLanes(plan.hosts, (cpu) => runScript(plan, cpu, 'dump.sh', baseline));
  const sources = [plan.baseline ?? '-', ...plan.hosts.map(nameOf)];
  await inTwoLanes(plan.hosts, (cpu) => runScript(plan, cpu, 'restore.sh', sources));
  return readRun(plan);
}

/** Throws where a program couldn't be dumped. */
export function readRun({ share, hosts }: PairPlan): PairRun {
  const scripts = ['dump.sh', 'restore.sh'].flatMap((one) =>
    hosts.map((cpu) => logOf(share, one, cpu)),
  );
  const log = scripts.map((file) => readFileSync(file, 'utf8')).join('');
  const failed = /^(?:DUMP (?!\S+ \S+ 0 left=0)|CHANGED ).*$/m.exec(log);
  if (failed !== null) throw new Error(`${failed[0]}\n${log}`);
  return {
    log,
    outcomes: log
      .split('\n')
      .map(readOutcome)
      .filter((one) => one !== undefined),
  };
}

export function readProfile(file: string): Host {
  return profile.read(openInput(basename(file), readFileSync(file)));
}

/** The gate's answer for programs without a mask, or under the baseline. */
export function judgePair(
  { share }: PairPlan,
  source: string,
  target: string,
  kind: 'bare' | 'masked',
  criuVersion: string,
): GateReport {
  const images = readImageFolder(join(share, nameOf(source), kind));
  return gate(images, readProfile(join(share, nameOf(target), 'profile.json')), { criuVersion });
}

/** Profiles of emulated hosts, taken by `cpugate probe` there: a baseline has to be there before. */
export function makeBaseline(share: string, hosts: readonly string[]): string {
  const file = join(share, 'pool.json');
  const profiles = hosts.map((cpu) =>
    join(projectRoot, 'test/fixtures/pairs', `${nameOf(cpu)}.json`),
  );
  const program = join(projectRoot, 'dist/cpugate.cjs');
  execFileSync(process.execPath, [program, 'baseline', ...profiles, '-o', file], { stdio: 'pipe' });
  return file;
}
