/**
 * Recorded guests (QEMU 7.2 in software emulation, Linux 6.1, Debian's cpuid 20230120): what
 * "cpuid -r" or "cpuid -1 -r" printed there, and /proc/cpuinfo of the same boot. The same registers
 * in other tools' notations are made from them here.
 */
import { readFileSync } from 'node:fs';
import { type Format, openInput } from '../../src/formats/format.js';
import { type InputError, isInputError } from '../../src/model/errors.js';
import type { Cpu, Host } from '../../src/model/host.js';
import type { LeafRow } from '../../src/model/leaves.js';

export function dumpText(name: string): string {
  const path = new URL(`../fixtures/dumps/${name}.txt`, import.meta.url);
  return readFileSync(path, 'latin1');
}

export function readWith(format: Format, text: string): Host {
  return format.read(openInput('dump.txt', Buffer.from(text, 'latin1')));
}

export function failureOf(format: Format, text: string): InputError {
  let host: Host;
  try {
    host = readWith(format, text);
  } catch (error) {
    if (isInputError(error)) return error;
    throw error;
  }
  throw new Error(`was read, with ${host.cpus.length} CPUs`);
}

export function recognises(format: Format, text: string): boolean {
  return format.recognise(openInput('dump.txt', Buffer.from(text, 'latin1')));
}

/** Registers of "cpuid -r" lines, by a pattern of its own. */
export function linesOf(raw: string): LeafRow[] {
  return [...raw.matchAll(/0x(\w+) 0x(\w+): eax=0x(\w+) ebx=0x(\w+) ecx=0x(\w+) edx=0x(\w+)/g)].map(
    (match) => {
      const [leaf, subleaf, eax, ebx, ecx, edx] = match.slice(1).map((text) => Number(`0x${text}`));
      return { leaf, subleaf, eax, ebx, ecx, edx } as LeafRow;
    },
  );
}

export function hex8(value: number): string {
  return value.toString(16).padStart(8, '0');
}

/** A line of InstLatX64; subleaf undefined: without a tag. */
export function cpuidLine(row: Omit<LeafRow, 'subleaf'> & { subleaf?: number }): string {
  const registers = [row.eax, row.ebx, row.ecx, row.edx].map(hex8).join('-');
  const tag = row.subleaf === undefined ? '' : ` [SL ${hex8(row.subleaf).slice(-2)}]`;
  return `CPUID ${hex8(row.leaf)}: ${registers}${tag}`.toUpperCase();
}

export function onlyCpu(host: Host): Cpu {
  if (host.cpus.length !== 1) throw new Error(`${host.cpus.length} groups of CPUs`);
  return host.cpus[0] as Cpu;
}
