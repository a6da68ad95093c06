/** Makes a host of what the machine answered. No effects: the machine may be a table in a test. */
import { getSystemErrorName } from 'node:util';
import { type FeatureName, featureRow } from '../catalogue/index.js';
import { parseCpuList } from '../model/cpu-list.js';
import { InputError } from '../model/errors.js';
import { groupCpus } from '../model/group-cpus.js';
import type { Cpu, Host, SystemFacts } from '../model/host.js';
import {
  findLeaf,
  type LeafRow,
  type LeafTable,
  leafTable,
  readRegister,
} from '../model/leaves.js';
import { ALL_KNOWN_64, field, hasBit } from '../model/registers.js';
import type { CpuAnswer, FaultingVerdict } from './addon.js';
import { describeFaulting } from './faulting-reason.js';
import { neededIsaLevel } from './isa-level-note.js';
import { readAuxiliaryVector, readCpuinfo } from './proc-files.js';

/** Everything that was read from the machine; undefined: couldn't be read. */
export interface MachineAnswers {
  readonly hostname: string;
  /** uname -r. */
  readonly kernel: string;
  readonly cpus: readonly CpuAnswer[];
  /** /sys/devices/system/cpu/online. */
  readonly onlineCpus: string | undefined;
  /** /proc/cpuinfo. */
  readonly cpuinfo: string | undefined;
  /** /proc/self/auxv. */
  readonly auxiliaryVector: Uint8Array | undefined;
  readonly glibcVersion: string | undefined;
  /** Content of libc.so.6. */
  readonly libc: Uint8Array | undefined;
  readonly xcompSupported: bigint | undefined;
  /** Undefined: not tried. */
  readonly faulting: FaultingVerdict | undefined;
}

const NUMBERS_PER_ROW = 6;
/** Moved away meanwhile (native/probe/cpus.h); not online any more when its turn came. */
const WENT_AWAY = ['EAGAIN', 'EINVAL'];

function* rowsOf(numbers: Uint32Array): Generator<LeafRow> {
  for (let at = 0; at + NUMBERS_PER_ROW <= numbers.length; at += NUMBERS_PER_ROW) {
    const [leaf = 0, subleaf = 0, eax = 0, ebx = 0, ecx = 0, edx = 0] = numbers.subarray(
      at,
      at + NUMBERS_PER_ROW,
    );
    yield { leaf, subleaf, eax, ebx, ecx, edx };
  }
}

function cpuOf(answer: CpuAnswer): Cpu {
  return {
    logical: [answer.cpu],
    leaves: leafTable(rowsOf(answer.leaves)),
    ...(answer.xcr0 === undefined ? {} : { xcr0: { value: answer.xcr0, known: ALL_KNOWN_64 } }),
    ...(answer.xinuse === undefined ? {} : { xinuse: answer.xinuse }),
  };
}

function hasFeatureBit(leaves: LeafTable, name: FeatureName): boolean {
  const { leaf, subleaf, reg, bit } = featureRow(name);
  return hasBit(readRegister(leaves, leaf, subleaf, reg).value, bit as number);
}

/**
 * Leaf 0x40000000 EBX, ECX, EDX as text without the zeros that fill it up; empty: no hypervisor
 * shows itself; undefined: one does, but without a name.
 */
function hypervisorOf(leaves: LeafTable): string | undefined {
  if (!hasFeatureBit(leaves, 'hypervisor')) return '';
  const row = findLeaf(leaves, 0x40000000, 0);
  if (row === undefined) return undefined;
  const codes = [row.ebx, row.ecx, row.edx].flatMap((value) =>
    [0, 8, 16, 24].map((shift) => field(value, shift + 7, shift)),
  );
  const text = String.fromCharCode(...codes).replace(/\0+$/, '');
  return text === '' ? undefined : text.replace(/[^ -~]/g, '.');
}

function remarksOnCpus(machine: MachineAnswers, asked: readonly CpuAnswer[]): string[] {
  const remarks = machine.cpus
    .filter((answer) => answer.error !== 0)
    .map(({ cpu, error }) => {
      const name = getSystemErrorName(-error);
      return WENT_AWAY.includes(name)
        ? `CPU ${cpu} isn't counted: it went offline, or this process lost access to it, during the probe.`
        : `CPU ${cpu} isn't counted: it couldn't be used (${name}).`;
    });
  const online = parseCpuList(machine.onlineCpus?.trim() ?? '')?.length;
  if (online !== undefined && online > machine.cpus.length)
    remarks.push(
      `${asked.length} of ${online} logical CPUs were asked: this process may not use the others.`,
    );
  return remarks;
}

/** The first CPU stands for all where hypervisor and faulting are looked at. */
function systemOf(machine: MachineAnswers, leaves: LeafTable, remarks: string[]): SystemFacts {
  const { flags, microcode, remarks: onCpuinfo } = readCpuinfo(machine.cpuinfo ?? '');
  remarks.push(...onCpuinfo);
  const isaLevel = machine.libc && neededIsaLevel(machine.libc);
  const hypervisor = hypervisorOf(leaves);
  const offeredByCpu = hasFeatureBit(leaves, 'gp_on_user_cpuid');
  const faulting =
    machine.faulting &&
    describeFaulting(machine.faulting, { kernel: machine.kernel, hypervisor, offeredByCpu });
  if (faulting?.remark !== undefined) remarks.push(faulting.remark);
  return {
    kernel: machine.kernel,
    ...(microcode === undefined ? {} : { microcode }),
    ...(flags === undefined ? {} : { cpuinfoFlags: flags }),
    ...readAuxiliaryVector(machine.auxiliaryVector ?? new Uint8Array()),
    ...(machine.glibcVersion === undefined
      ? {}
      : {
          glibc: {
            version: machine.glibcVersion,
            ...(isaLevel === undefined ? {} : { isaLevel }),
          },
        }),
    ...(machine.xcompSupported === undefined ? {} : { xcompSupported: machine.xcompSupported }),
    ...(faulting?.fact === undefined ? {} : { cpuidFaulting: faulting.fact }),
    ...(hypervisor === undefined ? {} : { hypervisor }),
  };
}

/** Linux calls a machine "(none)" until it is given a name. */
function nameOf(hostname: string): string {
  return hostname === '' || hostname === '(none)' ? 'localhost' : hostname;
}

/** Throws InputError where not one CPU answered. */
export function hostFromAnswers(machine: MachineAnswers): Host {
  const asked = machine.cpus.filter((answer) => answer.error === 0);
  const remarks = remarksOnCpus(machine, asked);
  const cpus = groupCpus(asked.map(cpuOf));
  const first = cpus[0];
  if (first === undefined)
    throw new InputError('no-probe', `no CPU could be asked. ${remarks.join(' ')}`.trim(), {
      remedy: 'Try again. If it fails again, look at the cpuset that this process runs in.',
    });
  const system = systemOf(machine, first.leaves, remarks);
  return {
    name: nameOf(machine.hostname),
    format: 'localhost',
    kind: 'system',
    cpus,
    system,
    remarks,
  };
}
