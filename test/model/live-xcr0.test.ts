import { describe, expect, it } from 'vitest';
import { cpuidRaw } from '../../src/formats/cpuid-raw.js';
import { libvirtCpudata } from '../../src/formats/libvirt-cpudata.js';
import { describeHost } from '../../src/model/capabilities.js';
import type { Cpu } from '../../src/model/host.js';
import { type LeafRow, leafTable } from '../../src/model/leaves.js';
import { mirrorsXcr0, withLiveXcr0 } from '../../src/model/live-xcr0.js';
import { ALL_KNOWN_64 } from '../../src/model/registers.js';
import { ABSENT, PRESENT, UNKNOWN } from '../../src/model/xsave.js';
import { readWith } from '../formats/dump-text.js';

const XSAVE = 1 << 26;
const OSXSAVE = 1 << 27;
const AVX = 1 << 28;
const PKU = 1 << 3;
const OSPKE = 1 << 4;
const AVX512F = 1 << 16;
const MPX = 1 << 14;

/** Size, offset and flags of subleaves, as Intel's servers have them (SDM vol. 1, 13.5). */
const PLACES: Readonly<Record<number, readonly [number, number, number]>> = {
  2: [256, 576, 0],
  3: [64, 960, 0],
  4: [64, 1024, 0],
  5: [64, 1088, 0],
  6: [512, 1152, 0],
  7: [1024, 1664, 0],
  9: [8, 2688, 0],
  11: [16, 0, 1],
  17: [64, 2752, 2],
  18: [8192, 2816, 6],
  63: [64, 12000, 0],
};

interface Answers {
  readonly osxsave?: boolean;
  readonly ospke?: boolean;
  readonly offered?: number;
  readonly ebx: number;
  /** 0xD.1 EBX; 0: no XSAVEC. */
  readonly compacted?: number;
  readonly supervisor?: number;
  readonly without?: readonly number[];
  readonly mpx?: boolean;
}

/** A CPU with AVX, AVX-512 and protection keys; its OS is told by the sizes. */
function cpu(answers: Answers): Cpu {
  const { osxsave = true, ospke = true, offered = 0x2e7, compacted = 0, supervisor = 0 } = answers;
  const row = (leaf: number, subleaf: number, eax: number, ebx: number, ecx: number, edx = 0) => ({
    leaf,
    subleaf,
    eax,
    ebx,
    ecx,
    edx,
  });
  const rows: LeafRow[] = [
    row(0, 0, 0xd, 0, 0),
    row(1, 0, 0, 0, (XSAVE | AVX | (osxsave ? OSXSAVE : 0)) >>> 0, (1 << 24) | (3 << 25) | 1),
    row(7, 0, 0, AVX512F | (answers.mpx ? MPX : 0), PKU | (ospke ? OSPKE : 0), 1 << 24),
    row(0xd, 0, offered, answers.ebx, 2696),
    row(0xd, 1, compacted === 0 ? 1 : 0xf, compacted, supervisor),
  ];
  for (const [bit, [size, offset, flags]] of Object.entries(PLACES))
    if (!answers.without?.includes(Number(bit)))
      rows.push(row(0xd, Number(bit), size, offset, flags));
  return { logical: [0], leaves: leafTable(rows) };
}

function xcr0(answers: Answers): bigint | 'unknown' | undefined {
  const found = withLiveXcr0(cpu(answers)).cpu.xcr0;
  if (found === undefined) return undefined;
  return found.known === ALL_KNOWN_64 ? found.value : 'unknown';
}

describe('what an OS enabled', () => {
  it.each<[string, Answers, bigint]>([
    ['all that Linux knows', { ebx: 2696 }, 0x2e7n],
    ['AVX alone (clearcpuid=avx512f,pku)', { ebx: 832, ospke: false }, 0x7n],
    ['SSE alone (clearcpuid=avx,pku)', { ebx: 576, ospke: false }, 0x3n],
    ['no protection keys (nopku)', { ebx: 2688, ospke: false }, 0xe7n],
    ['nothing (noxsave)', { ebx: 576, osxsave: false, ospke: false }, 0n],
    // 576 + 256 + 8: the same EBX as with AVX-512, and the compacted size tells them apart.
    ['no AVX-512, by the compacted size', { ebx: 2696, compacted: 840 }, 0x207n],
    ['no AVX-512, beside shadow stacks', { ebx: 2696, compacted: 856, supervisor: 0x800 }, 0x207n],
    ['AVX-512, beside shadow stacks', { ebx: 2696, compacted: 2456, supervisor: 0x800 }, 0x2e7n],
    // 576 + 256 + 64 + 512 + 1024 + 8, without bndregs and bndcsr.
    [
      'no MPX, by the compacted size',
      { ebx: 2696, offered: 0x2ff, mpx: true, compacted: 2440 },
      0x2e7n,
    ],
    [
      'MPX, by the compacted size',
      { ebx: 2696, offered: 0x2ff, mpx: true, compacted: 2568 },
      0x2ffn,
    ],
    ['no tiles, although ECX has room for them', { ebx: 2696, offered: 0x602e7 }, 0x2e7n],
    ['tiles', { ebx: 11008, offered: 0x602e7 }, 0x602e7n],
    ['a compacted size that nothing gives', { ebx: 2696, compacted: 1000 }, 0x2e7n],
    [
      'no MPX, whose place the dump leaves out, for none can end at 576',
      { ebx: 576, offered: 0x1b, mpx: true, ospke: false, without: [3, 4] },
      0x3n,
    ],
    ['MPX that CPUID hides as a feature', { ebx: 1088, offered: 0x1f, ospke: false }, 0x1fn],
  ])('%s', (_, answers, expected) => {
    expect(xcr0(answers)).toBe(expected);
  });
  it.each<[string, Answers, boolean]>([
    ['protection keys end there, AVX-512 or not', { ebx: 2696 }, true],
    ['the compacted size tells them apart', { ebx: 2696, compacted: 2440 }, false],
    ['the compacted size is that of none', { ebx: 2696, compacted: 1000 }, true],
    ['AVX alone', { ebx: 832, ospke: false }, false],
    ['nothing', { ebx: 576, osxsave: false, ospke: false }, false],
  ])('is said to be assumed where several sets account for the size: %s', (_, answers, is) => {
    const { remark } = withLiveXcr0(cpu(answers));
    expect(remark?.includes('0x2e7') && remark.includes('assumed')).toBe(is || undefined);
  });
  it.each<[string, Answers]>([
    ['a size without OSXSAVE', { ebx: 2696, osxsave: false }],
    ['a size in the midst of a component', { ebx: 1500, ospke: false }],
    ['protection keys in the size and not in OSPKE', { ebx: 2696, ospke: false }],
    ['protection keys in OSPKE and not in the size', { ebx: 832 }],
    ['a size beyond everything', { ebx: 4096 }],
  ])('is unknown where answers contradict each other: %s', (_, answers) => {
    const { cpu: read, remark } = withLiveXcr0(cpu(answers));
    expect(read.xcr0).toEqual({ value: 0n, known: 0n });
    expect(remark).toMatch(/0xD\.0 EBX/);
    const seen = describeHost({ name: 'x', format: 'y', kind: 'cpu', cpus: [read], remarks: [] });
    expect(seen.effective('avx')).toBe(UNKNOWN);
    expect(seen.xsave.areaBytes).toBeUndefined();
  });
  it.each<[string, Answers]>([
    ["a component's place", { ebx: 2696, without: [7] }],
    ['nothing of leaf 0xD', { ebx: 0, offered: 0, without: Object.keys(PLACES).map(Number) }],
  ])('is left to what Linux would enable where the dump lacks %s', (_, answers) => {
    const bare = cpu(answers);
    const rows = bare.leaves.rows.filter((row) => row.leaf !== 0xd || answers.offered !== 0);
    expect(withLiveXcr0({ ...bare, leaves: leafTable(rows) })).toEqual({
      cpu: { ...bare, leaves: leafTable(rows) },
    });
  });
  it.each<[string, Answers, bigint]>([
    ['AVX alone', { ebx: 832, ospke: false, without: [9] }, 0x7n],
    ['SSE alone', { ebx: 576, ospke: false, without: [9] }, 0x3n],
    ['AVX and protection keys', { ebx: 840, without: [9] }, 0x207n],
    ['no protection keys', { ebx: 2688, ospke: false, without: [9] }, 0xe7n],
    [
      'AVX alone, where a part of AVX-512 has no place',
      { ebx: 832, ospke: false, without: [7] },
      0x7n,
    ],
    ['what has no feature', { ebx: 2688, ospke: false, offered: 0x800e7 }, 0xe7n],
  ])("is found beside a component's place that the dump lacks: %s", (_, answers, expected) => {
    expect(xcr0(answers)).toBe(expected);
  });
  it('is unknown where none of the places that the dump has ends there', () => {
    expect(xcr0({ ebx: 1500, ospke: false, without: [9] })).toBe('unknown');
  });
  it('is found where a forged dump offers every component there is: not every set is tried', () => {
    const all = cpu({ ebx: 2696 });
    const rows = [
      ...all.leaves.rows.filter((row) => row.leaf !== 0xd),
      { leaf: 0xd, subleaf: 0, eax: 0xffffffff, ebx: 576, ecx: 9999, edx: 0xffffffff },
      { leaf: 0xd, subleaf: 1, eax: 0xf, ebx: 4242, ecx: 0xffffffff, edx: 0xffffffff },
      ...Array.from({ length: 62 }, (_, n) => ({
        leaf: 0xd,
        subleaf: n + 2,
        eax: 1,
        ebx: 575,
        ecx: 0,
        edx: 0,
      })),
    ];
    const found = withLiveXcr0({ logical: [0], leaves: leafTable(rows) }).cpu.xcr0;
    expect(found?.known).toBe(ALL_KNOWN_64);
  });
});

const LINES = (read: Cpu) =>
  read.leaves.rows
    .map(({ leaf, subleaf, ...registers }) => {
      const hex = (value: number) => `0x${value.toString(16).padStart(8, '0')}`;
      const rest = (['eax', 'ebx', 'ecx', 'edx'] as const)
        .map((one) => `${one}=${hex(registers[one])}`)
        .join(' ');
      return `   ${hex(leaf)} 0x${subleaf.toString(16).padStart(2, '0')}: ${rest}`;
    })
    .join('\n');

describe('the dump of a live host', () => {
  const shrunk = cpu({ ebx: 832, ospke: false });
  it('counts with what its OS enabled', () => {
    const seen = describeHost(readWith(cpuidRaw, `CPU 0:\n${LINES(shrunk)}\n`));
    expect(seen.effective('avx')).toBe(PRESENT);
    expect(seen.effective('avx512f')).toBe(ABSENT);
    expect(seen.effective('pku')).toBe(ABSENT);
    expect(seen.effective('ospke')).toBe(ABSENT);
    expect(seen.xsave).toMatchObject({ areaBytes: 832, basis: 'read', enabled: { value: 7n } });
  });
  it('is told by libvirt as well, whose lists of guest features tell nothing of an OS', () => {
    const element = ({ leaf, subleaf, eax, ebx, ecx, edx }: LeafRow) =>
      `<cpuid eax_in='${leaf}' ecx_in='${subleaf}' eax='${eax}' ebx='${ebx}' ecx='${ecx}' edx='${edx}'/>`;
    const xml = (rows: readonly LeafRow[]) =>
      `<cpudata arch='x86'>${rows.map(element).join('')}</cpudata>`;
    const whole = readWith(libvirtCpudata, xml(shrunk.leaves.rows));
    expect(whole.cpus[0]?.xcr0?.value).toBe(7n);
    const off = cpu({ ebx: 576, osxsave: false, ospke: false });
    const list = readWith(libvirtCpudata, xml(off.leaves.rows.filter((row) => row.leaf !== 0xd)));
    expect(list.cpus[0]?.xcr0).toBeUndefined();
  });
  it('says whether bare leaves tell its XCR0', () => {
    expect(mirrorsXcr0(withLiveXcr0(shrunk).cpu)).toBe(true);
    expect(mirrorsXcr0({ ...shrunk, xcr0: { value: 3n, known: ALL_KNOWN_64 } })).toBe(false);
    expect(mirrorsXcr0(shrunk)).toBe(false);
  });
});
