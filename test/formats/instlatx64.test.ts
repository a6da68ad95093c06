import { describe, expect, it } from 'vitest';
import { cpuidRaw } from '../../src/formats/cpuid-raw.js';
import { instlatx64 } from '../../src/formats/instlatx64.js';
import { findLeaf, type LeafRow, readRegister } from '../../src/model/leaves.js';
import { stateComponent } from '../../src/model/xsave.js';
import {
  cpuidLine,
  dumpText,
  failureOf,
  linesOf,
  onlyCpu,
  readWith,
  recognises,
} from './dump-text.js';

const read = (text: string) => readWith(instlatx64, text);
const table = (text: string) => onlyCpu(read(text)).leaves;

const skylake = linesOf(dumpText('skylake-server-guest.cpuid-1-r'));
const TAGGED = skylake.map(cpuidLine).join('\n');
const LEAF_0 = 'CPUID 00000000: 0000000D-756E6547-6C65746E-49656E69';
const MAX_20 = 'CPUID 00000000: 00000020-756E6547-6C65746E-49656E69';

/** A CPU of leaf 0 and the lines. */
function cpu(...lines: string[]): string {
  return [LEAF_0, ...lines, ''].join('\n');
}

describe('the notations of twenty years', () => {
  const lines = skylake.map((row) => cpuidLine(row));
  const untaggedZero = skylake.map((row) =>
    row.subleaf === 0 ? cpuidLine({ ...row, subleaf: undefined as never }) : cpuidLine(row),
  );
  const each = (change: (line: string) => string) => lines.map(change).join('\n');
  it.each([
    ['tags on all lines', TAGGED],
    ['no tag where the subleaf is 0', untaggedZero.join('\n')],
    ['a line break at the end', `${TAGGED}\n`],
    ['line breaks of Windows', each((line) => `${line}\r`)],
    ['a blank before the colon', each((line) => line.replace(':', ' :'))],
    ['a colon without a blank', each((line) => line.replace(': ', ' :'))],
    ['blanks around the colon', each((line) => line.replace(':', ' :'))],
    ['a tab for the colon', each((line) => line.replace(': ', '  \t'))],
    ['a blank for the colon', each((line) => line.replace(': ', ' '))],
    ['blanks for the hyphens', each((line) => line.replaceAll('-', ' '))],
    [
      'small letters',
      each((line) =>
        line
          .replace(/[A-F]/g, (letter) => letter.toLowerCase())
          .replace(/^cpuid/i, 'CPUID')
          .replace('[sl', '[SL'),
      ),
    ],
    ['a comment after each', each((line) => `${line} [Intel(R) Xeon] / L3 [x]]`)],
    ['a blank at the end of each', each((line) => `${line} `)],
    ['the tag twice', each((line) => line.replace(/( \[SL ..\])$/, '$1$1'))],
    ['every line twice', each((line) => `${line}\n${line}`).replace(`${lines[0]}\n`, '')],
    ['a header', `------[ CPUID Registers / Logical CPU #0 ]------\n\nallcpu: Valid\n${TAGGED}`],
    ['a header of another kind', `CPU#000 AffMask: 0x0000000000000001\n${TAGGED}`],
    ['yet another', `CPUID Registers (CPU #1):\n${TAGGED}`],
    [
      'text that looks alike',
      `CPUID Manufacturer : GenuineIntel\nCPUID CPU Name : A B\nCPUID Revision : 000306A9h\n${TAGGED}`,
    ],
    [
      'MSRs behind it',
      `${TAGGED}\n\n------[ MSR Registers ]------\nMSR 0000001B: 0000-0000-FEE0-0900\nMSR 00000000: 00000000-00000000-00000000-00000000\nMSR 0000003A: < FAILED >`,
    ],
    ['odd bytes in comments', `${lines.map((line) => `${line} [\x7f\xa0\x00]`).join('\n')}`],
  ])('%s', (_, text) => {
    const host = read(text);
    expect(onlyCpu(host).leaves.rows).toEqual(skylake);
    expect(onlyCpu(host).logical).toEqual([0]);
    expect(host.remarks).toEqual([]);
  });
  it('gives the CPU that cpuid -r gives, without what the OS under the tool enabled', () => {
    const host = read(TAGGED);
    expect(host).toMatchObject({ name: 'dump.txt', format: 'instlatx64', kind: 'cpu' });
    const live = onlyCpu(readWith(cpuidRaw, dumpText('skylake-server-guest.cpuid-1-r')));
    expect(live.xcr0).toBeDefined();
    expect(host.cpus).toEqual([{ logical: live.logical, leaves: live.leaves }]);
  });
});

describe('subleaves in tags', () => {
  it('are hex', () => {
    const leaves = table(cpu('CPUID 0000000D: 00000080-00000340-00000000-00000000 [SL 3E] [LWP]'));
    expect(findLeaf(leaves, 0xd, 62)?.eax).toBe(0x80);
  });
  it('make a line of the same leaf without a tag subleaf 0', () => {
    const leaves = table(
      cpu(
        'CPUID 0000000D: 00000007-00000340-00000340-00000000',
        'CPUID 0000000D: 00000001-00000000-00000000-00000000 [SL 01]',
      ),
    );
    expect(findLeaf(leaves, 0xd, 0)?.eax).toBe(7);
    expect(findLeaf(leaves, 0xd, 1)?.eax).toBe(1);
  });
  it('are comments where they are no tags', () => {
    const leaves = table(cpu('CPUID 00000007: 00000001-00000000-00000000-00000000 [SL Gx]'));
    expect(findLeaf(leaves, 7, 0)?.eax).toBe(1);
  });
});

describe('lines without subleaves', () => {
  const YMM = 'CPUID 0000000D: 00000100-00000240-00000000-00000000';
  const AVX_ONLY = 'CPUID 0000000D: 00000007-00000340-00000340-00000000';
  const SUBLEAF_1 = 'CPUID 0000000D: 00000001-00000000-00000000-00000000';
  const places = (...lines: string[]) => {
    const host = read(cpu(...lines));
    const rows = onlyCpu(host).leaves.rows.filter((row) => row.leaf === 0xd);
    return { rows: rows.map((row) => [row.subleaf, row.eax]), remarks: host.remarks };
  };
  it('of leaf 0xD: the second may be subleaf 2, and what is missing stays unknown', () => {
    expect(places(AVX_ONLY, YMM)).toEqual({
      rows: [
        [0, 7],
        [2, 0x100],
      ],
      remarks: [],
    });
    // Tools left out subleaf 1 also where it isn't zero.
    expect(readRegister(table(cpu(AVX_ONLY, YMM)), 0xd, 1, 'eax').known).toBe(0);
  });
  it('of leaf 0xD: what stands before YMM is subleaf 1', () => {
    expect(places(AVX_ONLY, SUBLEAF_1, YMM)).toEqual({
      rows: [
        [0, 7],
        [1, 1],
        [2, 0x100],
      ],
      remarks: [],
    });
  });
  // Sizes and offsets as Intel SDM vol. 1, 13.5 gives them for processors with these features.
  const SKYLAKE = 'CPUID 0000000D: 000002FF-00000A88-00000A88-00000000';
  const SKYLAKE_1 = 'CPUID 0000000D: 0000000F-00000A00-00000100-00000000';
  const PARTS = [
    'CPUID 0000000D: 00000040-000003C0-00000000-00000000',
    'CPUID 0000000D: 00000040-00000400-00000000-00000000',
    'CPUID 0000000D: 00000040-00000440-00000000-00000000',
    'CPUID 0000000D: 00000200-00000480-00000000-00000000',
    'CPUID 0000000D: 00000400-00000680-00000000-00000000',
  ];
  const PT = 'CPUID 0000000D: 00000080-00000000-00000001-00000000';
  const PKRU = 'CPUID 0000000D: 00000008-00000A80-00000000-00000000';
  it('of leaf 0xD: the components of the mask in order, those of the supervisor too', () => {
    const { rows, remarks } = places(SKYLAKE, SKYLAKE_1, YMM, ...PARTS, PT, PKRU);
    expect(rows.map(([subleaf]) => subleaf)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(rows[8]).toEqual([8, 0x80]);
    expect(rows[9]).toEqual([9, 8]);
    expect(remarks).toEqual([]);
    const leaves = table(cpu(SKYLAKE, SKYLAKE_1, YMM, ...PARTS, PT, PKRU));
    expect(stateComponent(leaves, 9)).toMatchObject({ size: 8, offset: 2688 });
  });
  it.each([
    [
      'a component is missing',
      [SKYLAKE, SKYLAKE_1, YMM, ...PARTS.slice(1), PT, PKRU],
      [0, 1, 2, 8],
      5,
    ],
    ['one is too many', [AVX_ONLY, YMM, PKRU], [0, 2], 1],
    [
      "a size is not the component's",
      [
        SKYLAKE,
        SKYLAKE_1,
        YMM,
        ...PARTS.slice(0, 4),
        PARTS[4]?.replace('00000400', '00000300'),
        PT,
        PKRU,
      ],
      [0, 1, 2, 8],
      6,
    ],
    [
      'the area ends before a component',
      [SKYLAKE.replace(/0A88/g, '0A80'), SKYLAKE_1, YMM, ...PARTS, PT, PKRU],
      [0, 1, 2, 8],
      6,
    ],
    ['YMM is missing', [SKYLAKE, SKYLAKE_1, ...PARTS, PT, PKRU], [0], 8],
    ['YMM comes late', [SKYLAKE, SKYLAKE_1, PARTS[0], YMM], [0], 3],
    ['YMM is not in the mask', [AVX_ONLY.replace('00000007', '00000003'), YMM], [0], 1],
    ['what stands before YMM can be no subleaf 1', [AVX_ONLY, PARTS[0], YMM], [0], 2],
  ])('of leaf 0xD: %s, and what is not sure is left out', (_, lines, subleaves, left) => {
    const { rows, remarks } = places(...lines.map(String));
    expect(rows.map(([subleaf]) => subleaf)).toEqual(subleaves);
    expect(remarks).toHaveLength(1);
    expect(remarks[0]).toContain(`Leaf 0xd has lines without a subleaf number (${left})`);
  });
  it('of leaf 4: in order, as only the end of the list can be zero', () => {
    const lines = [0x121, 0x122, 0x143].map((eax) =>
      cpuidLine({ leaf: 4, eax, ebx: 0x1c0003f, ecx: 0x3f, edx: 0 }),
    );
    expect(
      table(cpu(...lines))
        .rows.slice(1)
        .map((row) => [row.subleaf, row.eax]),
    ).toEqual([
      [0, 0x121],
      [1, 0x122],
      [2, 0x143],
    ]);
  });
  it('of the topology leaf: by the number in ECX', () => {
    const leaves = table(
      cpu(
        'CPUID 0000000B: 00000001-00000002-00000100-00000000',
        'CPUID 0000000B: 00000004-00000008-00000201-00000000',
      ),
    );
    expect(findLeaf(leaves, 0xb, 1)?.ebx).toBe(8);
  });
  const SEVEN = 'CPUID 00000007: 00000001-00000001-00000000-00000000';
  const SEVEN_1 = 'CPUID 00000007: 00000010-00000000-00000000-00000000';
  it('of a counted leaf: in order if all are there', () => {
    expect(findLeaf(table([MAX_20, SEVEN, SEVEN_1].join('\n')), 7, 1)?.eax).toBe(0x10);
  });
  it('of a counted leaf: unknown if one was left out', () => {
    const host = read([MAX_20, SEVEN.replace('00000001', '00000002'), SEVEN_1].join('\n'));
    expect(findLeaf(onlyCpu(host).leaves, 7, 1)).toBeUndefined();
    expect(findLeaf(onlyCpu(host).leaves, 7, 2)).toBeUndefined();
    expect(host.remarks).toHaveLength(1);
  });
  it.each(['0000001E', '00000029'])('of leaf %s: in order if all are there', (leaf) => {
    const lines = [SEVEN, SEVEN_1].map((line) => line.replace('00000007', leaf));
    const last = MAX_20.replace('00000020', '00000029');
    expect(findLeaf(table([last, ...lines].join('\n')), Number.parseInt(leaf, 16), 1)?.eax).toBe(
      0x10,
    );
  });
  it.each(['0000000F', '00000027', '00000028'])(
    'of leaf %s, whose bits no line proves: unknown but for the first',
    (leaf) => {
      const lines = [SEVEN, SEVEN_1].map((line) => line.replace('00000007', leaf));
      const host = read([MAX_20.replace('00000020', '00000029'), ...lines].join('\n'));
      const { leaves } = onlyCpu(host);
      expect(findLeaf(leaves, Number.parseInt(leaf, 16), 0)).toMatchObject({ eax: 1, ebx: 1 });
      expect(findLeaf(leaves, Number.parseInt(leaf, 16), 1)).toBeUndefined();
      expect(host.remarks).toEqual([expect.stringContaining('without a subleaf number (1)')]);
    },
  );
  it('of a leaf without subleaves: a repetition', () => {
    const host = read(
      cpu(
        'CPUID 00000001: 000306A9-00100800-00000001-00000000',
        'CPUID 00000001: 000306A9-02100800-00000003-00000000',
      ),
    );
    const leaf = findLeaf(onlyCpu(host).leaves, 1, 0) as LeafRow;
    expect(leaf.known?.ecx).toBe(0xfffffffd);
    expect(host.remarks).toHaveLength(1);
  });
});

describe('many CPUs', () => {
  const P_CORE = cpu('CPUID 00000001: 000906A4-00800800-00000001-00000000');
  const E_CORE = cpu('CPUID 00000001: 000906A4-10800800-00000003-00000000');
  it.each([
    ['after headers', (n: number) => `------[ Logical CPU #${n} ]------\n`],
    [
      'after headers that count from 1',
      (n: number) => `CPUID Registers (CPU #${n + 1} Virtual):\n`,
    ],
    ['one after the other', () => ''],
  ])('%s', (_, header) => {
    const cores = [P_CORE, P_CORE, E_CORE];
    const host = read(cores.map((core, n) => header(n) + core).join('\n'));
    expect(host.cpus.map((one) => one.logical)).toEqual([[0, 1], [2]]);
  });
  it('share a remark', () => {
    const odd = cpu(
      'CPUID 00000005: 00000001-00000000-00000000-00000000',
      'CPUID 00000005: 00000002-00000000-00000000-00000000',
    );
    expect(read(odd.repeat(3)).remarks).toEqual([
      expect.stringMatching(/^CPUs 0-2: The dump has leaf 0x5\.0 twice/),
    ]);
  });
});

describe('what CPUs really answer', () => {
  it('keeps leaves above the maximum, which mean nothing', () => {
    const leaves = table(cpu('CPUID 00000014: 00000007-00000001-00000000-00000000'));
    expect(findLeaf(leaves, 0x14, 0)?.eax).toBe(7);
    expect(readRegister(leaves, 0x14, 0, 'ebx')).toEqual({ value: 0, known: 0xffffffff });
  });
  it('keeps the leaves of a hypervisor', () => {
    const leaves = table(cpu('CPUID 40000000: 40000001-4B4D564B-564B4D56-0000004D [KVMKVMKVM]'));
    expect(findLeaf(leaves, 0x40000000, 0)?.ebx).toBe(0x4b4d564b);
  });
});

describe('refusing', () => {
  const LINE = 'CPUID 00000007: 00000001-00000002-00000003-00000004';
  it.each([
    ['nothing', '', undefined],
    [
      'no leaf',
      'CPUID Manufacturer : GenuineIntel\nMSR 0000001B: 0000-0000-FEE0-0900\n',
      undefined,
    ],
    ['a dump without its start', `${LINE}\n`, 1],
    ['a register cut off', cpu(LINE.slice(0, -3)), 2],
    ['a line cut after the third register', cpu(LINE.slice(0, 43)), 2],
    ['a line cut after the leaf', cpu(LINE.slice(0, 14)), 2],
    ['a line cut in the leaf', cpu('CPUID 0000'), 2],
    ['a register of nine digits', cpu(`${LINE}5`), 2],
    ['a digit that is none', cpu(LINE.replace('00000002', '0000000Z')), 2],
    ['two lines in one', cpu(`${LINE}${LINE}`), 2],
    ['a subleaf beyond any', cpu(`${LINE} [SL 10000]`), 2],
    ['a failed leaf', cpu('CPUID 00000007: < FAILED >'), 2],
  ])('%s', (_, text, line) => {
    const error = failureOf(instlatx64, text);
    expect(error.code).toBe('malformed');
    expect(error.place).toMatchObject({ file: 'dump.txt' });
    expect(error.place.line).toBe(line);
    expect(error.remedy).toMatch(/\w+\.$/);
  });
  it('8193 CPUs', () => {
    expect(failureOf(instlatx64, `${LEAF_0}\n`.repeat(8193))).toMatchObject({
      code: 'too-large',
      place: { line: 8193 },
    });
    expect(onlyCpu(read(`${LEAF_0}\n`.repeat(8192))).logical).toHaveLength(8192);
  });
});

describe('recognising', () => {
  it.each([
    ['its own', TAGGED, true],
    ['with blanks', 'CPUID 00000000 00000001 756E6547 6C65746E 49656E69', true],
    ['with a tab', 'x\nCPUID 0000000D  \t00000007-00000340-00000340-00000000', true],
    ['cpuid -r', dumpText('haswell-guest.cpuid-1-r'), false],
    ['MSRs alone', 'MSR 0000001B: 00000000-00000000-00000000-00000000', false],
    ['text about it', 'CPUID 00000007 is a leaf', false],
    ['nothing', '', false],
  ])('%s', (_, text, expected) => {
    expect(recognises(instlatx64, text)).toBe(expected);
  });
});
