/**
 * What a CPU answers: leaf and subleaf in, four registers out. A live CPU, a dump, a list of flags
 * and a named profile all become such a table; what the source can't tell is marked, bit by bit.
 */
import { subleafRule } from '../catalogue/subleaves.js';
import {
  ALL_KNOWN,
  ALL_REGISTERS_KNOWN,
  and,
  field,
  fieldMask,
  KNOWN_ZERO,
  type Known32,
  NOTHING_KNOWN,
  type Register,
  type Registers,
} from './registers.js';

export interface LeafRow extends Registers {
  readonly leaf: number;
  /** 0 for leaves without subleaves. */
  readonly subleaf: number;
  /** Bits that the source really tells; absent: all 128. */
  readonly known?: Registers;
}

export interface LeafTable {
  /** Ordered by leaf and subleaf, each pair once. */
  readonly rows: readonly LeafRow[];
  /** Row number by leafKey. */
  readonly index: ReadonlyMap<number, number>;
}

/** Leaf and subleaf in one number; subleaves above 0xffff don't exist on any CPU. */
function leafKey(leaf: number, subleaf: number): number {
  return leaf * 0x10000 + subleaf;
}

/** Sorts; the last row of a leaf and subleaf given twice counts. */
export function leafTable(rows: Iterable<LeafRow>): LeafTable {
  const byKey = new Map<number, LeafRow>();
  for (const row of rows) byKey.set(leafKey(row.leaf, row.subleaf), row);
  const keys = [...byKey.keys()].sort((a, b) => a - b);
  const sorted: LeafRow[] = [];
  const index = new Map<number, number>();
  for (const key of keys) {
    index.set(key, sorted.length);
    sorted.push(byKey.get(key) as LeafRow);
  }
  return { rows: sorted, index };
}

export function findLeaf(table: LeafTable, leaf: number, subleaf: number): LeafRow | undefined {
  const place = table.index.get(leafKey(leaf, subleaf));
  return place === undefined ? undefined : table.rows[place];
}

export function knownOf(row: LeafRow): Registers {
  return row.known ?? ALL_REGISTERS_KNOWN;
}

function registerOf(row: LeafRow, register: Register): Known32 {
  const known = row.known === undefined ? ALL_KNOWN : row.known[register];
  return { value: and(row[register], known), known };
}

/** First leaf of each range, whose EAX is the range's highest leaf. */
const RANGES = [0x00000000, 0x40000000, 0x80000000, 0x8c860000, 0xc0000000];

function rangeOf(leaf: number): number {
  return RANGES.findLast((start) => start <= leaf) ?? 0;
}

/**
 * Whether a leaf exists: true, false, or undefined where the table can't tell. A range whose first
 * leaf answers with a number outside the range isn't there: CPUs give the data of their last basic
 * leaf for it.
 */
export function leafExists(table: LeafTable, leaf: number): boolean | undefined {
  const start = rangeOf(leaf);
  const first = findLeaf(table, start, 0);
  if (first !== undefined && knownOf(first).eax === ALL_KNOWN) {
    if (start !== 0 && rangeOf(first.eax) !== start) return false;
    return leaf <= first.eax;
  }
  const vendors = VENDOR_RANGES.get(start);
  if (vendors !== undefined && first === undefined)
    return isVendor(table, vendors) === false ? false : undefined;
  return undefined;
}

/**
 * Ranges that only some vendors have, and tools ask no others for; by leaf 0 EBX: "CentaurHauls",
 * "  Shanghai  " and "VIA VIA VIA "; "HygonGenuine".
 */
const VENDOR_RANGES: ReadonlyMap<number, readonly number[]> = new Map([
  [0xc0000000, [0x746e6543, 0x68532020, 0x20414956]],
  [0x8c860000, [0x6f677948]],
]);

function isVendor(table: LeafTable, vendors: readonly number[]): boolean | undefined {
  const vendor = findLeaf(table, 0, 0);
  if (vendor === undefined || knownOf(vendor).ebx !== ALL_KNOWN) return undefined;
  return vendors.includes(vendor.ebx);
}

/** Leaf 0 EBX of "AuthenticAMD" and "HygonGenuine". */
const ZERO_VENDORS: readonly number[] = [0x68747541, 0x6f677948];

/**
 * The leaf whose data the CPU gives for one that doesn't exist: its highest basic leaf; undefined:
 * zeros, as AMD's do. Sources: Intel SDM vol. 2A CPUID, "INPUT EAX"; AMD APM vol. 3 appendix E.
 */
export function leafBeyond(table: LeafTable): number | undefined {
  const first = findLeaf(table, 0, 0);
  return first === undefined || ZERO_VENDORS.includes(first.ebx) ? undefined : first.eax;
}

/**
 * Whether a further subleaf is known to be absent. Without a single supported component there is no
 * XSAVE, and no more of its subleaves.
 */
function isBeyondLast(table: LeafTable, leaf: number, subleaf: number): boolean {
  const rule = subleafRule(leaf);
  if (rule !== 'up-to-eax' && rule !== 'state') return false;
  const { value, known } = readRegister(table, leaf, 0, 'eax');
  return known === ALL_KNOWN && (rule === 'state' ? value === 0 : subleaf > value);
}

/**
 * One register, with what is known of it. A leaf above its range's maximum and a subleaf above its
 * leaf's are known to be absent (Intel SDM vol. 2A, CPUID: software must look at the maximum
 * first; what the CPU answers there is the data of another leaf), whatever a dump holds there.
 * Anything else that the table lacks is unknown.
 */
export function readRegister(
  table: LeafTable,
  leaf: number,
  subleaf: number,
  register: Register,
): Known32 {
  if (leafExists(table, leaf) === false) return KNOWN_ZERO;
  if (subleaf > 0 && isBeyondLast(table, leaf, subleaf)) return KNOWN_ZERO;
  const row = findLeaf(table, leaf, subleaf);
  return row === undefined ? NOTHING_KNOWN : registerOf(row, register);
}

/** Bits high … low of a register as a number; undefined where not all of them are known. */
export function readField(
  table: LeafTable,
  leaf: number,
  subleaf: number,
  register: Register,
  [high, low]: readonly [high: number, low: number] = [31, 0],
): number | undefined {
  const answer = readRegister(table, leaf, subleaf, register);
  const mask = fieldMask(high, low);
  return and(answer.known, mask) === mask ? field(answer.value, high, low) >>> 0 : undefined;
}
