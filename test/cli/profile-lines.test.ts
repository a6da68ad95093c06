import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { besideKind } from '../../src/baseline/cluster.js';
import { kindKey, kindOf } from '../../src/baseline/host-kind.js';
import { ProfileLines } from '../../src/cli/profile-lines.js';
import { readHost } from '../../src/formats/index.js';
import { profileJson } from '../../src/formats/profile.js';
import { KindFold } from '../../src/matrix/kinds.js';
import { describeHost } from '../../src/model/capabilities.js';
import { isInputError } from '../../src/model/errors.js';
import { fixtureText } from '../formats/fixture.js';
import { HASWELL, hostOf } from '../hosts.js';

const LINES = [
  JSON.stringify(JSON.parse(fixtureText('profile'))),
  JSON.stringify(JSON.parse(fixtureText('maxProfile'))),
  JSON.stringify(profileJson(hostOf({ ...HASWELL, system: { cpuinfoFlags: ['fpu', 'sse'] } }))),
];

/** As "cpugate probe" writes them, a file each. */
const FILES = LINES.map((line) => `${JSON.stringify(JSON.parse(line), null, 1)}\n`);

/** Kinds of the matrix, which stands for all that sort: another number is another verdict. */
const sorter = new KindFold();

/** What the long way makes of a line; undefined where it refuses it. */
async function longWay(line: string) {
  try {
    const host = await readHost('line', Buffer.from(line));
    const seen = describeHost(host);
    const kind = kindOf(seen);
    const [key, sorted] = [kindKey(kind), sorter.add(seen)];
    return { kind, key, name: host.name, beside: besideKind(seen), sorted };
  } catch (error) {
    if (!isInputError(error)) throw error;
    return undefined;
  }
}

async function trained(lines: readonly string[] = LINES): Promise<ProfileLines> {
  const short = new ProfileLines();
  for (const line of lines) {
    const folded = await longWay(line);
    if (folded === undefined) throw new Error('a fixture is damaged');
    short.remember(Buffer.from(line), folded);
  }
  return short;
}

const edit = fc.oneof(
  // A byte anywhere, a hexadecimal digit somewhere, another name, an entry more.
  fc.record({ at: fc.nat(), by: fc.constantFrom('"', '}', ']', '\\', '0', 'f', 'z', ',', '') }),
  fc.record({ digit: fc.nat(), by: fc.constantFrom('0', '1', '7', 'c', 'f') }),
  fc.record({ name: fc.string({ unit: 'binary' }) }),
  fc.record({
    entry: fc.constantFrom('"cpus":[]', '"cpus": null', '"system":{"cpuinfoFlags":[]}'),
  }),
);

function apply(line: string, change: Record<string, unknown>): string {
  if (typeof change.name === 'string')
    return line.replace(/"name":"[^"]*"/, () => `"name":${JSON.stringify(change.name)}`);
  if (typeof change.entry === 'string') return line.replace('{', `{${change.entry},`);
  if (typeof change.digit === 'number') {
    const digits = [...line.matchAll(/(?<=0x[0-9a-f]{0,7})[0-9a-f]/g)];
    const at = digits[change.digit % digits.length]?.index as number;
    return line.slice(0, at) + change.by + line.slice(at + 1);
  }
  const at = (change.at as number) % line.length;
  return line.slice(0, at) + change.by + line.slice(at + 1);
}

describe('the short way through a stream', () => {
  it('knows what it has met, whatever the name', async () => {
    const short = await trained();
    for (const line of LINES) {
      const renamed = line.replace(/"name":"[^"]*"/, '"name":"käse"');
      expect(short.find(Buffer.from(renamed))).toEqual(await longWay(renamed));
      expect(short.find(Buffer.from(renamed))?.name).toBe('käse');
    }
  });
  it('knows whole files as well', async () => {
    const short = await trained(FILES);
    for (const file of FILES) {
      const renamed = file.replace(/"name": "[^"]*"/, '"name": "käse"');
      expect(renamed).toContain('käse');
      expect(short.find(Buffer.from(renamed))).toEqual(await longWay(renamed));
      expect(short.find(Buffer.from(`${renamed} x`))).toBeUndefined();
    }
    const [file = ''] = FILES;
    const newer = file.replace(/(0x00000007 0x00: 0x[0-9a-f]{8} 0x)[0-9a-f]{8}/, '$100000001');
    expect(newer).not.toBe(file);
    expect(short.find(Buffer.from(newer))).toBeUndefined();
  });
  it('knows hosts by what tells, not by their time stamp counters', async () => {
    const short = await trained();
    const line = LINES[0] as string;
    const leaf = /(0x40000000 0x00: 0x)[0-9a-f]{8}/;
    expect(line).toMatch(leaf);
    const slower = line.replace(leaf, '$10badcafe');
    expect(short.find(Buffer.from(slower))?.key).toBe((await longWay(line))?.key);
    const newer = line.replace(/(0x00000007 0x00: 0x[0-9a-f]{8} 0x)[0-9a-f]{8}/, '$100000001');
    expect(newer).not.toBe(line);
    expect(short.find(Buffer.from(newer))).toBeUndefined();
  });
  it('does not take one kernel for another', async () => {
    const short = await trained();
    const line = LINES[0] as string;
    const other = line.replace(/"minSigStackBytes":\d+/, '"minSigStackBytes":9999');
    expect(other).not.toBe(line);
    expect(short.find(Buffer.from(other))).toBeUndefined();
  });
  it('does not take one kernel for another that gives its tasks less, by the flags', async () => {
    const features = [...HASWELL.features, 'la57'] as const;
    const line = (cpuinfoFlags: readonly string[] | undefined) =>
      JSON.stringify(
        profileJson(
          hostOf({
            ...HASWELL,
            features,
            linearBits: 57,
            kind: 'system',
            system: { hwcap2: 2n, ...(cpuinfoFlags === undefined ? {} : { cpuinfoFlags }) },
          }),
        ),
      );
    const lines = [line(['fpu', 'la57']), line(['fpu']), line(undefined), line(['la57', 'sse'])];
    const short = new ProfileLines();
    for (const one of lines) {
      const long = await longWay(one);
      if (long === undefined) throw new Error('a fixture is damaged');
      // Before it was met: nothing, or the right kind of another that is alike.
      const found = short.find(Buffer.from(one));
      if (found !== undefined) expect(found).toEqual(long);
      short.remember(Buffer.from(one), long);
    }
    for (const one of lines) expect(short.find(Buffer.from(one))).toEqual(await longWay(one));
  });
  it.each([
    [
      'a kernel before 5.9 gives no word on FSGSBASE',
      { kernel: '5.4.0', cpuinfoFlags: ['fsgsbase'] },
    ],
    ['a kernel from 5.9 on prints what it gives', { kernel: '6.1.0', cpuinfoFlags: ['fpu'] }],
    [
      'a kernel that watches split locks',
      { kernel: '6.1.0', cpuinfoFlags: ['fsgsbase', 'split_lock_detect'] },
    ],
    [
      'another C library',
      { kernel: '6.1.0', cpuinfoFlags: ['fsgsbase'], glibc: { version: '2.17' } },
    ],
  ])('does not take for another: %s', async (_, system) => {
    const usual = {
      kernel: '6.1.0',
      cpuinfoFlags: ['fsgsbase'],
      glibc: { version: '2.36' },
    };
    const features = [...HASWELL.features, 'fsgsbase'] as const;
    const lineOf = (own: object) => {
      // Without AT_HWCAP2, which would tell more than the kernel's release and flags.
      const host = hostOf({ ...HASWELL, features, kind: 'system' });
      return JSON.stringify(profileJson({ ...host, system: own }));
    };
    const other = lineOf({ glibc: usual.glibc, ...system });
    for (const lines of [[lineOf(usual), other] as const, [other, lineOf(usual)] as const]) {
      const short = await trained([lines[0]]);
      expect(short.find(Buffer.from(lines[0]))).toEqual(await longWay(lines[0]));
      expect(short.find(Buffer.from(lines[1]))).toBeUndefined();
    }
  });
  it('takes hosts of several C libraries for one kind where nobody sorts', async () => {
    const lineOf = (version: string) =>
      JSON.stringify(
        profileJson(hostOf({ ...HASWELL, system: { hwcap2: 2n, glibc: { version } } })),
      );
    const short = new ProfileLines();
    const long = await longWay(lineOf('2.36'));
    if (long === undefined) throw new Error('a fixture is damaged');
    short.remember(Buffer.from(lineOf('2.36')), { ...long, sorted: undefined });
    const found = short.find(Buffer.from(lineOf('2.17')));
    expect(found?.key).toBe(long.key);
    expect(found?.beside.glibcVersion).toBe('2.17');
  });
  it('says nothing or the same as the long way, however the line is damaged', async () => {
    const short = await trained([...LINES, ...FILES]);
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...LINES, ...FILES),
        fc.array(edit, { minLength: 1, maxLength: 3 }),
        async (line, edits) => {
          const damaged = edits.reduce((text, one) => apply(text, one), line);
          const found = short.find(Buffer.from(damaged));
          if (found !== undefined) expect(found).toEqual(await longWay(damaged));
        },
      ),
      { numRuns: 1500 },
    );
  });
  it('stays right when it forgets', async () => {
    const short = new ProfileLines();
    const line = LINES[1] as string;
    const folded = await longWay(line);
    for (let n = 0; n < 40; n++) {
      const padded = line.replace('"cpus":', `"cpus":${' '.repeat(1_000_000 + n)}`);
      short.remember(Buffer.from(padded), folded as NonNullable<typeof folded>);
    }
    const last = line.replace('"cpus":', `"cpus":${' '.repeat(1_000_039)}`);
    expect(short.find(Buffer.from(last))?.key).toBe(folded?.key);
    const first = line.replace('"cpus":', `"cpus":${' '.repeat(1_000_000)}`);
    expect(short.find(Buffer.from(first))).toBeUndefined();
  });
});
