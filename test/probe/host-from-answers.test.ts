import { expect, test } from 'vitest';
import { InputError } from '../../src/model/errors.js';
import { findLeaf } from '../../src/model/leaves.js';
import type { CpuAnswer } from '../../src/probe/addon.js';
import { hostFromAnswers, type MachineAnswers } from '../../src/probe/host-from-answers.js';
import { elf, gnuNote, isaNeeded } from './elf.js';

const HYPERVISOR = 0x80000000;

/** What changes from case to case; leaf 1 EBX holds the APIC id in bits 31:24. */
interface FakeCpu {
  readonly cpu: number;
  readonly leaf1Ecx?: number;
  readonly leaf7Ebx?: number;
  readonly more?: readonly number[];
  readonly error?: number;
  readonly xcr0?: bigint;
}

function cpuAnswer({ cpu, leaf1Ecx = 0, leaf7Ebx = 0, more = [], error = 0, xcr0 }: FakeCpu) {
  const rows = [
    [0, 0, 7, 0x756e6547, 0x6c65746e, 0x49656e69],
    [1, 0, 0x306c4, cpu * 0x1000000 + 0x800, leaf1Ecx, 0x078bfbfd],
    [7, 0, 0, leaf7Ebx, 0, 0],
    more,
  ];
  const leaves = new Uint32Array(error === 0 ? rows.flat() : []);
  return { cpu, error, leaves, xcr0, xinuse: undefined } satisfies CpuAnswer;
}

function machine(cpus: readonly FakeCpu[], more: Partial<MachineAnswers> = {}): MachineAnswers {
  return {
    hostname: 'node7',
    kernel: '6.12.1',
    cpus: cpus.map(cpuAnswer),
    onlineCpus: undefined,
    cpuinfo: undefined,
    auxiliaryVector: undefined,
    glibcVersion: undefined,
    libc: undefined,
    xcompSupported: undefined,
    faulting: undefined,
    ...more,
  };
}

test('CPUs that differ in their APIC id only are one group', () => {
  const host = hostFromAnswers(machine([{ cpu: 0 }, { cpu: 1 }, { cpu: 5 }]));
  expect(host).toMatchObject({ name: 'node7', format: 'localhost', kind: 'system', remarks: [] });
  expect(host.cpus.map((cpu) => cpu.logical)).toEqual([[0, 1, 5]]);
});

test('a CPU that lacks a feature is a group of its own', () => {
  const host = hostFromAnswers(
    machine([{ cpu: 0, leaf7Ebx: 0x20 }, { cpu: 1 }, { cpu: 2, leaf7Ebx: 0x20 }]),
  );
  expect(host.cpus.map((cpu) => cpu.logical)).toEqual([[0, 2], [1]]);
});

test('registers stay unsigned', () => {
  const host = hostFromAnswers(machine([{ cpu: 0, leaf7Ebx: 0xffffffff }]));
  const leaves = host.cpus[0]?.leaves;
  expect(leaves && findLeaf(leaves, 7, 0)?.ebx).toBe(0xffffffff);
});

test('what was not read is absent, not empty', () => {
  const host = hostFromAnswers(machine([{ cpu: 0 }]));
  expect(host.system).toEqual({ kernel: '6.12.1', hypervisor: '' });
  expect(host.cpus[0]).not.toHaveProperty('xcr0');
  expect(host.cpus[0]).not.toHaveProperty('xinuse');
});

test('all that was read is there', () => {
  const hwcap2 = new Uint8Array(16);
  hwcap2[0] = 26;
  hwcap2[8] = 2;
  const host = hostFromAnswers(
    machine([{ cpu: 0, xcr0: 0x207n }], {
      cpuinfo: 'microcode\t: 0x7\nflags\t\t: fpu sse\n',
      auxiliaryVector: hwcap2,
      glibcVersion: '2.39',
      libc: elf({ notes: gnuNote(5, ...isaNeeded(0b11)) }),
      xcompSupported: 0x602e7n,
      faulting: { how: 'works', number: 0 },
    }),
  );
  expect(host.cpus[0]?.xcr0).toEqual({ value: 0x207n, known: 0xffffffffffffffffn });
  expect(host.system).toMatchObject({
    microcode: '0x7',
    cpuinfoFlags: ['fpu', 'sse'],
    hwcap2: 2n,
    glibc: { version: '2.39', isaLevel: 2 },
    xcompSupported: 0x602e7n,
    cpuidFaulting: { works: true },
  });
});

test('a libc that names no level has a version only', () => {
  const host = hostFromAnswers(
    machine([{ cpu: 0 }], { glibcVersion: '2.31', libc: new Uint8Array(64) }),
  );
  expect(host.system?.glibc).toEqual({ version: '2.31' });
});

test.each<[string, readonly number[], string | undefined]>([
  ['KVM', [0x40000000, 0, 0x40000001, 0x4b4d564b, 0x564b4d56, 0x4d], 'KVMKVMKVM'],
  ['a blank inside stays', [0x40000000, 0, 0, 0x76796862, 0x68632065, 0x20657679], 'bhyve chyve '],
  ['control characters', [0x40000000, 0, 0, 0x0a1b4241, 0, 0], 'AB..'],
  ['nameless', [0x40000000, 0, 0, 0, 0, 0], undefined],
  ['leaf missing', [], undefined],
])('hypervisor: %s', (_, more, expected) => {
  const host = hostFromAnswers(machine([{ cpu: 0, leaf1Ecx: HYPERVISOR, more }]));
  expect(host.system?.hypervisor).toBe(expected);
  expect('hypervisor' in (host.system ?? {})).toBe(expected !== undefined);
});

test('the data of another leaf is not taken for a hypervisor', () => {
  const more = [0x40000000, 0, 7, 0x4b4d564b, 0x564b4d56, 0x4d];
  expect(hostFromAnswers(machine([{ cpu: 0, more }])).system?.hypervisor).toBe('');
});

test('a CPU that went away is remarked and not counted', () => {
  const host = hostFromAnswers(
    machine([
      { cpu: 0 },
      { cpu: 1, error: 11 },
      { cpu: 2, error: 22 },
      { cpu: 6, error: 1 },
      { cpu: 3 },
    ]),
  );
  expect(host.cpus.map((cpu) => cpu.logical)).toEqual([[0, 3]]);
  expect(host.remarks).toEqual([
    "CPU 1 isn't counted: it went offline, or this process lost access to it, during the probe.",
    "CPU 2 isn't counted: it went offline, or this process lost access to it, during the probe.",
    "CPU 6 isn't counted: it couldn't be used (EPERM).",
  ]);
});

test('a cpuset that hides CPUs is remarked', () => {
  const host = hostFromAnswers(machine([{ cpu: 4 }, { cpu: 5 }], { onlineCpus: '0-63\n' }));
  expect(host.remarks).toEqual([
    '2 of 64 logical CPUs were asked: this process may not use the others.',
  ]);
  expect(hostFromAnswers(machine([{ cpu: 0 }], { onlineCpus: '0\n' })).remarks).toEqual([]);
});

test('not one CPU is an error', () => {
  expect(() => hostFromAnswers(machine([{ cpu: 0, error: 11 }]))).toThrow(InputError);
  expect(() => hostFromAnswers(machine([]))).toThrow(/no CPU could be asked/);
});

test('an attempt at faulting that went wrong leaves the fact open', () => {
  const host = hostFromAnswers(machine([{ cpu: 0 }], { faulting: { how: 'timeout', number: 0 } }));
  expect(host.system).not.toHaveProperty('cpuidFaulting');
  expect(host.remarks).toHaveLength(1);
});

test("AMD's own bit explains a kernel that does not use it", () => {
  // Leaf 0x80000021 EAX[17], GpOnUserCpuid (AMD APM vol. 3 appendix E).
  const more = [0x80000000, 0, 0x80000021, 0, 0, 0, 0x80000021, 0, 0x20000, 0, 0, 0];
  const faulting = { how: 'unsupported', number: 19 } as const;
  const reason = (cpu: FakeCpu) =>
    hostFromAnswers(machine([cpu], { faulting })).system?.cpuidFaulting?.reason;
  expect(reason({ cpu: 0, more })).toMatch(/the CPU has it/);
  expect(reason({ cpu: 0 })).toMatch(/the CPU lacks it/);
});

test.each(['', '(none)'])('a machine called %j is localhost', (hostname) => {
  expect(hostFromAnswers(machine([{ cpu: 0 }], { hostname })).name).toBe('localhost');
});
