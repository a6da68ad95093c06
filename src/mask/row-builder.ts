/** Collects what is kept and set of each leaf, and gives the rows of a mask in their order. */
import { PER_CPU_FIELDS } from '../catalogue/per-cpu-fields.js';
import { ALL_KNOWN, or, type Register, type Registers } from '../model/registers.js';
import type { MaskRow } from './mask.js';

const PER_CPU_LEAVES: ReadonlySet<number> = new Set(PER_CPU_FIELDS.map(({ leaf }) => leaf));

type Words = Record<Register, number>;

interface Building extends MaskRow {
  perCpu: boolean;
  readonly keep: Words;
  readonly set: Words;
}

const none = (): Words => ({ eax: 0, ebx: 0, ecx: 0, edx: 0 });

const isEmpty = ({ eax, ebx, ecx, edx }: Registers) => or(or(eax, ebx), or(ecx, edx)) === 0;

export type Subleaves = readonly [first: number, last: number];

export class RowBuilder {
  readonly #rows = new Map<string, Building>();

  #at(leaf: number, [firstSubleaf, lastSubleaf]: Subleaves): Building {
    const key = `${leaf} ${firstSubleaf} ${lastSubleaf}`;
    let row = this.#rows.get(key);
    if (row === undefined) {
      const perCpu = PER_CPU_LEAVES.has(leaf);
      row = { leaf, firstSubleaf, lastSubleaf, perCpu, keep: none(), set: none() };
      this.#rows.set(key, row);
    }
    return row;
  }

  keep(leaf: number, subleaves: Subleaves, register: Register, bits: number = ALL_KNOWN): void {
    const { keep } = this.#at(leaf, subleaves);
    keep[register] = or(keep[register], bits);
  }

  set(leaf: number, subleaves: Subleaves, register: Register, bits: number): void {
    const { set } = this.#at(leaf, subleaves);
    set[register] = or(set[register], bits);
  }

  markPerCpu(leaf: number, subleaves: Subleaves): void {
    this.#at(leaf, subleaves).perCpu = true;
  }

  /** Without those that answer zeros anyway. */
  finish(): MaskRow[] {
    return [...this.#rows.values()]
      .filter(({ keep, set }) => !isEmpty(keep) || !isEmpty(set))
      .sort((a, b) => a.leaf - b.leaf || a.firstSubleaf - b.firstSubleaf);
  }
}
