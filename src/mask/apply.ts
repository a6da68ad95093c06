/** What a masked host shows: the expectation that tests and `cpugate verify` hold the CPU against. */
import { REGISTERS } from '../catalogue/index.js';
import {
  findLeaf,
  knownOf,
  type LeafRow,
  type LeafTable,
  leafBeyond,
  leafExists,
  leafTable,
} from '../model/leaves.js';
import {
  ALL_REGISTERS_KNOWN,
  and,
  NO_REGISTERS,
  or,
  type Registers,
  without,
} from '../model/registers.js';
import { findMaskRow, type Mask, type MaskRow } from './mask.js';

function each(of: (register: keyof Registers) => number): Registers {
  const words = { ...NO_REGISTERS };
  for (const register of REGISTERS) words[register] = of(register);
  return words;
}

/** CPUID of a leaf that exists, under the mask, where the CPU itself answers `live`. */
export function answerOf(mask: Mask, leaf: number, subleaf: number, live: Registers): Registers {
  return applyRow(findMaskRow(mask, leaf, subleaf), live);
}

function applyRow(row: MaskRow | undefined, live: Registers): Registers {
  if (row === undefined) return NO_REGISTERS;
  return each((register) => or(and(live[register], row.keep[register]), row.set[register]));
}

/** The row that decides: what is asked beyond the highest leaf shows no more than that leaf does. */
function rowFor(mask: Mask, table: LeafTable, leaf: number, subleaf: number): MaskRow | undefined {
  if (leafExists(table, leaf) !== false) return findMaskRow(mask, leaf, subleaf);
  const highest = leafBeyond(table);
  return highest === undefined ? undefined : findMaskRow(mask, highest, subleaf);
}

/** What a question to a masked CPU of this table gives; what the table lacks counts as zeros. */
export function maskedAnswer(
  mask: Mask,
  table: LeafTable,
  leaf: number,
  subleaf: number,
): Registers {
  const live = findLeaf(table, leaf, subleaf) ?? NO_REGISTERS;
  return applyRow(rowFor(mask, table, leaf, subleaf), live);
}

function maskRow(mask: Mask, table: LeafTable, live: LeafRow): LeafRow {
  const { leaf, subleaf } = live;
  const row = rowFor(mask, table, leaf, subleaf);
  const keep = row?.keep ?? NO_REGISTERS;
  const told = knownOf(live);
  // What the mask doesn't keep is known, whether the source tells the bit or not.
  const known = each((register) => or(told[register], without(0xffffffff, keep[register])));
  const answer = applyRow(row, live);
  const isAllKnown = REGISTERS.every(
    (register) => known[register] === ALL_REGISTERS_KNOWN[register],
  );
  return { leaf, subleaf, ...answer, ...(isAllKnown ? {} : { known }) };
}

/** The leaf table of a host under the mask. */
export function applyMask(mask: Mask, table: LeafTable): LeafTable {
  return leafTable(table.rows.map((row) => maskRow(mask, table, row)));
}
