/** What `baseline` reads and writes in folders: nothing lost, nothing stale, nothing by mistake. */
import { spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { profileJson } from '../../src/formats/profile.js';
import { PLACELESS_512 } from '../baseline/clusters.js';
import { HASWELL, type HostPlan, hostOf, V2 } from '../hosts.js';
import { cpugate, isPlainFailure, program } from './run.js';

const OLD: HostPlan = { name: 'old-1', features: V2, areaBytes: 0 };
const base = mkdtempSync(join(tmpdir(), 'cpugate-files-'));
let folder = '';
let count = 0;

const at = (name: string) => join(folder, name);
const write = (name: string, plan: HostPlan) =>
  writeFileSync(at(name), JSON.stringify(profileJson(hostOf(plan))));
const read = (name: string) => JSON.parse(readFileSync(at(name), 'utf8'));
const run = (...args: string[]) => cpugate(['baseline', ...args], { cwd: folder });

beforeEach(() => {
  folder = join(base, `${++count}`);
  mkdirSync(join(folder, 'hosts'), { recursive: true });
  for (const number of [7, 8, 10])
    write(`hosts/web-${number}.json`, { ...HASWELL, name: `web-${number}` });
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

function start(args: readonly string[]): Promise<number | null> {
  const child = spawn(process.execPath, [program, ...args], { cwd: folder, stdio: 'ignore' });
  return new Promise((resolve) => child.on('close', resolve));
}

describe('a baseline that many change at once', () => {
  it('has all hosts that were added', async () => {
    run('hosts/web-7.json', '-o', 'same.json');
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
    for (const name of names) write(`${name}.json`, { ...HASWELL, name });
    const ended = names.map((name, place) =>
      start(
        place % 2 === 0
          ? ['baseline', '--add', `${name}.json`, '--to', 'same.json', '-o', 'same.json']
          : ['baseline', 'same.json', `${name}.json`, '-o', 'same.json'],
      ),
    );
    expect(await Promise.all(ended)).toEqual(names.map(() => 0));
    expect(read('same.json').hostCount).toBe(names.length + 1);
    expect(readdirSync(folder).filter((name) => name.startsWith('.'))).toEqual([]);
  }, 60_000);
  it('is whole whenever its writer is killed, and can be changed afterwards', async () => {
    run('hosts', '-o', 'same.json');
    for (let wait = 0; wait < 16; wait++) {
      const child = spawn(process.execPath, [program, 'baseline', 'same.json', '-o', 'same.json'], {
        cwd: folder,
        stdio: 'ignore',
      });
      const ended = new Promise((resolve) => child.on('close', resolve));
      setTimeout(() => child.kill('SIGKILL'), 40 + 25 * wait);
      await ended;
      expect(read('same.json').hostCount).toBe(3);
    }
    expect(run('--add', 'haswell', '--to', 'same.json', '-o', 'same.json').status).toBe(0);
    expect(read('same.json').hostCount).toBe(4);
  }, 120_000);
});

describe('an output among the hosts', () => {
  it.each(['hosts', './hosts/', 'linked'])(
    'is no host of the next run of %s, and is named',
    (name) => {
      symlinkSync('hosts', at('linked'));
      expect(run(name, '-o', 'hosts/cluster.json', '--pools', '2').status).toBe(0);
      write('hosts/old-1.json', OLD);
      const { status, err } = run(name, '-o', 'hosts/cluster.json', '--pools', '2');
      expect(status).toBe(0);
      expect(read('hosts/cluster.json').hostCount).toBe(4);
      expect(err).toContain('cluster.json');
      expect(err).toContain('cluster.pool-1.json');
      expect(run('hosts', '-o', 'hosts/cluster.json').status).toBe(0);
      expect(read('hosts/cluster.json').hostCount).toBe(4);
    },
  );
  it('is one where another is written: it may be the baseline of a rack', () => {
    run('haswell', '-o', 'hosts/rack.json');
    run('hosts', '-o', 'hosts/cluster.json');
    expect(read('hosts/cluster.json').hostCount).toBe(4);
  });
  it('is none where the shell writes it', () => {
    const command = '"$0" "$1" baseline hosts --json > hosts/cluster.json';
    const { status } = spawnSync('sh', ['-c', command, process.execPath, program], { cwd: folder });
    expect(status).toBe(0);
    expect(read('hosts/cluster.json').hostCount).toBe(3);
  });
  it('named by itself is folded, as a part of what it becomes', () => {
    run('hosts', '-o', 'cluster.json');
    run('cluster.json', 'haswell', '-o', 'cluster.json');
    expect(read('cluster.json').hostCount).toBe(4);
  });
  it.each([
    [['hosts', '-o', 'hosts/web-7.json']],
    [['hosts/web-7.json', 'hosts/web-8.json', '-o', 'hosts/web-8.json']],
    [['hosts', '--skip-unreadable', '-o', 'hosts/web-7.json']],
    [['--add', 'hosts/web-7.json', '--to', 'C', '-o', 'hosts/web-7.json']],
  ])('does not overwrite a host: %j', (args) => {
    run('haswell', '-o', 'C');
    const before = readFileSync(at('hosts/web-7.json'), 'utf8');
    const outcome = run(...args);
    expect(isPlainFailure(outcome)).toBe(true);
    expect(outcome.err).toContain('would overwrite');
    expect(readFileSync(at('hosts/web-7.json'), 'utf8')).toBe(before);
  });
  it('names no host where nothing else is there', () => {
    mkdirSync(at('empty'));
    writeFileSync(at('empty/.hidden.json'), 'no host');
    const outcome = run('empty');
    expect(isPlainFailure(outcome)).toBe(true);
    expect(outcome.err).toContain('holds no file of a host');
  });
});

describe('a picture among the hosts', () => {
  it('is no host of the next matrix', () => {
    const matrix = () => cpugate(['matrix', 'hosts', '--svg', 'hosts/moves.svg'], { cwd: folder });
    expect([matrix().status, matrix().status]).toEqual([0, 0]);
  });
  it('on standard output has no text beside it', () => {
    const outcome = cpugate(['matrix', 'hosts', '--svg', '-'], { cwd: folder });
    expect(outcome.out).toMatch(/^<svg[\s\S]*<\/svg>\n$/);
    expect(outcome.err).toContain('web-7');
    const two = cpugate(['matrix', 'hosts', '--svg', '-', '--json'], { cwd: folder });
    expect(isPlainFailure(two)).toBe(true);
  });
});

describe('pools of an earlier run', () => {
  const pools = () =>
    readdirSync(folder)
      .filter((name) => name.includes('pool'))
      .sort();
  it('go where there are fewer now, and nothing else does', () => {
    run('haswell', '-o', 'cluster.json');
    const cluster = readFileSync(at('cluster.json'));
    for (const name of ['cluster.pool-4.json', 'cluster.pool-10.json', 'cluster.pool-04.json'])
      writeFileSync(at(name), cluster);
    for (const name of ['other.pool-4.json', 'cluster.pool-4.txt', 'cluster.pool-x.json'])
      writeFileSync(at(name), cluster);
    writeFileSync(at('cluster.pool-5.json'), '{"kind": "cpugate-baseline"}');
    write('cluster.pool-6.json', HASWELL);
    mkdirSync(at('cluster.pool-7.json'));
    symlinkSync('cluster.json', at('cluster.pool-8.json'));
    write('hosts/old-1.json', OLD);
    const { status, out } = run('hosts', '--pools', '2', '-o', 'cluster.json');
    expect(status).toBe(0);
    expect(pools()).toEqual(
      [
        'cluster.pool-04.json',
        'cluster.pool-1.json',
        'cluster.pool-2.json',
        'cluster.pool-4.txt',
        'cluster.pool-5.json',
        'cluster.pool-6.json',
        'cluster.pool-7.json',
        'cluster.pool-8.json',
        'cluster.pool-x.json',
        'other.pool-4.json',
      ].sort(),
    );
    expect(out).toMatch(
      /Wrote cluster\.json: 4 hosts, x86-64-v2\nWrote cluster\.pool-1\.json: 3 hosts, x86-64-v3\nWrote cluster\.pool-2\.json: 1 host, x86-64-v2\nRemoved cluster\.pool-4\.json.*\nRemoved cluster\.pool-10\.json/,
    );
    for (const number of [5, 6, 7, 8]) expect(out).toContain(`Left cluster.pool-${number}.json`);
  });
  it.each<[string, () => void]>([
    ["a host's record", () => write('hosts/cluster.pool-1.json', HASWELL)],
    ['anything else', () => writeFileSync(at('hosts/cluster.pool-2.json'), 'notes')],
  ])('are not written over %s', (_, prepare) => {
    write('hosts/old-1.json', OLD);
    prepare();
    const text = (name: string) =>
      existsSync(at(name)) ? readFileSync(at(name), 'utf8') : undefined;
    const names = ['hosts/cluster.pool-1.json', 'hosts/cluster.pool-2.json'];
    const before = names.map(text);
    const sources = ['hosts/web-7.json', 'hosts/old-1.json'];
    const outcome = run(...sources, '--pools', '2', '-o', 'hosts/cluster.json');
    expect(isPlainFailure(outcome), outcome.err).toBe(true);
    expect(outcome.err).toContain('is no baseline');
    expect(names.map(text)).toEqual(before);
    expect(existsSync(at('hosts/cluster.json'))).toBe(false);
  });
  it('stay where no pools are made', () => {
    run('hosts', '--pools', '1', '-o', 'cluster.json');
    run('hosts', '-o', 'cluster.json');
    expect(pools()).toEqual(['cluster.pool-1.json']);
  });
  it.each(['-', '/dev/null', '/dev/stdout'])('%s has no place for any', (output) => {
    expect(isPlainFailure(run('hosts', '--pools', '2', '-o', output))).toBe(true);
  });
});

describe('what is refused', () => {
  it('writes nothing: an unmet requirement, with its pools', () => {
    write('hosts/old-1.json', OLD);
    const { status, out } = run(
      ...['hosts', '--require', 'x86-64-v3', '--pools', '2', '-o', 'cluster.json'],
    );
    expect(status).toBe(1);
    expect(out).toMatch(/^Required\n {2}not kept x86-64-v3\n/);
    expect(out).toMatch(/\nNothing was written\. The baseline lacks what --require asks for\.\n$/);
    expect(readdirSync(folder)).toEqual(['hosts']);
  });
  it('leaves the baseline of before as it was', () => {
    run('hosts', '-o', 'cluster.json');
    const before = readFileSync(at('cluster.json'), 'utf8');
    write('old-1.json', OLD);
    const added = run('--add', 'old-1.json', '--to', 'cluster.json', '-o', 'cluster.json');
    expect(added.status).toBe(1);
    expect(added.out).toMatch(/\nNothing was written\.\n$/);
    expect(run('hosts', 'old-1.json', '--require', 'avx2', '-o', 'cluster.json').status).toBe(1);
    expect(readFileSync(at('cluster.json'), 'utf8')).toBe(before);
  });
  it.each(['--require', '--without', '--pools'])('%s with --add', (option) => {
    run('hosts', '-o', 'cluster.json');
    const value = option === '--pools' ? '2' : 'avx2';
    expect(isPlainFailure(run('--add', 'haswell', '--to', 'cluster.json', option, value))).toBe(
      true,
    );
  });
});

describe('what is said at the end', () => {
  it('of a new baseline: what was written; nothing where nothing was asked for', () => {
    expect(run('hosts', '-o', 'cluster.json').out).toMatch(
      /\n\nWrote cluster\.json: 3 hosts, x86-64-v3\n$/,
    );
    expect(run('hosts').out).not.toMatch(/Wrote|written/);
    expect(existsSync(at('cluster.json'))).toBe(true);
  });
  it('of a change: what was written, or that nothing was', () => {
    run('hosts', '-o', 'cluster.json');
    const change = ['--to', 'cluster.json'];
    expect(run('--add', 'haswell', ...change).out).toMatch(
      /\nNothing was written\. -o FILE writes the baseline with the host in it\.\n$/,
    );
    expect(run('--remove', 'web-7', ...change).out).toMatch(
      /\nNothing was written\. -o FILE writes the baseline without the host\.\n$/,
    );
    expect(run('--add', 'haswell', ...change, '-o', 'more.json').out).toMatch(
      /\nWrote more\.json: 4 hosts, x86-64-v3\n$/,
    );
    expect(run('--remove', 'web-7', ...change, '-o', 'less.json').out).toMatch(
      /\nWrote less\.json: 2 hosts, x86-64-v3\n$/,
    );
  });
  it.each(['-', '/dev/stdout'])('stands beside the baseline with -o %s', (output) => {
    const made = run('hosts', '-o', output);
    expect(JSON.parse(made.out).hostCount).toBe(3);
    expect(made.err).toMatch(/^Baseline of 3 hosts/);
    expect(isPlainFailure(run('hosts', '-o', output, '--json'))).toBe(true);
    run('hosts', '-o', 'cluster.json');
    const change = ['--add', 'haswell', '--to', 'cluster.json', '-o', output];
    expect(JSON.parse(run(...change).out).hostCount).toBe(4);
    expect(isPlainFailure(run(...change, '--json'))).toBe(true);
  });
});

describe('what is said at the beginning', () => {
  it('is that no mask can be made, and why', () => {
    write('vague.json', PLACELESS_512);
    const { out, status } = run('skylake-sp', 'skylake-sp', 'x86-64-v4', 'vague.json');
    expect(status).toBe(0);
    expect(out).toMatch(
      /^No mask can be made of this baseline\n {2}The size .*(?:flags-512|vague).* \(1 of 4\)/,
    );
    expect(out.match(/cpugate probe/g)).toHaveLength(1);
    expect(run('hosts').out).toMatch(/^Baseline of 3 hosts/);
    const level = run('x86-64-v4');
    expect(level.out).toMatch(
      /^No mask can be made[\s\S]*A level leaves open[\s\S]*HOST\.\.\. x86-64-v4/,
    );
    expect(run('skylake-sp', 'x86-64-v4').out).toMatch(/^Baseline of 2 hosts/);
  });
});

describe('hosts by name', () => {
  it('stand in the order in which people count', () => {
    write('hosts/old-9.json', { ...OLD, name: 'old-9' });
    write('hosts/old-10.json', { ...OLD, name: 'old-10' });
    const { out } = run('hosts', '-o', 'cluster.json');
    expect(out).toContain('old-9, old-10 (2 of 5) lack it');
    expect(out).toContain('web-7, web-8, web-10: removing them alone would gain nothing');
    expect(read('cluster.json').hosts.map(({ names }: { names: string[] }) => names)).toEqual([
      ['old-9', 'old-10'],
      ['web-7', 'web-8', 'web-10'],
    ]);
    const matrix = cpugate(['matrix', 'hosts', '--json'], { cwd: folder });
    expect(matrix.out.indexOf('web-8')).toBeLessThan(matrix.out.indexOf('web-10'));
  });
  it('that cost nothing share a line', () => {
    for (const number of [1, 2, 3, 4])
      write(`hosts/like-${number}.json`, {
        ...HASWELL,
        name: `like-${number}`,
        features: [
          ...HASWELL.features,
          ...(['adx', 'rdseed', 'sha_ni', 'gfni'] as const).slice(0, number),
        ],
      });
    write('hosts/old-1.json', OLD);
    const { out } = run('hosts');
    expect(out).toContain(
      'like-1, like-2, like-3 and 4 more: removing any one of these 5 kinds alone would gain nothing',
    );
    expect(out.match(/would gain nothing/g)).toHaveLength(1);
    expect(out).toMatch(/without old-1: \+ /);
  });
});
