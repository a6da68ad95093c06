/** Logical CPUs that answer alike are kept once. */
import { PER_CPU_FIELDS } from '../catalogue/per-cpu-fields.js';
import type { Cpu } from './host.js';
import { knownOf, type LeafRow, leafExists } from './leaves.js';
import { type Register, without } from './registers.js';

const perCpuBits = new Map<number, Partial<Record<Register, number>>>();
for (const field of PER_CPU_FIELDS) {
  const ofLeaf = perCpuBits.get(field.leaf) ?? {};
  ofLeaf[field.reg] = field.bits;
  perCpuBits.set(field.leaf, ofLeaf);
}

function rowText(row: LeafRow): string {
  const blank = perCpuBits.get(row.leaf);
  const value = (register: Register) => without(row[register], blank?.[register] ?? 0).toString(36);
  const known = knownOf(row);
  return [
    row.leaf.toString(36),
    row.subleaf,
    value('eax'),
    value('ebx'),
    value('ecx'),
    value('edx'),
    row.known === undefined ? '' : `${known.eax},${known.ebx},${known.ecx},${known.edx}`,
  ].join(' ');
}

/** What a CPU shows, without the fields that number it; equal texts are equal CPUs. */
export function cpuFingerprint(cpu: Cpu): string {
  const xcr0 = cpu.xcr0 === undefined ? '' : `${cpu.xcr0.value}/${cpu.xcr0.known}`;
  // Above the maximum leaf a CPU repeats another leaf, its own x2APIC id included.
  const rows = cpu.leaves.rows.filter((row) => leafExists(cpu.leaves, row.leaf) !== false);
  return `${xcr0}\n${rows.map(rowText).join('\n')}`;
}

/**
 * Merges CPUs that answer alike; each group keeps the answers (and XINUSE) of its first CPU. The
 * order is that of first appearance.
 */
export function groupCpus(cpus: readonly Cpu[]): Cpu[] {
  const groups = new Map<string, { first: Cpu; logical: number[] }>();
  for (const cpu of cpus) {
    const key = cpuFingerprint(cpu);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { first: cpu, logical: [...cpu.logical] });
    else group.logical.push(...cpu.logical);
  }
  return [...groups.values()].map(({ first, logical }) => ({
    ...first,
    logical: logical.sort((a, b) => a - b),
  }));
}
