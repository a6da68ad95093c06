/** The probe on CPUs that this machine isn't, beside what Debian's cpuid says on the same guest. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compareRows, cpuidIsHere, type RawRow, readCpuidRaw } from '../probe/cpuid-raw.js';
import { bundleForGuest, type Guest, labIsHere, runInGuest } from './lab.js';
import type { PrintedProbe } from './print-probe.js';

interface Case {
  readonly guest: Guest;
  /** What Linux enables there; undefined: no XSAVE. */
  readonly xcr0: bigint | undefined;
  /** Leaf 0xD.0 EBX: the standard format with what XCR0 enables. */
  readonly areaBytes: number;
  /** undefined: it works; else what the reason says. */
  readonly whyNoFaulting?: RegExp;
  /** HWCAP2_FSGSBASE (bit 1): from Ivy Bridge and Zen 1 on. */
  readonly hwcap2: bigint;
}

const CASES: readonly Case[] = [
  { guest: { cpu: 'Haswell', kernel: '6.1' }, xcr0: 0x7n, areaBytes: 832, hwcap2: 2n },
  {
    guest: { cpu: 'Haswell', kernel: '7.2', faulting: false },
    xcr0: 0x7n,
    areaBytes: 832,
    whyNoFaulting: /ENODEV.*hypervisor \(TCGTCGTCGTCG\)/,
    hwcap2: 2n,
  },
  {
    guest: { cpu: 'Haswell,+pku', kernel: '7.2', cpus: 2 },
    xcr0: 0x207n,
    areaBytes: 2696,
    hwcap2: 2n,
  },
  { guest: { cpu: 'Nehalem', kernel: '6.1' }, xcr0: undefined, areaBytes: 0, hwcap2: 0n },
  {
    guest: { cpu: 'Skylake-Server', kernel: '6.1' },
    xcr0: 0x207n,
    areaBytes: 2696,
    hwcap2: 2n,
  },
  {
    guest: { cpu: 'EPYC-Milan', kernel: '7.2', faulting: true },
    xcr0: 0x207n,
    areaBytes: 2696,
    hwcap2: 2n,
  },
  {
    guest: { cpu: 'EPYC', kernel: '6.1', faulting: true },
    xcr0: 0x7n,
    areaBytes: 832,
    whyNoFaulting: /ENODEV.*the CPU has it.*from 6\.17 on.*6\.1\./,
    hwcap2: 2n,
  },
];

const title = ({ cpu, kernel, faulting, cpus }: Guest) =>
  [cpu, `Linux ${kernel}`, faulting === false && 'no faulting', cpus && `${cpus} CPUs`]
    .filter(Boolean)
    .join(', ');

function rowOf(rows: readonly RawRow[], leaf: number, subleaf: number): RawRow | undefined {
  return rows.find((row) => row[0] === leaf && row[1] === subleaf);
}

const MARK = '-- cpuid -r';

describe.skipIf(!labIsHere)('a probe in a guest', () => {
  let folder = '';
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'cpugate-vm-'));
    await bundleForGuest('test/vm/print-probe.ts', join(folder, 'probe.cjs'));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  async function probe(guest: Guest): Promise<{ host: PrintedProbe; cpuid: string }> {
    const script = `node ${folder}/probe.cjs && echo '${MARK}'${cpuidIsHere ? ' && cpuid -r' : ''}`;
    const { status, output } = await runInGuest(guest, ['sh', '-c', script]);
    expect(status, output).toBe(0);
    const [json = '', cpuid = ''] = output.split(MARK);
    return { host: JSON.parse(json), cpuid };
  }

  test.concurrent.each(CASES.map((of) => [title(of.guest), of] as const))('%s', async (_, of) => {
    const { host, cpuid } = await probe(of.guest);
    const [group, ...others] = host.cpus;
    expect(others).toEqual([]);
    expect(group?.logical).toEqual(of.guest.cpus === 2 ? [0, 1] : [0]);
    const rows = group?.rows ?? [];

    expect(group?.xcr0).toBe(of.xcr0?.toString());
    expect(rowOf(rows, 0xd, 0)?.[3] ?? 0).toBe(of.areaBytes);

    const { system } = host;
    expect(system.kernel).toMatch(new RegExp(`^${of.guest.kernel}\\.`));
    expect(system.hypervisor).toBe('TCGTCGTCGTCG');
    expect(system.cpuidFaulting?.works, system.cpuidFaulting?.reason).toBe(
      of.whyNoFaulting === undefined,
    );
    if (of.whyNoFaulting) expect(system.cpuidFaulting?.reason).toMatch(of.whyNoFaulting);
    // AT_HWCAP is leaf 1 EDX (arch/x86/include/asm/elf.h, ELF_HWCAP).
    expect(system.hwcap).toBe(`${rowOf(rows, 1, 0)?.[5]}`);
    expect(system.hwcap2).toBe(of.hwcap2.toString());
    // A frame holds the area, or FXSAVE's 512 bytes, then registers, siginfo and padding.
    const state = Math.max(of.areaBytes, 512);
    expect(system.minSigStackBytes).toBeGreaterThan(state + 256);
    expect(system.minSigStackBytes).toBeLessThan(state + 1280);
    if (of.xcr0 !== undefined) expect(system.xcompSupported).toBe(of.xcr0.toString());
    expect(host.remarks).toEqual([]);

    if (cpuidIsHere) {
      const theirs = readCpuidRaw(cpuid).get(0) ?? [];
      expect(theirs.length).toBeGreaterThan(10);
      expect(compareRows(rows, theirs)).toEqual([]);
    }
  });
});
