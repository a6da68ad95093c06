import { describe, expect, it } from 'vitest';
import { describeHost } from '../../src/model/capabilities.js';
import { encodeSignature, vendorRow } from '../../src/model/from-features.js';
import type { Cpu, Host, HostKind, SystemFacts } from '../../src/model/host.js';
import type { KernelFact } from '../../src/model/kernel-gives.js';
import { type LeafRow, leafTable } from '../../src/model/leaves.js';
import { NO_REGISTERS, type Registers } from '../../src/model/registers.js';
import { ABSENT, PRESENT, type Presence, UNKNOWN } from '../../src/model/xsave.js';
import { HASWELL, INTEL_AVX512, seen, V4 } from '../hosts.js';

const row = (leaf: number, subleaf: number, registers: Partial<Registers>): LeafRow => ({
  ...NO_REGISTERS,
  ...registers,
  leaf,
  subleaf,
});
const cpu = (rows: readonly LeafRow[], logical = 0): Cpu => ({
  logical: [logical],
  leaves: leafTable(rows),
});

function host(cpus: readonly Cpu[], kind: HostKind = 'cpu', system?: SystemFacts): Host {
  return {
    name: 'host',
    format: 'made by hand',
    kind,
    cpus,
    ...(system === undefined ? {} : { system }),
    remarks: [],
  };
}
const seenCpu = (...rows: LeafRow[]) => describeHost(host([cpu(rows)]));

/** Long mode is leaf 0x80000001 EDX bit 29, PAE leaf 1 EDX bit 6. */
const LONG_MODE = row(0x80000001, 0, { edx: 1 << 29 });
const highestExtended = (eax: number) => row(0x80000000, 0, { eax });

describe('widths of addresses', () => {
  it.each<[string, LeafRow[], linear: number | undefined, physical: number | undefined]>([
    [
      'are those of leaf 0x80000008',
      [highestExtended(0x80000008), LONG_MODE, row(0x80000008, 0, { eax: 0x392e })],
      57,
      46,
    ],
    [
      'are 48 and 36 in long mode where extended leaves end before it',
      [highestExtended(0x80000004), LONG_MODE],
      48,
      36,
    ],
    [
      'are not what another leaf holds there',
      [highestExtended(0x80000004), LONG_MODE, row(0x80000008, 0, { eax: 0x392e })],
      48,
      36,
    ],
    [
      'are 32 and 36 without long mode, with PAE',
      [highestExtended(0x80000004), row(0x80000001, 0, {}), row(1, 0, { edx: 1 << 6 })],
      32,
      36,
    ],
    [
      'are 32 and 32 without PAE',
      [highestExtended(0x80000004), row(0x80000001, 0, {}), row(1, 0, {})],
      32,
      32,
    ],
    ['are unknown where long mode is', [highestExtended(0x80000004)], undefined, undefined],
    ['are unknown where the dump ends before the leaf', [LONG_MODE], undefined, undefined],
    [
      'are unknown where the leaf holds zeros',
      [highestExtended(0x80000008), LONG_MODE, row(0x80000008, 0, {})],
      undefined,
      undefined,
    ],
  ])('%s', (_, rows, linear, physical) => {
    const { linearAddressBits, physicalAddressBits } = seenCpu(...rows);
    expect([linearAddressBits, physicalAddressBits]).toEqual([linear, physical]);
  });
});

describe('the rate of the time stamp counter', () => {
  const basic = row(0, 0, { eax: 0x16 });
  const guest = row(1, 0, { ecx: 2 ** 31 });
  /** Intel SDM vol. 3B, 20.7.3: 24 MHz and 25 MHz crystals. */
  const icelake = row(0x15, 0, { eax: 2, ebx: 216, ecx: 25_000_000 });
  const timing = [row(0x40000000, 0, { eax: 0x40000010 }), row(0x40000010, 0, { eax: 2_099_998 })];
  it.each<[string, LeafRow[], number | undefined]>([
    ["is the crystal's times a ratio", [basic, icelake], 2_700_000_000],
    [
      'is the base frequency where the crystal is not told',
      [basic, row(0x15, 0, { eax: 2, ebx: 242 }), row(0x16, 0, { eax: 2900 })],
      2_900_000_000,
    ],
    ['is unknown without a ratio', [basic, row(0x15, 0, { ecx: 24_000_000 })], undefined],
    [
      'is unknown with a ratio alone',
      [row(0, 0, { eax: 0x15 }), row(0x15, 0, { eax: 2, ebx: 242 })],
      undefined,
    ],
    ['is unknown without the leaf', [row(0, 0, { eax: 0xd }), icelake], undefined],
    ["is a guest's own, whatever its CPU's is", [basic, guest, icelake, ...timing], 2_099_998_000],
    [
      "is the CPU's where no hypervisor shows itself",
      [basic, row(1, 0, {}), icelake, ...timing],
      2_700_000_000,
    ],
    [
      "is the CPU's where the hypervisor does not tell",
      [basic, guest, icelake, row(0x40000000, 0, { eax: 0x40000001 })],
      2_700_000_000,
    ],
  ])('%s', (_, rows, hz) => {
    expect(seenCpu(...rows).tscHz).toBe(hz);
  });
  it('is unknown where CPUs of a host differ', () => {
    const other = row(0x15, 0, { eax: 2, ebx: 200, ecx: 25_000_000 });
    const both = host([cpu([basic, icelake]), cpu([basic, other], 1)]);
    expect(describeHost(both).tscHz).toBeUndefined();
  });
});

describe("the geometry of AMX's tiles", () => {
  const basic = row(0, 0, { eax: 0x1e });
  // Intel SDM vol. 2A, CPUID: 8 tiles of 16 rows of 64 bytes; TMUL takes 16 rows and 64 bytes.
  const palettes = row(0x1d, 0, { eax: 1 });
  const palette1 = row(0x1d, 1, { eax: 0x04002000, ebx: 0x00080040, ecx: 16 });
  const multiplier = row(0x1e, 0, { ebx: 0x004010 });
  it('is that of palette 1', () => {
    expect(seenCpu(basic, palettes, palette1, multiplier).tiles).toEqual({
      palettes: 1,
      totalBytes: 8192,
      bytesPerTile: 1024,
      bytesPerRow: 64,
      tiles: 8,
      rows: 16,
      multiplierRows: 16,
      multiplierBytes: 64,
    });
  });
  it.each<[string, LeafRow[]]>([
    ['palette 1 is not in the dump', [basic, palettes, multiplier]],
    ['the multiplier is not in the dump', [basic, palettes, palette1]],
    ['there are no tiles', [row(0, 0, { eax: 0x1c }), palettes, palette1, multiplier]],
    ['there is no palette', [basic, row(0x1d, 0, {}), palette1, multiplier]],
  ])('is unknown where %s', (_, rows) => {
    expect(seenCpu(...rows).tiles).toBeUndefined();
  });
});

describe('the highest leaves', () => {
  const rows = (basic: number, structured: number, extended: number) => [
    row(0, 0, { eax: basic }),
    row(7, 0, { eax: structured }),
    highestExtended(extended),
  ];
  it('are those that the CPU names', () => {
    expect(seenCpu(...rows(0x20, 2, 0x80000008)).highestLeaves).toEqual({
      basic: 0x20,
      structured: 2,
      extended: 0x80000008,
    });
  });
  it('are the lowest of all CPUs', () => {
    const both = host([cpu(rows(0x20, 1, 0x80000008)), cpu(rows(0x16, 2, 0x80000004), 1)]);
    expect(describeHost(both).highestLeaves).toEqual({
      basic: 0x16,
      structured: 1,
      extended: 0x80000004,
    });
  });
  it('are 0 where there is no such leaf, and unknown where it is not in the dump', () => {
    // A CPU without extended leaves answers with its last basic one.
    const old = seenCpu(row(0, 0, { eax: 2 }), row(0x80000000, 0, { eax: 0x665b5001 }));
    expect(old.highestLeaves).toEqual({ basic: 2, structured: 0, extended: 0 });
    expect(seenCpu().highestLeaves).toEqual({
      basic: undefined,
      structured: undefined,
      extended: undefined,
    });
  });
});

describe('the XSAVE area of a host whose CPUs disagree', () => {
  const larger = {
    ...HASWELL,
    features: V4,
    mask: 0xe7n,
    places: INTEL_AVX512,
    areaBytes: 2688,
  };
  it.each([
    ['first', [HASWELL, larger]],
    ['last', [larger, HASWELL]],
  ] as const)(
    'is the largest for what comes there, the smallest for what was sized there; the smaller %s',
    (_, [one, other]) => {
      const { areaBytes, leastAreaBytes } = seen(one, [other]).xsave;
      expect([areaBytes, leastAreaBytes]).toEqual([2688, 832]);
    },
  );
});

describe('what only a kernel tells', () => {
  // MONITOR is leaf 1 ECX bit 3.
  const phi = (model: number, ecx = 1 << 3, vendor = 'GenuineIntel') => [
    vendorRow(vendor, 0xd),
    row(1, 0, { eax: encodeSignature({ family: 6, model, stepping: 1 }), ecx }),
  ];
  const flags = (...cpuinfoFlags: string[]): SystemFacts => ({ cpuinfoFlags });
  it.each<[KernelFact, string, LeafRow[], HostKind, SystemFacts, Presence]>([
    ['ring3mwait', 'the flag is printed', phi(0x57), 'system', flags('ring3mwait'), PRESENT],
    ['ring3mwait', 'it is not', phi(0x57), 'system', flags('monitor'), ABSENT],
    ['ring3mwait', 'AT_HWCAP2 has bit 0', phi(0x85), 'system', { hwcap2: 1n }, PRESENT],
    ['ring3mwait', 'AT_HWCAP2 lacks it', phi(0x85), 'system', { hwcap2: 2n }, ABSENT],
    ['ring3mwait', 'nothing of the kernel is recorded', phi(0x57), 'system', {}, UNKNOWN],
    ['ring3mwait', 'Linux would switch it on', phi(0x57), 'cpu', {}, PRESENT],
    ['ring3mwait', 'it is another CPU', phi(0x8f), 'cpu', {}, ABSENT],
    ['ring3mwait', 'it is of another vendor', phi(0x57, 8, 'AuthenticAMD'), 'cpu', {}, ABSENT],
    ['ring3mwait', 'MONITOR is missing', phi(0x57, 0), 'cpu', {}, ABSENT],
    ['ring3mwait', 'the CPU is not told', [], 'system', {}, UNKNOWN],
    ['ring3mwait', 'a named model does not list it', [], 'model', {}, ABSENT],
    ['split_lock_detect', 'the flag is printed', [], 'system', flags('split_lock_detect'), PRESENT],
    ['split_lock_detect', 'it is not', [], 'system', flags('monitor'), ABSENT],
    ['split_lock_detect', 'no flags are recorded', [], 'system', {}, UNKNOWN],
    ['split_lock_detect', 'there is no kernel', phi(0x8f), 'cpu', {}, UNKNOWN],
  ])('%s where %s', (fact, _, rows, kind, system, presence) => {
    expect(describeHost(host([cpu(rows)], kind, system)).kernelFact(fact)).toBe(presence);
  });
});
