/**
 * Collects the logical CPUs of a CPUID dump, one after the other, and sees to what dumps have in
 * common: limits, contradictions, leaves that the dumping tool cut.
 */
import { PER_CPU_FIELDS } from '../catalogue/per-cpu-fields.js';
import { formatCpuList } from '../model/cpu-list.js';
import { InputError } from '../model/errors.js';
import { groupCpus } from '../model/group-cpus.js';
import type { Cpu } from '../model/host.js';
import { type LeafRow, leafTable } from '../model/leaves.js';
import {
  ALL_KNOWN,
  and,
  hasBit,
  hex,
  or,
  type Register,
  type Registers,
  without,
} from '../model/registers.js';
import { type Input, malformed } from './format.js';
import { MAX_LOGICAL_CPUS } from './text-dump.js';

/** Real CPUs answer to fewer than 200 leaves and subleaves. */
const MAX_ROWS_PER_CPU = 4096;
const MAX_REMARKS = 20;

const REGISTERS: readonly Register[] = ['eax', 'ebx', 'ecx', 'edx'];

function differingBits(a: Registers, b: Registers): Registers {
  const differing = (register: Register) =>
    or(without(a[register], b[register]), without(b[register], a[register]));
  return {
    eax: differing('eax'),
    ebx: differing('ebx'),
    ecx: differing('ecx'),
    edx: differing('edx'),
  };
}

/** Fields that number the CPU change when a dumping program that isn't pinned moves to another. */
function differOnlyInPerCpuFields(leaf: number, differing: Registers): boolean {
  return REGISTERS.every((register) => {
    const field = PER_CPU_FIELDS.find((each) => each.leaf === leaf && each.reg === register);
    return without(differing[register], field?.bits ?? 0) === 0;
  });
}

/** Bits on which two answers to one question agree; of the others nothing is known. */
function agreement(before: LeafRow, differing: Registers): LeafRow {
  const known = (register: Register) =>
    without(before.known?.[register] ?? ALL_KNOWN, differing[register]);
  const mask = { eax: known('eax'), ebx: known('ebx'), ecx: known('ecx'), edx: known('edx') };
  return {
    leaf: before.leaf,
    subleaf: before.subleaf,
    eax: and(before.eax, mask.eax),
    ebx: and(before.ebx, mask.ebx),
    ecx: and(before.ecx, mask.ecx),
    edx: and(before.edx, mask.edx),
    known: mask,
  };
}

function rowKey(leaf: number, subleaf: number): number {
  return leaf * 0x10000 + subleaf;
}

export function describeLeaf(leaf: number, subleaf: number): string {
  return `leaf ${hex(leaf)}.${subleaf}`;
}

export class DumpBuilder {
  readonly #input: Input;
  readonly #cpus: Cpu[] = [];
  readonly #numbers = new Set<number>();
  readonly #remarks = new Map<string, number[]>();
  #remarksLeft = 0;
  #rows = new Map<number, LeafRow>();
  #number = -1;

  constructor(input: Input) {
    this.#input = input;
  }

  get started(): boolean {
    return this.#number >= 0;
  }

  get cpuCount(): number {
    return this.#numbers.size;
  }

  /** Ends the CPU before; `number` is Linux's, or the order in the dump. */
  startCpu(number: number, line: number): void {
    this.#endCpu();
    if (this.#numbers.size >= MAX_LOGICAL_CPUS || number >= MAX_LOGICAL_CPUS)
      throw new InputError('too-large', `more than ${MAX_LOGICAL_CPUS} logical CPUs`, {
        place: { file: this.#input.name, line, at: `CPU ${number}` },
        remedy: 'No Linux host has that many; give the dump of one host.',
      });
    if (this.#numbers.has(number))
      throw malformed(
        this.#input,
        `CPU ${number} comes a second time`,
        { line },
        'A file holds one host; split what was joined from several.',
      );
    this.#numbers.add(number);
    this.#number = number;
  }

  add(row: LeafRow, line: number): void {
    if (row.subleaf > 0xffff)
      throw malformed(
        this.#input,
        `subleaf ${hex(row.subleaf)} doesn't exist on any CPU`,
        { line, at: `leaf ${hex(row.leaf)}` },
        'The line is damaged; take the dump again.',
      );
    const key = rowKey(row.leaf, row.subleaf);
    const before = this.#rows.get(key);
    if (before !== undefined) {
      this.#addAgain(key, before, row);
      return;
    }
    if (this.#rows.size >= MAX_ROWS_PER_CPU)
      throw new InputError('too-large', `more than ${MAX_ROWS_PER_CPU} leaves for one CPU`, {
        place: { file: this.#input.name, line },
        remedy: 'No CPU has that many; look whether a line that starts a CPU is damaged.',
      });
    this.#rows.set(key, row);
  }

  #addAgain(key: number, before: LeafRow, row: LeafRow): void {
    const differing = differingBits(before, row);
    if (differOnlyInPerCpuFields(row.leaf, differing)) return;
    this.#rows.set(key, agreement(before, differing));
    this.remark(
      `The dump has ${describeLeaf(row.leaf, row.subleaf)} twice with different values; bits that differ count as unknown.`,
    );
  }

  /** Notes something about the current CPU; CPUs with the same note share one remark. */
  remark(text: string): void {
    const cpus = this.#remarks.get(text);
    if (cpus === undefined) {
      if (this.#remarks.size < MAX_REMARKS) this.#remarks.set(text, [this.#number]);
      else this.#remarksLeft++;
    } else if (cpus.at(-1) !== this.#number) cpus.push(this.#number);
  }

  /** At least one CPU, grouped, and what was noticed. */
  finish(): { readonly cpus: readonly Cpu[]; readonly remarks: readonly string[] } {
    this.#endCpu();
    if (this.#cpus.length === 0)
      throw malformed(
        this.#input,
        'holds no CPUID leaf',
        {},
        'Give the whole output of the dumping tool.',
      );
    return { cpus: groupCpus(this.#cpus), remarks: this.#remarkTexts() };
  }

  #endCpu(): void {
    if (!this.started) return;
    if (this.#rows.size === 0)
      throw malformed(
        this.#input,
        `CPU ${this.#number} has no leaves`,
        {},
        'The dump seems to be cut off; take it again.',
      );
    this.#dropEmptyXsave();
    this.#cpus.push({ logical: [this.#number], leaves: leafTable(this.#rows.values()) });
    this.#rows = new Map();
    this.#number = -1;
  }

  /**
   * A CPU with XSAVE offers x87 and SSE at least (Intel SDM vol. 1, 13.3): a leaf 0xD without any
   * component was cut by the tool, and tells nothing.
   */
  #dropEmptyXsave(): void {
    const empty = this.#rows.get(rowKey(0xd, 0));
    const features = this.#rows.get(rowKey(1, 0));
    if (empty === undefined || features === undefined || !hasBit(features.ecx, 26)) return;
    if (empty.eax !== 0 || empty.ebx !== 0 || empty.ecx !== 0 || empty.edx !== 0) return;
    this.#rows.delete(rowKey(0xd, 0));
    this.remark('Leaf 0xd.0 is all zero although the CPU has XSAVE; it counts as unknown.');
  }

  #remarkTexts(): string[] {
    const texts = [...this.#remarks].map(([text, cpus]) =>
      this.#cpus.length === 1 ? text : `CPUs ${formatCpuList(cpus)}: ${text}`,
    );
    return this.#remarksLeft === 0
      ? texts
      : [...texts, `There are ${this.#remarksLeft} more remarks like these.`];
  }
}
