/** What a masked host shows: the expectation that tests and `cpugate verify` hold the CPU against. */
import { REGISTERS } from '../catalogue/index.js';
import { knownOf, type LeafRow, type LeafTable, leafTable } from '../model/leaves.js';
import {
  ALL_REGISTERS_KNOWN,
  and,
  NO_REGISTERS,
  or,
  type Registers,
  without,
} from '../model/registers.js';
import { findMaskRow, type Mask } from './mask.js';

function each(of: (register: keyof Registers) => number): Registers {
  const words = { ...NO_REGISTERS };
  for (const register of REGISTERS) words[register] = of(register);
  return words;
}

/** CPUID of a leaf and subleaf under the mask, where the CPU itself answers `live`. */
export function answerOf(mask: Mask, leaf: number, subleaf: number, live: Registers): Registers {
  const row = findMaskRow(mask, leaf, subleaf);
  if (row === undefined) return NO_REGISTERS;
  return each((register) => or(and(live[register], row.keep[register]), row.set[register]));
}

function maskRow(mask: Mask, live: LeafRow): LeafRow {
  const { leaf, subleaf } = live;
  const keep = findMaskRow(mask, leaf, subleaf)?.keep ?? NO_REGISTERS;
  const told = knownOf(live);
  // What the mask doesn't keep is known, whether the source tells the bit or not.
  const known = each((register) => or(told[register], without(0xffffffff, keep[register])));
  const answer = answerOf(mask, leaf, subleaf, live);
  const isAllKnown = REGISTERS.every(
    (register) => known[register] === ALL_REGISTERS_KNOWN[register],
  );
  return { leaf, subleaf, ...answer, ...(isAllKnown ? {} : { known }) };
}

/** The leaf table of a host under the mask. */
export function applyMask(mask: Mask, table: LeafTable): LeafTable {
  return leafTable(table.rows.map((row) => maskRow(mask, row)));
}
