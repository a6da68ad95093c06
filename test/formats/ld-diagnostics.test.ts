/**
 * emerald-rapids.ld-diagnostics.txt is what ld.so of glibc 2.36 printed in a guest with Linux 6.18 and an
 * empty environment. The later layout, of all leaves, is made here from what "cpuid -r" printed in
 * recorded guests, by glibc's rules (sysdeps/x86/dl-diagnostics-cpu.c).
 */
import { describe, expect, it } from 'vitest';
import { cpuidRaw } from '../../src/formats/cpuid-raw.js';
import { ldDiagnostics } from '../../src/formats/ld-diagnostics.js';
import { describeHost, effectiveFeatures } from '../../src/model/capabilities.js';
import { type LeafRow, readRegister } from '../../src/model/leaves.js';
import { ALL_KNOWN } from '../../src/model/registers.js';
import { ABSENT, PRESENT, UNKNOWN } from '../../src/model/xsave.js';
import { dumpText, failureOf, linesOf, onlyCpu, readWith, recognises } from './dump-text.js';

const read = (text: string) => readWith(ldDiagnostics, text);
const seen = (text: string) => describeHost(read(text));
const TEXT = dumpText('emerald-rapids.ld-diagnostics');

/** The text with other values. */
function edit(changes: Readonly<Record<string, string | undefined>>): string {
  let text = TEXT;
  for (const [name, value] of Object.entries(changes)) {
    const line = text.split('\n').find((one) => one.startsWith(`${name}=`));
    if (line === undefined) throw new Error(`no ${name}`);
    text = text.replace(`${line}\n`, value === undefined ? '' : `${name}=${value}\n`);
  }
  return text;
}
const features = (index: number, kind: string, register: number) =>
  `x86.cpu_features.features[0x${index}].${kind}[0x${register}]`;

describe('some leaves of one CPU', () => {
  it('are as CPUID answered, and all else is unknown', () => {
    const host = read(TEXT);
    const { leaves } = onlyCpu(host);
    expect(host).toMatchObject({ format: 'ld-diagnostics', kind: 'system', remarks: [] });
    // The lines features[0x1].cpuid, features[0x6].cpuid and features[0x3].cpuid.
    expect(readRegister(leaves, 7, 0, 'ebx')).toEqual({ value: 0xf1bf27eb, known: ALL_KNOWN });
    expect(readRegister(leaves, 7, 1, 'eax')).toEqual({ value: 0x1c30, known: ALL_KNOWN });
    expect(readRegister(leaves, 0xd, 1, 'ebx')).toEqual({ value: 0x2a00, known: ALL_KNOWN });
    expect(readRegister(leaves, 0xd, 0, 'eax').known).toBe(0);
    expect(readRegister(leaves, 7, 2, 'edx').known).toBe(0);
    expect(readRegister(leaves, 0x80000002, 0, 'eax').known).toBe(0);
  });

  it('tell what the OS enabled, and the size of the area', () => {
    const host = seen(TEXT);
    expect([host.vendor, host.signature]).toEqual([
      'GenuineIntel',
      { family: 6, model: 207, stepping: 2 },
    ]);
    // x87, SSE, YMM, AVX-512, PKRU, tiles; 11008 bytes by CPUID 0xD.0 EBX of the same guest.
    expect(host.xsave.enabled).toEqual({ value: 0x602e7n, known: 0xffff_ffff_ffff_ffffn });
    expect(host.xsave.areaBytes).toBe(11008);
    expect(host.xsave.compactedBytes).toBe(10752);
    for (const name of ['avx2', 'avx512_fp16', 'amx_tile', 'fsgsbase'] as const)
      expect([name, host.effective(name)]).toEqual([name, PRESENT]);
    for (const name of ['sse4a', 'mpx', 'apx', 'rtm'] as const)
      expect([name, host.effective(name)]).toEqual([name, ABSENT]);
    expect(host.system).toMatchObject({
      kernel: '6.18.44-fc-v657',
      glibc: { version: '2.36' },
      hwcap: 0x1f8bfbffn,
      hwcap2: 2n,
      minSigStackBytes: 0x2eb0,
    });
  });

  // Of 2.36: ALIGN_UP (EBX + 64, 64).
  const noTiles = { [features(1, 'active', 3)]: '0x10', [features(1, 'cpuid', 3)]: '0xbc904410' };
  it.each([
    ['tiles behind PKRU', {}, 11008],
    ['PKRU last', { ...noTiles, 'x86.cpu_features.xsave_state_full_size': '0xb00' }, 2696],
    [
      'AVX-512 last',
      {
        ...noTiles,
        [features(1, 'cpuid', 2)]: '0x1b415fce',
        'x86.cpu_features.xsave_state_full_size': '0xac0',
      },
      2688,
    ],
    ['a later release, of other rules', { 'version.version': '"2.40"' }, undefined],
    ['no release', { 'version.version': undefined }, undefined],
    ['no size', { 'x86.cpu_features.xsave_state_full_size': undefined }, undefined],
    ['a size of none', { 'x86.cpu_features.xsave_state_full_size': '0x0' }, undefined],
  ])('size of the area, %s', (_, changes, bytes) => {
    const { value, known } = readRegister(onlyCpu(read(edit(changes))).leaves, 0xd, 0, 'ebx');
    expect(known === ALL_KNOWN ? value : undefined).toBe(bytes);
  });

  // AVX512F is bit 16 of 7.0 EBX; "active" says that glibc doesn't use it.
  const unusable = { [features(1, 'active', 1)]: '0x3280328' };
  const tuned = '"GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX512F"';
  it.each([
    ['with its environment: the kernel left it off', edit(unusable), ABSENT],
    ['with tunables: glibc may have', edit({ ...unusable, 'env[0x1]': tuned }), UNKNOWN],
    [
      'with other tunables: the kernel left it off',
      edit({ ...unusable, 'env[0x1]': '"GLIBC_TUNABLES=glibc.malloc.check=3"' }),
      ABSENT,
    ],
    [
      'without an environment: either',
      edit({ ...unusable, 'env[0x0]': undefined, 'env[0x1]': undefined }),
      UNKNOWN,
    ],
    ['glibc 2.33 calls it usable', edit(unusable).replaceAll('.active[', '.usable['), ABSENT],
  ])('AVX-512 that is there and not used, %s', (_, text, presence) => {
    expect(seen(text).effective('avx512f')).toBe(presence);
    expect(seen(text).hardware('avx512f')).toBe(PRESENT);
  });

  it('without OSXSAVE no state is enabled', () => {
    const host = seen(edit({ [features(0, 'cpuid', 2)]: '0xf7fa3203' }));
    expect(host.xsave.enabled.value).toBe(0n);
    expect(host.effective('avx')).toBe(ABSENT);
  });

  it.each([
    ['Linux 6.18', {}, 0n, true],
    ['Linux 4.14, which enables what the CPU offers', { 'uname.release': '"4.14.0"' }, 0n, false],
    ['a kernel that is not named', { 'uname.release': undefined }, 0n, false],
  ])('PKRU without protection keys, %s', (_, changes, value, isKnown) => {
    const { enabled } = seen(edit({ ...changes, [features(1, 'cpuid', 2)]: '0x1b415fc6' })).xsave;
    expect(enabled.value & 0x200n).toBe(value);
    expect((enabled.known & 0x200n) !== 0n).toBe(isKnown);
  });

  it.each([
    ['the lines of features alone', /^x86\.cpu_features\./, PRESENT],
    ['leaf 7 alone', /features\[0x1\]/, UNKNOWN],
  ])('%s', (_, kept, avx) => {
    const lines = TEXT.split('\n').filter((line) => kept.test(line));
    const host = seen(`${lines.join('\n')}\n`);
    expect(host.hardware('avx2')).toBe(PRESENT);
    expect(host.effective('avx')).toBe(avx);
    expect(host.hardware('cx16')).toBe(avx);
  });

  it('an AMD CPU, and what is neither', () => {
    const of = (kind: string, family: string) =>
      seen(edit({ 'x86.cpu_features.basic.kind': kind, 'x86.cpu_features.basic.family': family }))
        .vendor;
    expect(of('0x2', '0x19')).toBe('AuthenticAMD');
    expect(of('0x2', '0x18')).toBeUndefined();
    expect(of('0x4', '0x6')).toBeUndefined();
  });

  it('a last line without an end is left out', () => {
    const name = features(1, 'cpuid', 1);
    const host = read(TEXT.slice(0, TEXT.indexOf(name) + name.length + 5));
    expect(readRegister(onlyCpu(host).leaves, 7, 0, 'ebx').known).toBe(0);
    expect(readRegister(onlyCpu(host).leaves, 7, 0, 'eax').value).toBe(2);
    expect(host.remarks.join()).toMatch(/last line/);
  });

  it.each([
    ['a number that is none', edit({ [features(1, 'cpuid', 1)]: '0xnone' }), /not a number/],
    ['a number too long', edit({ [features(1, 'cpuid', 1)]: '0x1f1bf27eb' }), /not a number/],
    ['a decimal number', edit({ 'x86.cpu_features.basic.family': '6' }), /not a number/],
    [
      'two hosts',
      `${TEXT}${edit({ [features(1, 'cpuid', 1)]: '0x1' })}`,
      /given twice, with different values/,
    ],
    ['no CPUID', TEXT.replaceAll(/^x86\..*\n/gm, ''), /holds no CPUID/],
  ])('%s is refused', (_, text, message) => {
    expect(failureOf(ldDiagnostics, text).message).toMatch(message);
  });

  it('another architecture is refused', () => {
    expect(failureOf(ldDiagnostics, edit({ 'uname.machine': '"aarch64"' })).code).toBe('not-x86');
  });
});

const REGISTERS = ['eax', 'ebx', 'ecx', 'edx'] as const;
const isZero = (row: LeafRow) => REGISTERS.every((register) => row[register] === 0);
const hex = (value: number) => `0x${value.toString(16)}`;

/** Lines of one processor; subleaves where the leaf has others. */
function processor(number: number, rows: readonly LeafRow[], all: readonly LeafRow[]): string[] {
  return rows.flatMap((row) => {
    const { leaf, subleaf } = row;
    const others = all.filter((one) => one.leaf === leaf && !isZero(one)).length > 1;
    const question =
      subleaf > 0 || others
        ? `subleaf_eax[${hex(leaf)}].ecx[${hex(subleaf)}]`
        : `eax[${hex(leaf)}]`;
    return REGISTERS.map(
      (register) =>
        `x86.processor[${hex(number)}].cpuid.${question}.${register}=${hex(row[register])}`,
    );
  });
}

/** Leaves that glibc asks for: no hypervisor's. */
const asked = (rows: readonly LeafRow[]) =>
  rows.filter(({ leaf }) => leaf < 0x100 || leaf >= 0x80000000);

const GUEST = dumpText('skylake-server-guest.cpuid-1-r');
const ROWS = asked(linesOf(GUEST));
const COUNT = ROWS.filter((row) => !isZero(row)).length;
const counted = (number: number, count = COUNT) =>
  `x86.processor[${hex(number)}].cpuid_leaves=${hex(count)}`;
const FIRST = [
  'x86.processor[0x0].requested=0x3',
  'x86.processor[0x0].observed=0x3',
  counted(0),
  'x86.processor[0x0].ecx_limit=0x1ff',
  ...processor(
    0,
    ROWS.filter((row) => !isZero(row)),
    ROWS,
  ),
  'x86.processor[0x0].xgetbv.ecx[0x0]=0x207',
];
const text = (lines: readonly string[]) => `${lines.join('\n')}\n`;

describe('all leaves of every CPU', () => {
  it('are those of cpuid -r', () => {
    const cpu = onlyCpu(read(text(FIRST)));
    expect(cpu.logical).toEqual([3]);
    expect(cpu.xcr0).toEqual({ value: 0x207n, known: 0xffff_ffff_ffff_ffffn });
    const wanted = onlyCpu(readWith(cpuidRaw, GUEST));
    for (const { leaf, subleaf } of ROWS)
      for (const register of REGISTERS)
        expect([leaf, subleaf, readRegister(cpu.leaves, leaf, subleaf, register)]).toEqual([
          leaf,
          subleaf,
          readRegister(wanted.leaves, leaf, subleaf, register),
        ]);
    const [host, raw] = [describeHost(read(text(FIRST))), describeHost(readWith(cpuidRaw, GUEST))];
    expect(effectiveFeatures(host).filter((name) => name !== 'fsgsbase')).toEqual(
      effectiveFeatures(raw).filter((name) => name !== 'fsgsbase'),
    );
    expect(host.xsave.components).toEqual(raw.xsave.components);
    expect(host.xsave.areaBytes).toBe(raw.xsave.areaBytes);
  });

  it('come before the few of glibc, and with its facts', () => {
    const host = read(`${TEXT}${text(FIRST)}`);
    expect(describeHost(host).signature?.model).toBe(85);
    expect(host.system?.glibc?.version).toBe('2.36');
  });

  it('a leaf that is not printed is zero up to the highest', () => {
    const { leaves } = onlyCpu(read(text(FIRST)));
    const highest = ROWS.find(({ leaf }) => leaf === 0)?.eax as number;
    for (let leaf = 0; leaf <= highest; leaf++)
      expect(readRegister(leaves, leaf, 0, 'edx').known).toBe(ALL_KNOWN);
    expect(readRegister(leaves, 7, 1, 'eax')).toEqual({ value: 0, known: ALL_KNOWN });
  });

  const next = (lines: readonly string[]) => text([...FIRST, ...lines]);
  const of = (number: number, question: string, ...values: readonly number[]) =>
    values.map(
      (value, place) =>
        `x86.processor[${hex(number)}].cpuid.${question}.${REGISTERS[place]}=${hex(value)}`,
    );
  const leaf7 = ROWS.find(({ leaf, subleaf }) => leaf === 7 && subleaf === 0) as LeafRow;

  it('of the next CPU only what differs is printed', () => {
    const question = FIRST.some((line) => line.includes('subleaf_eax[0x7]'))
      ? 'subleaf_eax[0x7].ecx[0x0]'
      : 'eax[0x7]';
    const host = read(
      next([
        'x86.processor[0x1].requested=0x4',
        counted(1),
        'x86.processor[0x2].requested=0x6',
        counted(2),
        ...of(2, question, leaf7.eax, leaf7.ebx & ~0x20, leaf7.ecx, leaf7.edx),
        'x86.processor[0x3].requested=0x7',
        counted(3),
      ]),
    );
    expect(host.cpus.map(({ logical }) => logical)).toEqual([
      [3, 4],
      [6, 7],
    ]);
    expect(describeHost(host).differences.map(({ what }) => what)).toContain('avx2');
  });

  it('what the one before had, and it has not, is printed as zeros', () => {
    const host = read(
      next([
        'x86.processor[0x1].requested=0x9',
        counted(1, COUNT - 1),
        ...of(1, 'subleaf_eax[0xd].ecx[0x9]', 0, 0, 0, 0),
        'x86.processor[0x1].xgetbv.ecx[0x0]=0x7',
      ]),
    );
    expect(host.cpus.map(({ xcr0 }) => xcr0?.value)).toEqual([0x207n, 7n]);
    expect(readRegister(host.cpus[1]!.leaves, 0xd, 9, 'eax').value).toBe(0);
    expect(readRegister(host.cpus[0]!.leaves, 0xd, 9, 'eax').value).toBe(8);
  });

  it('without XCR0, that is unknown', () => {
    const host = read(text(FIRST.filter((line) => !line.includes('xgetbv'))));
    expect(onlyCpu(host).xcr0).toBeUndefined();
    expect(describeHost(host).effective('avx')).toBe(UNKNOWN);
  });

  it('subleaves with one answer are printed once', () => {
    const host = read(
      next([
        'x86.processor[0x1].requested=0x9',
        counted(1),
        ...of(1, 'subleaf_eax[0xb].ecx[0x2]', 0, 0, 0x2, 7),
        'x86.processor[0x1].cpuid.subleaf_eax[0xb].ecx[0x2].until_ecx=0x1ff',
        'x86.processor[0x1].cpuid.subleaf_eax[0xb].ecx[0x2].ecx_query_mask=0xff',
      ]),
    );
    const { leaves } = host.cpus.at(-1)!;
    expect(readRegister(leaves, 0xb, 5, 'ecx').value).toBe(5);
    expect(readRegister(leaves, 0xb, 5, 'edx').value).toBe(7);
  });

  it.each([
    ['a CPU that is left out', next(['x86.processor[0x2].requested=0x9']), /doesn't follow/],
    [
      'a start that is missing',
      text(FIRST).replaceAll('processor[0x0]', 'processor[0x1]'),
      /doesn't follow/,
    ],
    [
      'one CPU twice',
      next(['x86.processor[0x1].requested=0x3', counted(1)]),
      /CPU 3 comes a second time/,
    ],
    [
      'a part of the leaves',
      text(FIRST.filter((line) => !line.includes('[0x80000001]'))),
      /has \d+ leaves, and \d+ are here/,
    ],
    [
      'leaves that nobody counted',
      text(FIRST.filter((line) => !line.includes('cpuid_leaves'))),
      /doesn't say how many leaves/,
    ],
    ['no leaf 0', text(FIRST.filter((line) => !line.includes('eax[0x0]'))), /has no leaf 0/],
    [
      'a register that is missing',
      text(FIRST.filter((line) => !line.includes('eax[0x80000001].ecx'))),
      /3 registers of leaf 0x80000001/,
    ],
    ['two hosts', text([...FIRST, ...FIRST]), /8 registers of leaf 0x0/],
    ['a register that is none', next(['x86.processor[0x0].cpuid.eax[0x1].esi=0x1']), /damaged/],
    ['a number that is none', next(['x86.processor[0x0].cpuid.eax[0x1].ebx=many']), /not a number/],
    ['a processor that is none', next(['x86.processor[first].requested=0x1']), /damaged/],
    ['a text that is cut', text(FIRST).slice(0, -4), /ends in the middle/],
    [
      'leaves without end',
      text([
        ...FIRST,
        ...Array.from(
          { length: 5000 },
          (_, at) => `x86.processor[0x0].cpuid.eax[${hex(at + 0x1000)}].eax=0x1`,
        ),
      ]),
      /more than 4096 leaves/,
    ],
  ])('%s is refused', (_, damaged, message) => {
    expect(failureOf(ldDiagnostics, damaged).message).toMatch(message);
  });
});

describe('recognising', () => {
  it.each([
    ['all of it', TEXT, true],
    ['its CPU part', TEXT.slice(TEXT.indexOf('x86.')), true],
    ['the later layout', text(FIRST), true],
    ['a sentence', 'x86.cpu_features are printed by ld.so', false],
    ['another program', 'dl_open=0x1\n', false],
  ])('%s', (_, some, is) => {
    expect(recognises(ldDiagnostics, some)).toBe(is);
  });
});
