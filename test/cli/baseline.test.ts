import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { profileJson } from '../../src/formats/profile.js';
import validate from '../../src/generated/baseline.js';
import validateChange from '../../src/generated/baseline-change.js';
import validateDrift from '../../src/generated/baseline-drift.js';
import validateCheck from '../../src/generated/check-report.js';
import validateWhy from '../../src/generated/why-report.js';
import { fixtureText } from '../formats/fixture.js';
import { HASWELL, type HostPlan, hostOf, V2 } from '../hosts.js';
import { cpugate, isPlainFailure } from './run.js';

let folder = '';
let hosts = '';
let cluster = '';

const OLD: HostPlan = { name: 'old-1', features: V2, areaBytes: 0 };
const text = (plan: HostPlan) => JSON.stringify(profileJson(hostOf(plan)));

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cpugate-baseline-'));
  hosts = join(folder, 'hosts');
  mkdirSync(hosts);
  mkdirSync(join(hosts, 'deeper'));
  for (const name of ['web-1', 'web-2'])
    writeFileSync(join(hosts, `${name}.json`), text({ ...HASWELL, name }));
  writeFileSync(join(hosts, 'old-1.json'), text(OLD));
  writeFileSync(join(hosts, 'deeper', 'unseen.json'), 'no host');
  cluster = join(folder, 'cluster.json');
  const { status, err } = cpugate(['baseline', hosts, '-o', cluster]);
  if (status !== 0) throw new Error(err);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function jsonOf(args: readonly string[], input = ''): Record<string, unknown> {
  const { out, err } = cpugate(args, { input });
  if (out === '') throw new Error(err);
  return JSON.parse(out);
}

describe('baseline', () => {
  it('of a folder is that of its files, without folders in it', () => {
    const json = jsonOf(['baseline', hosts, '--json']);
    expect(validate(json), JSON.stringify(validate.errors)).toBe(true);
    expect(json).toMatchObject({ hostCount: 3, level: 'x86-64-v2' });
    expect(JSON.parse(readFileSync(cluster, 'utf8'))).toEqual(json);
  });
  it('tells people what is kept, given up, and whose fault it is', () => {
    const { out, status } = cpugate(['baseline', hosts]);
    expect(status).toBe(0);
    expect(out).toMatch(/^Baseline of 3 hosts: \d+ features\n/);
    expect(out).toContain('old-1 (1 of 3) lacks it');
    expect(out).toMatch(/without old-1: \+ .* \d+ features/);
    expect(out).toContain('web-1, web-2: removing them alone would gain nothing');
    expect(out).toMatch(/Nearest CPU model {2}/);
    expect(out).toContain('XGETBV');
    expect(out).not.toMatch(/undefined|NaN|\[object/);
  });
  it('takes any mix: folders, models, other formats, streams, baselines', () => {
    const stream = `${text({ ...HASWELL, name: 'a' })}\n\n${text({ ...HASWELL, name: 'b' })}\n`;
    const json = jsonOf(
      [
        'baseline',
        hosts,
        'haswell',
        cluster,
        '-',
        'test/fixtures/structured/vzcpuidctl.json',
        '--json',
      ],
      stream,
    );
    // 3 in the folder, a model, 3 in the baseline, 2 in the stream, a record of another tool.
    expect(json.hostCount).toBe(10);
  });
  it('follows links within the folder only', () => {
    const linked = join(folder, 'linked');
    mkdirSync(linked);
    writeFileSync(join(linked, 'real.json'), text(HASWELL));
    symlinkSync('real.json', join(linked, 'inside.json'));
    symlinkSync(join(hosts, 'old-1.json'), join(linked, 'outside.json'));
    symlinkSync('nowhere', join(linked, 'broken.json'));
    expect(jsonOf(['baseline', linked, '--json'])).toMatchObject({
      hostCount: 2,
      level: 'x86-64-v3',
    });
  });
  it('of a file with one host of other tools, several lines of JSON, is not taken for a stream', () => {
    expect(
      jsonOf(['baseline', 'test/fixtures/structured/qemu-max-session.qmp', '--json']).hostCount,
    ).toBe(1);
  });
  it('masks on request, with what needs it', () => {
    const json = jsonOf(['baseline', 'haswell', '--without', 'avx', '--json']);
    expect(json.features).not.toContain('fma');
    expect(json).toMatchObject({ without: ['avx'], level: 'x86-64-v2' });
  });
  it('keeps masking what a baseline among the hosts masked', () => {
    const masked = join(folder, 'masked.json');
    cpugate(['baseline', 'haswell', '--without', 'movbe', '-o', masked]);
    expect(jsonOf(['baseline', masked, 'skylake-sp', '--json']).features).not.toContain('movbe');
  });
  it('of its own file is the file', () => {
    const again = join(folder, 'again.json');
    cpugate(['baseline', cluster, '-o', again]);
    expect(readFileSync(again, 'utf8')).toBe(readFileSync(cluster, 'utf8'));
  });
  it('in parts is that of the whole', () => {
    const parts = ['web-1', 'web-2', 'old-1'].map((name) => {
      const path = join(folder, `part-${name}.json`);
      cpugate(['baseline', join(hosts, `${name}.json`), '-o', path]);
      return path;
    });
    expect(jsonOf(['baseline', ...parts, '--json'])).toEqual(
      JSON.parse(readFileSync(cluster, 'utf8')),
    );
  });
  it('leaves nothing behind where the file cannot be written', () => {
    const outcome = cpugate(['baseline', 'haswell', '-o', join(folder, 'no', 'such', 'folder')]);
    expect(outcome.status).toBe(2);
    expect(outcome.err).toContain('ENOENT');
  });
});

describe('--pools', () => {
  it('groups hosts, shows what each pool gains, and writes a baseline for each', () => {
    const path = join(folder, 'pooled.json');
    const json = jsonOf(['baseline', hosts, '--pools', '2', '--json', '-o', path]);
    expect(validate(json), JSON.stringify(validate.errors)).toBe(true);
    const pools = json.pools as { names: string[]; gained: string[]; level: string }[];
    expect(pools.map(({ names }) => names)).toEqual([['web-1', 'web-2'], ['old-1']]);
    expect(pools[0]?.gained).toContain('avx2');
    expect(pools[1]?.gained).toEqual([]);
    const first = JSON.parse(readFileSync(join(folder, 'pooled.pool-1.json'), 'utf8'));
    expect(first).toMatchObject({ hostCount: 2, level: 'x86-64-v3' });
    const { out } = cpugate(['baseline', hosts, '--pools', 'auto']);
    expect(out).toMatch(/Pools \(2\)\n {2}1\. web-1, web-2 \(2 hosts\): x86-64-v3, \+ /);
  });
  it.each(['0', '-1', 'many', '1.5', ''])('"%s" is refused', (count) => {
    expect(isPlainFailure(cpugate(['baseline', hosts, `--pools=${count}`]))).toBe(true);
  });
});

describe('--require', () => {
  it.each([
    ['x86-64-v2', 0],
    ['v2', 0],
    ['sse4.2', 0],
    ['x86-64-v3', 1],
    ['avx2', 1],
  ])('%s gives %i', (wanted, status) => {
    expect(cpugate(['baseline', hosts, '--require', wanted]).status).toBe(status);
  });
  it.each([
    [['haswell', 'skylake-sp'], 'one-vendor', 0],
    [['haswell', 'epyc-rome'], 'one-vendor', 1],
    [['haswell', 'epyc-rome'], 'one-cache-line', 0],
    [['haswell', 'icelake-sp'], 'one-address-width', 1],
    [['haswell', 'skylake-sp', 'x86-64-v2'], 'one-address-width', 0],
    [['haswell', 'epyc-rome'], 'one_vendor,avx2', 1],
  ])('of %j %s gives %i', (of, wanted, status) => {
    expect(cpugate(['baseline', ...of, '--require', wanted]).status).toBe(status);
  });
  it('what is not asked for is accepted, and it is said so', () => {
    const { out } = cpugate(['baseline', 'haswell', 'epyc-rome']);
    expect(out).toMatch(
      /\nAccepted with these hosts.*\n {2}- The vendors stay AuthenticAMD and GenuineIntel/,
    );
    expect(out).toMatch(/--require\s+one-vendor/);
    const json = jsonOf(['baseline', 'haswell', 'epyc-rome', '--json']);
    expect(json.accepts).toEqual({
      vendors: ['AuthenticAMD', 'GenuineIntel'],
      cacheLineBytes: [64],
      linearAddressBits: [48],
    });
    expect(cpugate(['baseline', 'haswell', 'skylake-sp']).out).not.toContain('Accepted');
  });
  it('says which hosts differ, and writes nothing then', () => {
    const file = join(folder, 'mixed.json');
    const asked = ['baseline', 'haswell', 'epyc-rome', 'nehalem', '--require', 'one-vendor'];
    const { out } = cpugate([...asked, '-o', file]);
    expect(out).toMatch(
      /^Required\n {2}not met one-vendor\n {4}AuthenticAMD: epyc-rome \(1 of 3\)\n {4}GenuineIntel: haswell, nehalem \(2 of 3\)\n/,
    );
    expect(existsSync(file)).toBe(false);
    const json = jsonOf([...asked, '--json']);
    expect(validate(json)).toBe(true);
    expect(json.required).toEqual([
      {
        name: 'one-vendor',
        met: false,
        missing: [],
        values: [
          { value: 'AuthenticAMD', hosts: ['epyc-rome'], count: 1 },
          { value: 'GenuineIntel', hosts: ['haswell', 'nehalem'], count: 2 },
        ],
      },
    ]);
  });
  it('says which hosts are to blame', () => {
    const { out } = cpugate(['baseline', hosts, '--require', 'v3,fma']);
    expect(out).toContain('not kept x86-64-v3');
    expect(out).toMatch(/not kept x86-64-v3\n {4}avx .*movbe.*\n {6}old-1 \(1 of 3\) lacks it\n/);
    const json = jsonOf(['baseline', hosts, '--require', 'fma', '--json']);
    expect(validate(json)).toBe(true);
    expect(json.required).toEqual([
      {
        name: 'fma',
        met: false,
        missing: [
          {
            feature: 'fma',
            because: [
              { kind: 'lacking', hosts: ['old-1'], count: 1 },
              { kind: 'prerequisite', feature: 'avx' },
            ],
          },
        ],
      },
    ]);
  });
});

describe('a stream', () => {
  const line = (name: string) => text({ ...HASWELL, name });
  it('names the line that is bad', () => {
    const bad = `${line('a')}\n${line('b')}\n{"kind": "cpugate-host-profile"}\n`;
    const outcome = cpugate(['baseline', '-'], { input: bad });
    expect(isPlainFailure(outcome)).toBe(true);
    expect(outcome.err).toContain('standard input:3');
  });
  it('goes on behind it where that is asked for, and says so', () => {
    const bad = `${line('a')}\nnonsense\n${line('b')}\n`;
    const { status, out, err } = cpugate(['baseline', '-', '--skip-unreadable', '--json'], {
      input: bad,
    });
    expect(status).toBe(0);
    expect(JSON.parse(out).hostCount).toBe(2);
    expect(err).toMatch(/passed over: standard input:2/);
  });
  it('of baselines folds them', () => {
    const one = JSON.stringify(JSON.parse(readFileSync(cluster, 'utf8')));
    expect(jsonOf(['baseline', '-', '--json'], `${one}\n${one}\n`).hostCount).toBe(6);
  });
  it('read the short way is read as the long way', () => {
    const names = ['a', 'é', 'c "cpus": [] \\', 'd'];
    const plans = [HASWELL, OLD, HASWELL, { ...HASWELL, system: { hwcap2: 0n } }];
    const lines = [0, 1, 2, 3, 0, 1, 2, 3].map((n) =>
      text({ ...(plans[n] as HostPlan), name: names[n] as string }),
    );
    const files = join(folder, 'one-by-one');
    mkdirSync(files);
    lines.forEach((one, n) => {
      writeFileSync(join(files, `${n}.json`), one);
    });
    expect(jsonOf(['baseline', '-', '--json'], lines.join('\n'))).toEqual(
      jsonOf(['baseline', files, '--json']),
    );
  });
  it('may begin with a byte order mark and end its lines as Windows does', () => {
    const lines = ['a', 'b'].map((name) => `${text({ ...HASWELL, name })}\r\n`);
    expect(jsonOf(['baseline', '-', '--json'], `\ufeff${lines.join('')}`)).toMatchObject({
      hostCount: 2,
    });
  });
  it('without an end of line has its last host too', () => {
    expect(jsonOf(['baseline', '-', '--json'], `${line('a')}\n${line('b')}`).hostCount).toBe(2);
  });
  it('takes 20,000 hosts', () => {
    const profile = JSON.stringify(JSON.parse(fixtureText('profile')));
    const lines = Array.from({ length: 20_000 }, (_, n) =>
      profile.replace(/"name":"[^"]*"/, `"name":"h${n}"`),
    );
    const json = jsonOf(['baseline', '-', '--json'], lines.join('\n'));
    expect(json.hostCount).toBe(20_000);
    expect((json.hosts as unknown[]).length).toBe(1);
  });
});

describe('sources that cannot be read', () => {
  it('are all named, and end it', () => {
    const mixed = join(folder, 'mixed');
    mkdirSync(mixed);
    writeFileSync(join(mixed, 'a.json'), '{');
    writeFileSync(join(mixed, 'b.json'), text(HASWELL));
    writeFileSync(join(mixed, 'c.txt'), 'no host');
    const outcome = cpugate(['baseline', mixed]);
    expect(isPlainFailure(outcome)).toBe(true);
    expect(outcome.err).toContain('a.json');
    expect(outcome.err).toContain('c.txt');
    const skipping = cpugate(['baseline', mixed, '--skip-unreadable', '--json']);
    expect(skipping.status).toBe(0);
    expect(JSON.parse(skipping.out).hostCount).toBe(1);
    expect(skipping.err).toContain('passed over');
  });
  it.each([
    ['nothing', []],
    ['a file that is not there', ['nowhere.json']],
    ['an empty folder', ['EMPTY']],
    ['nothing but an empty stream', ['-']],
    ['a level that is none', ['haswell', '--require', 'x86-64-v9']],
    ['a feature that is none', ['haswell', '--without', 'warp_drive']],
    ['a feature that tasks do not see', ['haswell', '--without', 'smep']],
    ['a feature of every 64-bit CPU', ['haswell', '--without', 'clflush']],
    ['--to alone', ['haswell', '--to', 'CLUSTER']],
    ['--add without --to', ['--add', 'haswell']],
    ['--add to what is no baseline', ['--add', 'haswell', '--to', 'WEB']],
    ['--add and --remove', ['--add', 'haswell', '--remove', 'web-1', '--to', 'CLUSTER']],
    ['--remove of a stranger', ['--remove', 'web-9', '--to', 'CLUSTER']],
    ['--remove of a model that is no member', ['--remove', 'epyc-rome', '--to', 'CLUSTER']],
  ])('%s fails plainly', (_, args) => {
    const empty = join(folder, 'empty');
    mkdirSync(empty, { recursive: true });
    const real = args.map((arg) =>
      arg === 'CLUSTER'
        ? cluster
        : arg === 'WEB'
          ? join(hosts, 'web-1.json')
          : arg === 'EMPTY'
            ? empty
            : arg,
    );
    expect(isPlainFailure(cpugate(['baseline', ...real]))).toBe(true);
  });
});

describe('--add', () => {
  it('lets a host join that has all, and writes the larger cluster', () => {
    const joined = join(folder, 'joined.json');
    const host = join(folder, 'web-3.json');
    writeFileSync(host, text({ ...HASWELL, name: 'web-3' }));
    const { status, out } = cpugate(['baseline', '--add', host, '--to', cluster, '-o', joined]);
    expect(status).toBe(0);
    expect(out).toContain('joins without loss');
    expect(JSON.parse(readFileSync(joined, 'utf8')).hostCount).toBe(4);
  });
  it.each([
    ['hints, which no task misses', ['erms'], 'joins; what is lost no task misses', 'erms'],
    ['what is a risk', ['nonstop_tsc'], 'joins, with the risks below', undefined],
    ['nothing', [], 'joins without loss', undefined],
  ] as const)('says what a host costs that lacks %s', (_, lacking, verdict, unmissed) => {
    const plan: HostPlan = { ...HASWELL, features: [...HASWELL.features, 'nonstop_tsc'] };
    const features = plan.features.filter((name) => !lacking.some((one) => one === name));
    const before = join(folder, 'before.json');
    const host = join(folder, 'joiner.json');
    writeFileSync(host, text({ ...plan, features }));
    cpugate(['baseline', '-', '-o', before], { input: text(plan) });
    const { status, out } = cpugate(['baseline', '--add', host, '--to', before]);
    expect([status, out.split('\n')[0]]).toEqual([0, `${host}: ${verdict}`]);
    const own = /Lost, but no task misses it \(1\)\n {2}(\w+)/.exec(out)?.[1];
    expect(own).toBe(unmissed);
  });
  it('refuses one whose XSAVE area is above the floor, with the remedy, and writes nothing', () => {
    const joined = join(folder, 'refused.json');
    const small = join(folder, 'small.json');
    cpugate(['baseline', 'haswell', '-o', small]);
    const { status, out } = cpugate([
      'baseline',
      '--add',
      'skylake-sp',
      '--to',
      small,
      '-o',
      joined,
    ]);
    expect(status).toBe(1);
    expect(out).toMatch(/xsave-area-grows[\s\S]*2696[\s\S]*832[\s\S]*clearcpuid=/);
    expect(() => readFileSync(joined)).toThrow();
  });
  it.each(['haswell', 'x86-64-v3', 'localhost'])('is no change of a host: --to %s', (to) => {
    const outcome = cpugate(['baseline', '--add', 'haswell', '--to', to]);
    expect(isPlainFailure(outcome)).toBe(true);
    expect(outcome.err).toContain(`${to}: is not a baseline\n  Make one of any hosts`);
  });
  it('tells programs the same', () => {
    const json = jsonOf(['baseline', '--add', 'opteron-g3', '--to', cluster, '--json']);
    expect(validateChange(json), JSON.stringify(validateChange.errors)).toBe(true);
    expect(json).toMatchObject({ change: 'add', accepted: false });
  });
});

describe('--remove', () => {
  it('tells what is gained, by name', () => {
    const { status, out } = cpugate(['baseline', '--remove', 'old-1', '--to', cluster]);
    expect(status).toBe(0);
    expect(out).toMatch(/Without old-1: \+ \d+ features/);
    expect(out).toContain('from x86-64-v2 to x86-64-v3');
  });
  it('by record, keeps the floor, and writes the smaller cluster', () => {
    const left = join(folder, 'left.json');
    const json = jsonOf([
      'baseline',
      '--remove',
      join(hosts, 'web-1.json'),
      '--to',
      cluster,
      '--json',
      '-o',
      left,
    ]);
    expect(validateChange(json), JSON.stringify(validateChange.errors)).toBe(true);
    expect(json).toMatchObject({ change: 'remove', gained: [] });
    const file = JSON.parse(readFileSync(left, 'utf8'));
    expect(file.hosts.flatMap(({ names }: { names: string[] }) => names).sort()).toEqual([
      'old-1',
      'web-2',
    ]);
    expect(file.floors.size).toBe(832);
  });
  it('does not empty a cluster', () => {
    const one = join(folder, 'one.json');
    cpugate(['baseline', 'haswell', '-o', one]);
    const outcome = cpugate(['baseline', '--remove', 'haswell', '--to', one]);
    expect(isPlainFailure(outcome)).toBe(true);
    expect(outcome.err).toContain('only host');
  });
});

describe('explain --why', () => {
  it('goes down to the hosts', () => {
    const { status, out } = cpugate(['explain', '--why', 'avx2', cluster]);
    expect(status).toBe(0);
    expect(out).toMatch(/2 of 3 hosts have it/);
    expect(out).toContain('old-1 (1 of 3) lacks it');
    expect(out).toContain('it needs avx');
    expect(out).toContain('it needs osxsave');
  });
  it('tells programs the same', () => {
    const json = jsonOf(['explain', '--why', 'lzcnt', cluster, '--json']);
    expect(validateWhy(json), JSON.stringify(validateWhy.errors)).toBe(true);
    expect(json).toMatchObject({ feature: 'abm', kept: false, having: 2, hosts: 3 });
  });
  it('says of a feature that is kept that it is', () => {
    expect(cpugate(['explain', '--why', 'sse2', cluster]).out).toContain('all 3 hosts have it');
  });
  it.each([
    ['a model', () => 'nehalem'],
    ['a level', () => 'x86-64-v2'],
    ['a host', () => join(hosts, 'old-1.json')],
    ['a folder of hosts', () => hosts],
  ])('takes %s for the baseline of it', (_, baseline) => {
    const { status, out, err } = cpugate(['explain', '--why', 'avx2', baseline()]);
    expect([status, err]).toEqual([0, '']);
    expect(out).toMatch(/^Not in /m);
  });
  it.each([
    ['without a baseline', ['--why', 'avx2']],
    ['with one and without --why', ['avx2', 'CLUSTER']],
    ['of what tasks do not see', ['--why', 'smep', 'CLUSTER']],
  ])('%s fails plainly', (_, args) => {
    const real = args.map((arg) => (arg === 'CLUSTER' ? cluster : arg));
    expect(isPlainFailure(cpugate(['explain', ...real]))).toBe(true);
  });
});

describe('check', () => {
  it('under a mask counts only what the mask shows, and its sizes', () => {
    const wide = join(folder, 'wide.json');
    cpugate(['baseline', 'haswell', 'skylake-sp', '-o', wide]);
    expect(cpugate(['check', 'skylake-sp', 'haswell']).status).toBe(1);
    expect(cpugate(['check', 'haswell', 'skylake-sp']).status).toBe(1);
    for (const [from, to] of [
      ['skylake-sp', 'haswell'],
      ['haswell', 'skylake-sp'],
    ] as const) {
      const json = jsonOf(['check', from, to, '--mask', wide, '--json']);
      expect(validateCheck(json), JSON.stringify(validateCheck.errors)).toBe(true);
      expect(json).toMatchObject({ verdict: 'compatible', mask: 'wide.json' });
    }
    // The mask promises 2696 bytes; this host writes more.
    expect(cpugate(['check', 'haswell', 'sapphirerapids', '--mask', wide]).status).toBe(1);
    expect(cpugate(['check', 'haswell', 'skylake-sp', '--mask', wide]).out).toContain(
      'under wide.json',
    );
  });
  it('takes a baseline as a host', () => {
    expect(cpugate(['check', cluster, join(hosts, 'web-1.json')]).status).toBe(0);
    expect(cpugate(['check', join(hosts, 'web-1.json'), cluster]).status).toBe(1);
    expect(jsonOf(['show', cluster, '--json'])).toMatchObject({
      format: 'baseline',
      level: 'x86-64-v2',
    });
  });
  it('refuses a mask that is none', () => {
    const outcome = cpugate(['check', 'haswell', 'haswell', '--mask', 'package.json']);
    expect(isPlainFailure(outcome)).toBe(true);
    expect(outcome.err).toContain('package.json: ');
  });
});

describe('baseline --check', () => {
  it('ends as check does, and its JSON is as the schema says', () => {
    const checked = (args: readonly string[], input = '') =>
      cpugate(['baseline', '--check', cluster, ...args], { input });
    const all = checked([hosts]);
    expect({ status: all.status, err: all.err }).toEqual({ status: 0, err: '' });
    expect(all.out).toContain('all 3 hosts still fit');
    const older = text({ ...OLD, features: V2.filter((name) => name !== 'sse4_2') });
    const failed = checked(['-', '--json'], older);
    expect(failed.status).toBe(1);
    const json = JSON.parse(failed.out);
    expect([validateDrift(json), validateDrift.errors]).toEqual([true, null]);
    expect(json).toMatchObject({ verdict: 'incompatible', hosts: 1, missing: ['web-1', 'web-2'] });
    const untold = text({
      ...OLD,
      features: V2.filter((one) => one !== 'popcnt'),
      untold: ['popcnt'],
    });
    expect(checked(['-'], untold).status).toBe(4);
    expect(checked(['-', '--fail-on', 'incompatible'], untold).status).toBe(0);
  });
  it.each([
    [[], 'HOST is missing'],
    [['x86-64-v2', '-o', 'x.json'], "--output doesn't go with --check"],
    [['x86-64-v2', '--to', 'x.json'], "--to doesn't go with --check"],
    [['x86-64-v2', '--without', 'avx'], "--without doesn't go with --check"],
  ])('%j is wrong usage', (args, why) => {
    const outcome = cpugate(['baseline', '--check', cluster, ...args]);
    expect(isPlainFailure(outcome)).toBe(true);
    expect(outcome.err).toContain(why);
  });
  it('takes no host for a baseline', () => {
    expect(isPlainFailure(cpugate(['baseline', '--check', 'haswell', hosts]))).toBe(true);
    expect(isPlainFailure(cpugate(['baseline', 'haswell', '--fail-on', 'unknown']))).toBe(true);
  });
});
