import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cpuidRaw } from '../../src/formats/cpuid-raw.js';
import { describeHost, x86Level } from '../../src/model/capabilities.js';
import { isInputError } from '../../src/model/errors.js';
import { groupCpus } from '../../src/model/group-cpus.js';
import type { Host } from '../../src/model/host.js';
import { findLeaf, knownOf, type LeafRow, leafTable } from '../../src/model/leaves.js';
import { cpuidIsHere } from '../probe/cpuid-raw.js';
import { dumpText, failureOf, linesOf, onlyCpu, readWith, recognises } from './dump-text.js';

const LINE = '   0x00000007 0x00: eax=0x00000001 ebx=0x00000002 ecx=0x00000003 edx=0x00000004';

/** One CPU with the given lines. */
function dump(...lines: string[]): string {
  return ['CPU 0:', ...lines, ''].join('\n');
}

const row = (leaf: number, subleaf: number, eax: number, rest: Partial<LeafRow> = {}): LeafRow => ({
  leaf,
  subleaf,
  eax,
  ebx: 0,
  ecx: 0,
  edx: 0,
  ...rest,
});

function hostOf(rows: readonly LeafRow[], more: Partial<Host> = {}): Host {
  return {
    name: 'host',
    format: 'by hand',
    kind: 'cpu',
    cpus: [{ logical: [0], leaves: leafTable(rows) }],
    remarks: [],
    ...more,
  };
}

function write(host: Host): { content: string; lost: readonly string[] } {
  const written = cpuidRaw.write?.(host);
  return { content: String(written?.content), lost: written?.lost ?? [] };
}

describe('reading recorded guests', () => {
  // Signatures: target/i386/cpu.c of QEMU. Offered masks and sizes: 0xD.0 EAX and ECX in the text;
  // what Linux enables of them is what those guests' kernels did.
  const guests = [
    ['haswell', 'GenuineIntel', [6, 60, 4], 'x86-64-v3', 0x7n, 0x7n, 832],
    ['nehalem', 'GenuineIntel', [6, 26, 3], 'x86-64-v2', 0n, 0n, 0],
    ['skylake-server', 'GenuineIntel', [6, 85, 4], 'x86-64-v3', 0x2e7n, 0x207n, 2696],
    ['epyc-milan', 'AuthenticAMD', [25, 1, 1], 'x86-64-v3', undefined, 0x207n, 2696],
  ] as const;
  it.each(guests)('%s', (name, vendor, [family, model, stepping], level, offered, xcr0, bytes) => {
    const host = readWith(cpuidRaw, dumpText(`${name}-guest.cpuid-1-r`));
    expect(host).toMatchObject({ name: 'dump.txt', format: 'cpuid-raw', kind: 'cpu' });
    // PKRU ends where it does with AVX or without, and this guest has no compacted size.
    const assumed = name === 'skylake-server' ? [expect.stringContaining('assumed')] : [];
    expect(host.remarks).toEqual(assumed);
    const seen = describeHost(host);
    expect(seen.vendor).toBe(vendor);
    expect(seen.signature).toEqual({ family, model, stepping });
    expect(x86Level(seen).level).toBe(level);
    if (offered !== undefined) expect(seen.xsave.offered.value).toBe(offered);
    expect(seen.xsave.enabled.value).toBe(xcr0);
    expect(seen.xsave.areaBytes).toBe(bytes);
  });
  it.each(guests)('%s: every line, and nothing else', (name) => {
    const text = dumpText(`${name}-guest.cpuid-1-r`);
    const { leaves, logical } = onlyCpu(readWith(cpuidRaw, text));
    expect(logical).toEqual([0]);
    expect(leaves.rows).toEqual(linesOf(text));
  });
  it('joins CPUs that differ in their APIC ids only', () => {
    const host = readWith(cpuidRaw, dumpText('haswell-guest-2-cpus.cpuid-r'));
    expect(onlyCpu(host).logical).toEqual([0, 1]);
  });
});

describe('reading', () => {
  it('keeps CPUs apart that answer differently', () => {
    const text = dumpText('haswell-guest-2-cpus.cpuid-r');
    const at = text.lastIndexOf('0x00000007 0x00: eax=0x00000000 ebx=0x000003a9');
    expect(at).toBeGreaterThan(text.indexOf('CPU 1:'));
    const other = `${text.slice(0, at)}${text.slice(at).replace('ebx=0x000003a9', 'ebx=0x00000389')}`;
    const host = readWith(cpuidRaw, other);
    expect(host.cpus.map((cpu) => cpu.logical)).toEqual([[0], [1]]);
    // Bit 5 of leaf 7 EBX.
    expect(describeHost(host).differences).toContainEqual({
      what: 'avx2',
      having: [0],
      others: [1],
    });
  });
  it('takes the numbers of the headers: CPUs may be offline', () => {
    const text = `CPU 0:\n${LINE}\nCPU 6:\n${LINE}\n`;
    expect(onlyCpu(readWith(cpuidRaw, text)).logical).toEqual([0, 6]);
  });
  it.each([
    ['without a header', `${LINE}\n`],
    ['with one that has no number', `CPU:\n${LINE}\n`],
    ['with the line breaks of Windows', `CPU 0:\r\n${LINE}\r\n`],
    ['without a line break at the end', `CPU 0:\n${LINE}`],
    ['without the indent', `CPU 0:\n${LINE.trim()}\n`],
    ['with the same line twice', dump(LINE, LINE)],
    ['in capitals', dump(LINE.replace(/(?<=0x)\w+/g, (digits) => digits.toUpperCase()))],
  ])('%s', (_, text) => {
    const host = readWith(cpuidRaw, text);
    expect(onlyCpu(host).leaves.rows).toEqual([row(7, 0, 1, { ebx: 2, ecx: 3, edx: 4 })]);
    expect(host.remarks).toEqual([]);
  });
  it('says which lines it passed over', () => {
    const host = readWith(cpuidRaw, `$ cpuid -r\nCPU 0:\n\n${LINE}\nand so on\n`);
    expect(host.remarks).toEqual(['2 lines are not leaves and are ignored; the first is line 1.']);
  });
  it('knows only the bits on which two lines agree', () => {
    const host = readWith(cpuidRaw, dump(LINE, LINE.replace('ebx=0x00000002', 'ebx=0x00000006')));
    const leaf = findLeaf(onlyCpu(host).leaves, 7, 0) as LeafRow;
    expect(leaf.ebx).toBe(2);
    expect(knownOf(leaf)).toEqual({
      eax: 0xffffffff,
      ebx: 0xfffffffb,
      ecx: 0xffffffff,
      edx: 0xffffffff,
    });
    expect(host.remarks).toHaveLength(1);
    expect(host.remarks[0]).toContain('The dump has leaf 0x7.0 twice');
  });
  it('takes no notice of a process that moved to another CPU between two lines', () => {
    const at = (id: string) =>
      `   0x0000000b 0x00: eax=0x00000001 ebx=0x00000002 ecx=0x00000100 edx=0x${id}`;
    const host = readWith(cpuidRaw, dump(at('00000003'), at('00000005')));
    expect(onlyCpu(host).leaves.rows[0]?.edx).toBe(3);
    expect(host.remarks).toEqual([]);
  });
  it('leaves an XSAVE leaf of zeros unknown where the CPU has XSAVE', () => {
    const leaf1 = '0x00000001 0x00: eax=0x00000000 ebx=0x00000000 ecx=0x04000000 edx=0x00000000';
    const zero = '0x0000000d 0x00: eax=0x00000000 ebx=0x00000000 ecx=0x00000000 edx=0x00000000';
    const host = readWith(cpuidRaw, dump(leaf1, zero));
    expect(findLeaf(onlyCpu(host).leaves, 0xd, 0)).toBeUndefined();
    expect(host.remarks).toHaveLength(1);
    const without = readWith(cpuidRaw, dump(leaf1.replace('04000000', '00000000'), zero));
    expect(findLeaf(onlyCpu(without).leaves, 0xd, 0)).toEqual(row(0xd, 0, 0));
    expect(without.remarks).toEqual([]);
  });
});

describe('refusing', () => {
  const long = (count: number, line: (n: number) => string) =>
    Array.from({ length: count }, (_, n) => line(n)).join('\n');
  const numbered = (n: number) =>
    LINE.replace('0x00000007', `0x${n.toString(16).padStart(8, '0')}`);
  it.each([
    ['nothing', '', 'malformed', undefined],
    ['no leaf', 'CPU 0:\n', 'malformed', undefined],
    ['a second CPU without leaves', `CPU 0:\n${LINE}\nCPU 1:\n`, 'malformed', undefined],
    ['a line cut in a register', dump(LINE, LINE.slice(0, 60)), 'malformed', 3],
    ['a line cut in the last digit', dump(LINE.slice(0, -1)), 'malformed', 2],
    ['a register of nine digits', dump(`${LINE}0`), 'malformed', 2],
    ['a digit that is none', dump(LINE.replace('0x00000002', '0x0000000g')), 'malformed', 2],
    ['registers in another order', dump(LINE.replace(/ebx(.*)ecx/, 'ecx$1ebx')), 'malformed', 2],
    ['a subleaf of five digits', dump(LINE.replace('0x00:', '0x10000:')), 'malformed', 2],
    ['a CPU twice', `CPU 0:\n${LINE}\nCPU 0:\n${LINE}\n`, 'malformed', 3],
    ['a CPU number beyond any', `CPU 8192:\n${LINE}\n`, 'too-large', 1],
    ['a CPU number of ten digits', `CPU 0:\n${LINE}\nCPU 999999999:\n`, 'too-large', 3],
    ['a CPU of 4097 leaves', long(4097, numbered), 'too-large', 4097],
    ['8193 CPUs', long(8193, (n) => `CPU ${n}:\n${LINE}`), 'too-large', 16385],
  ])('%s', (_, text, code, line) => {
    const error = failureOf(cpuidRaw, text);
    expect(error.code).toBe(code);
    expect(error.place.file).toBe('dump.txt');
    expect(error.place.line).toBe(line);
    expect(error.remedy).toMatch(/\w+\.$/);
  });
  it('has room for 4096 leaves and 8192 CPUs', () => {
    expect(onlyCpu(readWith(cpuidRaw, long(4096, numbered))).leaves.rows).toHaveLength(4096);
    const host = readWith(
      cpuidRaw,
      long(8192, (n) => `CPU ${n}:\n${LINE}`),
    );
    expect(onlyCpu(host).logical).toHaveLength(8192);
  });
});

describe('recognising', () => {
  it.each([
    ['its own', dumpText('haswell-guest.cpuid-1-r'), true],
    ['after a command line', `$ cpuid -r\nCPU 0:\n${LINE}`, true],
    ['cpuinfo', dumpText('haswell-guest.cpuinfo'), false],
    ['InstLatX64', 'CPUID 00000000: 00000001-756E6547-6C65746E-49656E69\n', false],
    ['the text of cpuid without -r', 'CPU 0:\n   vendor_id = "GenuineIntel"\n', false],
    ['nothing', '', false],
  ])('%s', (_, text, expected) => {
    expect(recognises(cpuidRaw, text)).toBe(expected);
  });
});

const register = fc.integer({ min: 0, max: 0xffffffff });
const anyRow: fc.Arbitrary<LeafRow> = fc.record({
  leaf: fc.oneof(fc.integer({ min: 0, max: 0x20 }), register),
  subleaf: fc.oneof(fc.integer({ min: 0, max: 63 }), fc.integer({ min: 0, max: 0xffff })),
  eax: register,
  ebx: register,
  ecx: register,
  edx: register,
});
/** Without the bit of XSAVE, so that no leaf 0xD is doubted. */
const anyRows = fc
  .tuple(fc.array(anyRow, { maxLength: 20 }), register, register)
  .map(([rows, a, b]) => [...rows, row(0, 0, a), row(1, 0, b)]);

describe('writing', () => {
  it.each(['haswell', 'nehalem', 'skylake-server', 'epyc-milan'])(
    'gives back what it reads of the %s guest, letter by letter',
    (name) => {
      const text = dumpText(`${name}-guest.cpuid-1-r`);
      const { content, lost } = write(readWith(cpuidRaw, text));
      expect(content).toBe(text.replace('CPU:', 'CPU 0:'));
      expect(lost).toEqual([]);
    },
  );
  it('is read back as the same host', () => {
    const anyCpus = fc.uniqueArray(fc.tuple(fc.nat(8191), anyRows), {
      minLength: 1,
      maxLength: 4,
      selector: ([number]) => number,
    });
    fc.assert(
      fc.property(anyCpus, (cpus) => {
        const sorted = cpus.sort(([a], [b]) => a - b);
        const host = hostOf([], {
          cpus: sorted.map(([number, rows]) => ({ logical: [number], leaves: leafTable(rows) })),
        });
        expect(readWith(cpuidRaw, write(host).content).cpus).toEqual(groupCpus(host.cpus));
      }),
    );
  });
  it('writes every logical CPU, in the order of their numbers, and says whose APIC ids', () => {
    const cpus = [
      { logical: [1, 3], leaves: leafTable([row(0, 0, 1), row(1, 0, 7)]) },
      { logical: [0], leaves: leafTable([row(0, 0, 1), row(1, 0, 8)]) },
    ];
    const { content, lost } = write(hostOf([], { cpus }));
    expect(content.match(/^CPU.*$/gm)).toEqual(['CPU 0:', 'CPU 1:', 'CPU 3:']);
    expect(readWith(cpuidRaw, content).cpus).toEqual([cpus[1], cpus[0]]);
    expect(lost).toEqual([expect.stringContaining('APIC ids')]);
  });
  it('leaves out rows that are known in part, and says which', () => {
    const partial = { ...row(7, 0, 0), known: { eax: 0, ebx: 0xff, ecx: 0, edx: 0 } };
    const { content, lost } = write(hostOf([row(0, 0, 7), row(1, 0, 0), partial]));
    expect(content).not.toContain('0x00000007 0x00:');
    expect(lost).toEqual([expect.stringContaining('leaf 0x7.0')]);
  });
  it('says that XCR0 and what the OS adds are lost', () => {
    const leaves = leafTable([row(0, 0, 1), row(1, 0, 0)]);
    const { lost } = write(
      hostOf([], {
        kind: 'system',
        cpus: [{ logical: [0], leaves, xcr0: { value: 7n, known: 7n } }],
        system: { kernel: '6.1' },
      }),
    );
    expect(lost).toEqual([expect.stringContaining('XCR0'), expect.stringContaining('kernel')]);
  });
  it.each([
    ['leaf 1 is missing', [row(0, 0, 1)], 'lacks leaf 0x1'],
    [
      'leaf 1 is known in part',
      [row(0, 0, 1), { ...row(1, 0, 0), known: { eax: 0, ebx: 0, ecx: 1, edx: 1 } }],
      'has only a part of leaf 0x1',
    ],
  ])('refuses where %s: zeros would be invented', (_, rows, message) => {
    try {
      write(hostOf(rows));
    } catch (error) {
      if (!isInputError(error)) throw error;
      expect(error.code).toBe('not-enough-data');
      expect(error.message).toContain(message);
      return;
    }
    throw new Error('was written');
  });
  it.skipIf(!cpuidIsHere)('is taken by cpuid -f, which shows the same registers', () => {
    const text = dumpText('haswell-guest-2-cpus.cpuid-r');
    const { content } = write(readWith(cpuidRaw, text));
    const { status, stdout } = spawnSync('cpuid', ['-r', '-f', '-'], {
      input: content,
      encoding: 'utf8',
    });
    expect(status).toBe(0);
    expect(stdout).toBe(content);
  });
});
