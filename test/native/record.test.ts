/**
 * The record that cpugate-probe prints is the one of "cpugate probe": on this machine, and on machines
 * that nobody has, told to both.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PER_CPU_FIELDS } from '../../src/catalogue/per-cpu-fields.js';
import { readHost } from '../../src/formats/index.js';
import { profileJson } from '../../src/formats/profile.js';
import { isInputError } from '../../src/model/errors.js';
import { printableJson } from '../../src/model/printable.js';
import type { FaultingVerdict } from '../../src/probe/addon.js';
import { hostFromAnswers, type MachineAnswers } from '../../src/probe/host-from-answers.js';
import { cpugate, root } from '../cli/run.js';
import { bytesOf, concatenate, elf, gnuNote, isaNeeded } from '../probe/elf.js';
import { build, compilerIsHere } from './sanitized.js';

const probe = join(root, 'native/build/Release/cpugate-probe');

/** What one run has and the next hasn't: the time, and what a thread used just then. */
function withoutMoment(text: string): unknown {
  const { taken, ...rest } = JSON.parse(text);
  expect(new Date(taken).toISOString()).toBe(taken);
  return {
    ...rest,
    cpus: rest.cpus.map(({ xinuse, ...cpu }: { xinuse: string }) => {
      expect(xinuse === undefined || /^0x[0-9a-f]+$/.test(xinuse)).toBe(true);
      return cpu;
    }),
  };
}

describe.skipIf(!existsSync(probe))('cpugate-probe', () => {
  const printed = () => execFileSync(probe, { encoding: 'utf8' });

  test('prints what "cpugate probe" prints', () => {
    const other = cpugate(['probe']);
    expect(other.status).toBe(0);
    expect(withoutMoment(printed())).toEqual(withoutMoment(other.out));
  });

  test('prints a profile that can be read', async () => {
    const host = await readHost('probe', Buffer.from(printed()));
    expect(host.kind).toBe('system');
    expect(host.cpus[0]?.leaves.rows.length).toBeGreaterThan(10);
  });

  test('takes a name, whatever is in it', () => {
    const name = 'näme "\\\u0001\u202e 🐧';
    const out = execFileSync(probe, ['--name', name], { encoding: 'utf8' });
    expect(JSON.parse(out).name).toBe(name);
    expect(out).not.toContain('\u202e');
  });

  test.each([
    [['--name'], 'needs a name'],
    [['--name', ''], 'needs a name'],
    [['--nome', 'x'], 'doesn\'t know "--nome"'],
  ])('%j: status 2 and one line', (args, why) => {
    const { status, stdout, stderr } = spawnSync(probe, args, { encoding: 'utf8' });
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^cpugate-probe: .*\n$/);
    expect(stderr).toContain(why);
  });

  test('fails where nobody takes what it prints', () => {
    const { status, stderr } = spawnSync('sh', ['-c', '"$0" > /dev/full', probe], {
      encoding: 'utf8',
    });
    expect(status).toBe(2);
    expect(stderr).toContain("can't write");
  });
});

type Text = string | Uint8Array | undefined;

function textLine(key: string, text: Text): string[] {
  return text === undefined ? [] : [`${key} ${Buffer.from(text).toString('hex')}`];
}

/** As native/probe/record_test.cc takes it. The C library's version stands in its file there. */
function told(machine: MachineAnswers): string {
  const hex = (value: bigint | number) => value.toString(16);
  const lines = machine.cpus.flatMap((cpu) => {
    const rows: string[] = [];
    for (let at = 0; at < cpu.leaves.length; at += 6)
      rows.push(`row ${[...cpu.leaves.subarray(at, at + 6)].map(hex).join(' ')}`);
    return [
      `cpu ${cpu.cpu} ${cpu.error}`,
      ...rows,
      ...(cpu.xcr0 === undefined ? [] : [`xcr0 ${hex(cpu.xcr0)}`]),
      ...(cpu.xinuse === undefined ? [] : [`xinuse ${hex(cpu.xinuse)}`]),
    ];
  });
  const { how, number } = machine.faulting as FaultingVerdict;
  return [
    ...lines,
    ...textLine('hostname', machine.hostname),
    ...textLine('kernel', machine.kernel),
    ...textLine('online', machine.onlineCpus),
    ...textLine('cpuinfo', machine.cpuinfo && Buffer.from(machine.cpuinfo, 'latin1')),
    ...textLine('auxv', machine.auxiliaryVector),
    ...textLine('libc', machine.libc),
    ...(machine.xcompSupported === undefined ? [] : [`xcomp ${hex(machine.xcompSupported)}`]),
    `faulting ${how} ${number}`,
    'end\n',
  ].join('\n');
}

/** What "cpugate probe" would print, or why it wouldn't. */
function expected(machine: MachineAnswers): unknown {
  try {
    return JSON.parse(printableJson(profileJson(hostFromAnswers(machine))));
  } catch (error) {
    if (!isInputError(error)) throw error;
    return error.message;
  }
}

const word = fc.oneof(
  fc.constantFrom(0, 1, 0xffffffff, 0x80000000, 0x00ff00ff),
  fc.nat(0xffffffff),
);
const HIGHEST = new Map<number, fc.Arbitrary<number>>([
  [0, fc.constantFrom(0, 7, 0x1f, 0x80000008, 0xffffffff)],
  [0x40000000, fc.constantFrom(0, 0x40000001, 0x40000100, 0x80000000)],
  [0x80000000, fc.constantFrom(0, 7, 0x80000008, 0x80000021, 0x80000026, 0xc0000000)],
  [0xc0000000, fc.constantFrom(0, 0xc0000004)],
]);
const LEAVES = [0, 1, 6, 7, 0xb, 0xd, 0x1f, 0x40000000, 0x40000001, 0x40000100, 0x80000000];
const MORE_LEAVES = [0x80000008, 0x8000001e, 0x80000021, 0x80000026, 0xc0000000, 0xc0000001];
const SUBLEAVES = new Set([7, 0xb, 0xd, 0x1f, 0x80000026]);
const KVM = [0x4b4d564b, 0x564b4d56, 0x4d];

const rows = fc
  .tuple(
    ...[...LEAVES, ...MORE_LEAVES].map((leaf) =>
      fc
        .record({
          isThere: fc.boolean(),
          subleaves: SUBLEAVES.has(leaf) ? fc.nat(2) : fc.constant(0),
          eax: HIGHEST.get(leaf) ?? word,
          rest:
            leaf === 0x40000000
              ? fc.constantFrom(KVM, [0, 0, 0], [0x0a41, 0, 0x42])
              : fc.tuple(word, word, word),
        })
        .map(({ isThere, subleaves, eax, rest }) =>
          // Every probe asks for these (native/probe/enumerate.cc).
          isThere || [0, 1, 0x80000000, 0xc0000000].includes(leaf)
            ? Array.from({ length: subleaves + 1 }, (_, subleaf) => [leaf, subleaf, eax, ...rest])
            : [],
        ),
    ),
  )
  .map((all) => all.flat());

/** Some CPUs of a machine are alike, some but for a field that is each CPU's own, some aren't. */
const cpus = fc
  .tuple(rows, rows, fc.option(fc.bigInt(0n, 0xffn), { nil: undefined }))
  .chain(([some, others, xcr0]) =>
    fc.uniqueArray(
      fc.record({
        cpu: fc.nat(130),
        error: fc.constantFrom(0, 0, 0, 0, 11, 22, 1, 3),
        of: fc.constantFrom(some, some, others),
        own: word,
        xcr0: fc.constantFrom(xcr0, xcr0, 7n),
        xinuse: fc.option(fc.bigInt(0n, 2n ** 64n - 1n), { nil: undefined }),
      }),
      { selector: (one) => one.cpu, minLength: 1, maxLength: 6 },
    ),
  );

function withOwnFields(all: readonly (readonly number[])[], own: number): number[] {
  return all.flatMap(([leaf = 0, subleaf = 0, eax = 0, ebx = 0, ecx = 0, edx = 0]) => {
    const registers = { eax, ebx, ecx, edx };
    for (const field of PER_CPU_FIELDS)
      if (field.leaf === leaf)
        registers[field.reg] = ((registers[field.reg] & ~field.bits) | (own & field.bits)) >>> 0;
    return [leaf, subleaf, registers.eax, registers.ebx, registers.ecx, registers.edx];
  });
}

const cpuinfo = fc
  .array(
    fc.record({
      flags: fc.subarray(['fpu', 'sse2', 'avx2', 'amx_tile', 'sm\u00f6g']),
      microcode: fc.constantFrom('0x1', '0x2', ''),
      key: fc.constantFrom('flags\t\t', 'flags ', 'vmx flags\t', ' flags'),
    }),
    { maxLength: 3 },
  )
  .map((all) =>
    all
      .map(
        ({ flags, microcode, key }, cpu) =>
          `processor\t: ${cpu}\n:\nmicrocode\t: ${microcode}\n${key}: ${flags.join(' ')}\n\n`,
      )
      .join(''),
  );

const libc = fc
  .record({
    notes: fc.constantFrom(
      isaNeeded(1),
      isaNeeded(3),
      isaNeeded(0x10),
      isaNeeded(0),
      [1, 4, 7, 0],
      [0xc0008002, 400],
    ),
    type: fc.constantFrom(5, 5, 5, 1),
    segment: fc.constantFrom(0x6474e553, 4, 1),
    alignment: fc.constantFrom(8, 4),
    cut: fc.constantFrom(0, 0, 0, 4, 30),
    before: fc.constantFrom(new Uint8Array(), gnuNote(3, 1, 2, 3, 4), bytesOf(2, 3, 5, 0x4141, 0)),
    version: fc.constantFrom('2.36', '2.5', '2.41.9000'),
    banner: fc.constantFrom('stable', 'development'),
  })
  .map(({ notes, type, segment, alignment, cut, before, version, banner }) => {
    const whole = elf({ segment, alignment, notes: concatenate(before, gnuNote(type, ...notes)) });
    const text = `GNU C Library (Debian GLIBC ${version}-9) ${banner} release version ${version}.\n`;
    // The notes lie at the file's end: the banner behind them doesn't become a part of them.
    const file = concatenate(whole.subarray(0, whole.length - cut), new TextEncoder().encode(text));
    return { file, version };
  });

const VERDICTS: readonly FaultingVerdict[] = [
  ...(['works', 'no-trap', 'timeout', 'lost'] as const).map((how) => ({ how, number: 0 })),
  ...[19, 22, 38].map((number) => ({ how: 'unsupported', number }) as const),
  ...[1, 13, 38, 99_999].map((number) => ({ how: 'refused', number }) as const),
  ...[11, 12].map((number) => ({ how: 'no-child', number }) as const),
  ...[1, 2].map((number) => ({ how: 'odd-trap', number }) as const),
  ...[...new Set(Object.values(constants.signals)), 63].map(
    (number) => ({ how: 'killed', number }) as const,
  ),
];

const pair = fc.tuple(fc.constantFrom(6n, 16n, 26n, 51n, 33n), fc.bigInt(0n, 2n ** 32n - 1n));
const auxiliaryVector = fc.array(pair, { maxLength: 6 }).map((pairs) => {
  const types = new Set<bigint>();
  const unique = pairs.filter(([type]) => !types.has(type) && types.add(type));
  return new Uint8Array(new BigUint64Array([...unique.flat(), 0n, 0n, 16n, 99n]).buffer);
});

const optional = <T>(one: fc.Arbitrary<T>) => fc.option(one, { nil: undefined });

const machines = fc
  .record({
    hostname: fc.oneof(fc.constantFrom('', '(none)', 'web-7'), fc.string({ unit: 'grapheme' })),
    kernel: fc.constantFrom('6.12.1', '3.10.0-1160.el7.x86_64'),
    cpus,
    onlineCpus: optional(fc.constantFrom('0-1\n', '0-3,8-129\n', '0\n')),
    cpuinfo: optional(cpuinfo),
    auxiliaryVector: optional(auxiliaryVector),
    libc: optional(libc),
    xcompSupported: optional(fc.bigInt(0n, 2n ** 64n - 1n)),
    faulting: fc.constantFrom(...VERDICTS),
  })
  .map(
    (machine): MachineAnswers => ({
      ...machine,
      libc: machine.libc?.file,
      glibcVersion: machine.libc?.version,
      cpus: machine.cpus.map(({ cpu, error, of, own, xcr0, xinuse }) => ({
        cpu,
        error,
        leaves: new Uint32Array(error === 0 ? withOwnFields(of, own) : []),
        xcr0: error === 0 ? xcr0 : undefined,
        xinuse: error === 0 ? xinuse : undefined,
      })),
    }),
  );

describe.skipIf(!compilerIsHere)('the record in C++ and the one in TypeScript', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cpugate-record-'));
  const program = join(folder, 'record_test');
  const names = ['record', 'leaves', 'json', 'libc_file', 'cpuinfo_file', 'faulting_reason'];
  const sources = ['record_test', ...names].map((name) => `probe/${name}.cc`);
  beforeAll(() => build(program, [...sources, 'cpu/affinity.cc']), 120_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function printed(all: readonly MachineAnswers[]): unknown[] {
    const input = all.map(told).join('');
    const out = execFileSync(program, { input, encoding: 'utf8', maxBuffer: 1 << 28 });
    const records = out.split(/^end\n/m).slice(0, -1);
    return records.map((text) => (text.startsWith('{') ? JSON.parse(text) : text.trim()));
  }

  test('are the same for any machine', () => {
    const all = fc.sample(machines, { numRuns: 600, seed: 16 });
    const records = all.map(expected);
    const differs = printed(all).findIndex((one, place) => !isDeepStrictEqual(one, records[place]));
    expect(printed(all)[differs]).toEqual(records[differs]);
    // What is tried is there: CPUs that differ, hosts without any, levels, remarks.
    const texts = records.map((one) => JSON.stringify(one));
    for (const sign of ['"isaLevel":2', '"logical":"', 'no CPU could be asked', 'went offline'])
      expect(texts.filter((text) => text.includes(sign)).length, sign).toBeGreaterThan(5);
    expect(texts.filter((text) => text.split('"logical"').length > 2).length).toBeGreaterThan(50);
  });

  test.each(VERDICTS.map((one) => [JSON.stringify(one), one] as const))(
    'have the same words for %s',
    (_, faulting) => {
      const [machine] = fc.sample(machines, { numRuns: 1, seed: 1 });
      const cpu = { cpu: 0, error: 0, xcr0: undefined, xinuse: undefined };
      const leaves = (gp: number, hypervisor: number) =>
        new Uint32Array(
          [
            [0, 0, 1, 0, 0, 0],
            [1, 0, 0, 0, hypervisor, 0],
            [0x40000000, 0, 0x40000001, ...KVM],
            [0x80000000, 0, 0x80000021, 0, 0, 0],
            [0x80000021, 0, gp, 0, 0, 0],
          ].flat(),
        );
      const all = [leaves(0, 0), leaves(0, 0x80000000), leaves(1 << 17, 0x80000000)].map((of) => ({
        ...(machine as MachineAnswers),
        cpus: [{ ...cpu, leaves: of }],
        faulting,
      }));
      expect(printed(all)).toEqual(all.map(expected));
    },
  );
});
