/**
 * lscpu of util-linux 2.38, which was given the recorded /proc/cpuinfo of a guest (lscpu --sysroot): on a
 * terminal of 80 columns, into a file, and as JSON.
 */
import { describe, expect, it } from 'vitest';
import { openInput } from '../../src/formats/format.js';
import { TAKES_KERNEL } from '../../src/formats/index.js';
import { lscpu } from '../../src/formats/lscpu.js';
import { procCpuinfo } from '../../src/formats/proc-cpuinfo.js';
import { describeHost, effectiveFeatures } from '../../src/model/capabilities.js';
import { readRegister } from '../../src/model/leaves.js';
import { ABSENT, UNKNOWN } from '../../src/model/xsave.js';
import { dumpText, failureOf, onlyCpu, readWith, recognises } from './dump-text.js';

const read = (text: string) => readWith(lscpu, text);

const FILE = dumpText('haswell-guest-2-cpus.lscpu');
const TERMINAL = dumpText('epyc-milan-guest.lscpu-terminal');
const JSON_TEXT = dumpText('skylake-server-guest.lscpu-J');
const FORMS: readonly (readonly [form: string, text: string, cpuinfo: string])[] = [
  ['in a file', FILE, 'haswell-guest-2-cpus'],
  ['on a terminal', TERMINAL, 'epyc-milan-guest'],
  ['as JSON', JSON_TEXT, 'skylake-server-guest'],
];

/** The entries of `lscpu -J` with changes. */
// biome-ignore lint/suspicious/noExplicitAny: tests damage it in ways that no type allows.
function json(change: (entries: any[]) => unknown): string {
  const value = JSON.parse(JSON_TEXT);
  value.lscpu = change(value.lscpu);
  return JSON.stringify(value);
}

describe('reading', () => {
  it.each(FORMS)('%s: says of the CPU what /proc/cpuinfo says', (_, text, cpuinfo) => {
    const host = read(text);
    const wanted = readWith(procCpuinfo, dumpText(`${cpuinfo}.cpuinfo`));
    expect(host).toMatchObject({ format: 'lscpu', kind: 'system' });
    expect(host.system?.cpuinfoFlags).toEqual(wanted.system?.cpuinfoFlags);
    expect(onlyCpu(host).xcr0).toEqual(onlyCpu(wanted).xcr0);
    expect(onlyCpu(host).logical).toEqual(onlyCpu(wanted).logical);
    const [seen, other] = [describeHost(host), describeHost(wanted)];
    expect(effectiveFeatures(seen)).toEqual(effectiveFeatures(other));
    for (const what of ['vendor', 'signature', 'brand', 'linearAddressBits'] as const)
      expect(seen[what]).toEqual(other[what]);
    expect(seen.cacheLineBytes).toBe(64);
    // lscpu leaves "cpuid level" out.
    expect(readRegister(onlyCpu(host).leaves, 0, 0, 'eax').known).toBe(0);
  });

  it('says that one CPU speaks for all', () => {
    expect(read(FILE).remarks.join()).toMatch(/one CPU/);
    expect(read(TERMINAL).remarks).toEqual([]);
  });

  const entry = (field: string, data: string | null, children?: object[]) => ({
    field,
    data,
    ...(children === undefined ? {} : { children }),
  });
  const nested = JSON.stringify({
    lscpu: [
      entry('Architecture:', 'x86_64', [
        entry('Address sizes:', '46 bits physical, 48 bits virtual'),
      ]),
      entry('CPU(s):', '4', [entry('On-line CPU(s) list:', '0-2,7')]),
      entry('Vendor ID:', 'GenuineIntel', [
        entry('Model name:', 'A CPU', [
          entry('CPU family:', '6'),
          entry('Model:', '85'),
          entry('Stepping:', '7'),
          entry('Flags:', 'fpu tsc cx8 cmov mmx fxsr sse sse2 syscall lm pni xsave avx'),
        ]),
      ]),
      entry('Vulnerabilities:', null, [entry('Meltdown:', 'Not affected')]),
    ],
  });
  it.each([
    ['nested', nested],
    ['without colons', nested.replaceAll(':",', '",')],
    ['behind a byte order mark', `\u00ef\u00bb\u00bf${nested}`],
  ])('JSON, %s', (_, text) => {
    const host = read(text);
    const seen = describeHost(host);
    expect(onlyCpu(host).logical).toEqual([0, 1, 2, 7]);
    expect(seen.signature).toEqual({ family: 6, model: 85, stepping: 7 });
    expect([seen.vendor, seen.brand]).toEqual(['GenuineIntel', 'A CPU']);
    expect(effectiveFeatures(seen)).toContain('avx');
    expect(effectiveFeatures(seen)).not.toContain('avx2');
  });

  it('takes the release of the kernel, where it is known', () => {
    const bytes = Buffer.from(FILE, 'latin1');
    const host = lscpu.read(openInput('x', bytes, '6.1'));
    expect(host.system?.kernel).toBe('6.1');
    // From 5.15 on its flag is printed where the CPU has it.
    expect(describeHost(host).hardware('avx_vnni')).toBe(ABSENT);
    expect(describeHost(read(FILE)).hardware('avx_vnni')).toBe(UNKNOWN);
    expect(TAKES_KERNEL.has('lscpu')).toBe(true);
  });

  const flags = /^Flags: .*$/m.exec(FILE)?.[0] as string;
  it.each([
    ['with the line breaks of Windows', TERMINAL.replaceAll('\n', '\r\n'), TERMINAL],
    ['without the blanks at the ends of lines', TERMINAL.replaceAll(/ +$/gm, ''), TERMINAL],
    ['behind a prompt', `me@host:~$ lscpu\n${FILE}`, FILE],
    ['its last part', FILE.slice(FILE.indexOf('Address sizes')), FILE],
    ['with dashes', `${FILE}BIOS Model name: -\nL3 cache: -\n`, FILE],
    [
      'wrapped between words',
      FILE.replace(flags, flags.replace(' mca ', `\n${' '.repeat(21)}mca `)).concat(
        'Vulnerabilities:\n',
      ),
      FILE,
    ],
  ])('%s', (_, text, of) => {
    expect(read(text).cpus[0]?.leaves).toEqual(read(of).cpus[0]?.leaves);
  });

  it('on a narrow terminal: leaves the width of addresses open', () => {
    const text = TERMINAL.replace('48 bits virtual', `48 bits vir\n${' '.repeat(25)}tual`);
    const seen = describeHost(read(text));
    expect(seen.linearAddressBits).toBeUndefined();
    expect(seen.signature).toEqual({ family: 25, model: 1, stepping: 1 });
  });

  it('without long mode: the size of cache lines is unknown', () => {
    expect(describeHost(read(FILE.replace(' lm ', ' '))).cacheLineBytes).toBeUndefined();
  });

  it('of a vendor whose blanks lscpu takes away', () => {
    const text = FILE.replace('GenuineIntel', 'Shanghai');
    expect(readRegister(onlyCpu(read(text)).leaves, 0, 0, 'ebx').value).toBe(0x68532020);
  });
});

describe('translated', () => {
  const german = FILE.replace('Architecture', 'Architektur')
    .replace('Address sizes', 'Adressgr\u00c3\u00b6\u00c3\u009fen')
    .replace('Vendor ID', 'Anbieterkennung')
    .replace('Model name', 'Modellname')
    .replace('CPU family', 'Prozessorfamilie')
    .replace('Model:', 'Modell:')
    .replace('On-line CPU(s) list', 'Liste der Online-CPU(s)')
    .replace('Flags', 'Markierungen');
  it.each([
    ['German', german],
    ['French, blanks before colons', german.replaceAll(/: /g, ' : ')],
    ['Chinese, with wide colons', german.replaceAll(/^(\S+): /gm, '$1\u00ef\u00bc\u009a ')],
  ])('%s: the flags and the vendor are known by what they say', (_, text) => {
    expect(recognises(lscpu, text)).toBe(true);
    const host = read(text);
    const seen = describeHost(host);
    expect(host.system?.cpuinfoFlags).toEqual(read(FILE).system?.cpuinfoFlags);
    expect(seen.vendor).toBe('GenuineIntel');
    expect(seen.linearAddressBits).toBe(48);
    expect(seen.signature).toBeUndefined();
    expect(host.remarks.join()).toMatch(/LC_ALL=C lscpu/);
  });
});

describe('what can not be trusted is refused', () => {
  const cutFlags = FILE.slice(0, FILE.indexOf(' avx2') + 4);
  it.each([
    ['flags that are cut', cutFlags, /ends in the middle of the flags/],
    [
      'flags that are cut between two lines',
      TERMINAL.slice(0, TERMINAL.indexOf('cr8_legacy')),
      /may go on/,
    ],
    ['flags that dots stand for', FILE.replace(/ avx2 .*$/m, ' ...'), /dots stand for flags/],
    ['no flags', FILE.replace(/^Flags.*$/m, ''), /has no flags/],
    [
      'no flags, in JSON',
      json((all) => all.filter(({ field }) => field !== 'Flags:')),
      /has no flags/,
    ],
    ['empty flags', FILE.replace(/^Flags.*$/m, 'Flags:'), /has no flags/],
    [
      'a family that is no number',
      FILE.replace(/^(CPU family: +).*$/m, '$1six'),
      /"six" is not a number/,
    ],
    ['two hosts', `${FILE}${TERMINAL}`, /given twice/],
    [
      'flags that go on, with something else',
      TERMINAL.replace('t pdpe1gb', 't pdpe1gb (more) '),
      /holds something else/,
    ],
    [
      'JSON that is cut',
      JSON_TEXT.slice(0, 900),
      /is not valid JSON: a string has no closing quote/,
    ],
    ['JSON of another shape', '{"lscpu":{"Flags":"fpu"}}', /must be array/],
    ['data that are no text', json((all) => [...all, { field: 'Flags:', data: 7 }]), /7|string/],
    [
      'two hosts in JSON',
      json((all) => [...all, { field: 'Flags:', data: 'fpu sse' }]),
      /given twice/,
    ],
  ])('%s', (_, text, message) => {
    expect(failureOf(lscpu, text).message).toMatch(message);
  });

  it.each([
    ['text', FILE.replace('x86_64', 'aarch64').replace(/^(Flags: +).*$/m, '$1fp asimd evtstrm')],
    ['JSON', JSON_TEXT.replace('x86_64', 'riscv64')],
  ])('another architecture in %s', (_, text) => {
    expect(failureOf(lscpu, text).code).toBe('not-x86');
  });

  it('with the line', () => {
    expect(failureOf(lscpu, FILE.replace(/^(Model: +).*$/m, '$1x')).place.line).toBe(10);
    expect(failureOf(lscpu, JSON_TEXT.replace('"85"', '"x"')).place.line).toBe(
      JSON_TEXT.slice(0, JSON_TEXT.indexOf('"Model:"')).split('\n').length,
    );
  });

  it('nesting without end', () => {
    const deep = `${'{"lscpu":[{"field":"a","children":['.padEnd(36)}${'{"field":"a","children":['.repeat(20_000)}${']}'.repeat(20_001)}]}`;
    expect(failureOf(lscpu, deep).message).toMatch(/no flags/);
  });
});

describe('recognising', () => {
  it.each([
    ['a sentence', 'Vendor ID: I do not know it.\n'],
    ['/proc/cpuinfo', dumpText('haswell-guest.cpuinfo')],
    ['flags in prose', 'flags : fpu vme de\n'],
    ['lscpu -J -e', '{"cpus":[{"cpu":0,"node":0}]}'],
    ['JSON about it', '{"tool":"lscpu","lscpu":[]}'],
  ])('not %s', (_, text) => {
    expect(recognises(lscpu, text)).toBe(false);
  });
});
