/** One CPU out of what several processes' C libraries have kept of it: what any of them may use. */
import { ROWS } from '../catalogue/index.js';
import type { Cpu } from '../model/host.js';
import type { KeptCpuid } from '../model/image-folder.js';
import { findLeaf, knownOf, type LeafRow, leafTable } from '../model/leaves.js';
import {
  and,
  bitMask,
  type Known64,
  NO_REGISTERS,
  or,
  type Register,
  without,
} from '../model/registers.js';

const REGISTERS: readonly Register[] = ['eax', 'ebx', 'ecx', 'edx'];

/** Bits of a register that are features: there, one process that has seen it decides. */
function featureBits(leaf: number, subleaf: number, register: Register): number {
  return ROWS.reduce(
    (bits, row) =>
      row.leaf === leaf && row.subleaf === subleaf && row.reg === register
        ? or(bits, typeof row.bit === 'number' ? bitMask(row.bit) : 0)
        : bits,
    0,
  );
}

/** Of two answers to one question: where they agree, and the features of either. */
function joinRows(a: LeafRow, b: LeafRow): LeafRow {
  const values = { ...NO_REGISTERS };
  const known = { ...NO_REGISTERS };
  for (const register of REGISTERS) {
    const [first, second] = [a[register], b[register]];
    const differ = or(without(first, second), without(second, first));
    const both = and(knownOf(a)[register], knownOf(b)[register]);
    const shown = and(
      or(and(first, knownOf(a)[register]), and(second, knownOf(b)[register])),
      featureBits(a.leaf, a.subleaf, register),
    );
    known[register] = or(without(both, differ), shown);
    values[register] = and(or(first, second), known[register]);
  }
  return { leaf: a.leaf, subleaf: a.subleaf, ...values, known };
}

function joinXcr0(a: Known64, b: Known64): Known64 {
  const value = (a.value & a.known) | (b.value & b.known);
  return { value, known: (a.known & b.known) | value };
}

/** A leaf that one of them doesn't tell isn't told. */
function join(a: KeptCpuid, b: KeptCpuid): KeptCpuid {
  const rows = a.leaves.rows.flatMap((row) => {
    const other = findLeaf(b.leaves, row.leaf, row.subleaf);
    return other === undefined ? [] : [joinRows(row, other)];
  });
  return { leaves: leafTable(rows), xcr0: joinXcr0(a.xcr0, b.xcr0) };
}

/** Undefined for an empty list. */
export function joinKept(kept: readonly KeptCpuid[]): Cpu | undefined {
  const [first, ...others] = kept;
  if (first === undefined) return undefined;
  const { leaves, xcr0 } = others.reduce(join, first);
  return { logical: [0], leaves, xcr0 };
}
