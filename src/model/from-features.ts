/**
 * The way back from names to registers, for sources that tell features and no leaves: lists of
 * flags, named profiles, baselines.
 */
import {
  COMPONENTS,
  type FeatureName,
  type FeatureRow,
  isLegacyState,
  LEGACY_STATE,
  ROWS,
} from '../catalogue/index.js';
import type { LeafRow } from './leaves.js';
import {
  ALL_KNOWN,
  ALL_KNOWN_64,
  bitsMask,
  type Known64,
  NO_REGISTERS,
  or,
  type Registers,
} from './registers.js';
import type { Signature } from './signature.js';

interface Building {
  values: Record<keyof Registers, number>;
  known: Record<keyof Registers, number>;
}

/**
 * Rows in which every present feature's bit is set, and every other bit that the source tells of is
 * known to be clear. `fields` gives the numbers of rows that are fields (the AVX10 version), which
 * are 1 where present without one. Leaf 0 and the maximum leaves are not among the rows.
 */
export function rowsFromFeatures(
  present: ReadonlySet<FeatureName>,
  tells: (row: FeatureRow & { readonly name: FeatureName }) => boolean,
  fields: ReadonlyMap<FeatureName, number> = new Map(),
): LeafRow[] {
  const building = new Map<string, Building & { leaf: number; subleaf: number }>();
  for (const row of ROWS) {
    if (!present.has(row.name) && !tells(row)) continue;
    const key = `${row.leaf}.${row.subleaf}`;
    let at = building.get(key);
    if (at === undefined) {
      at = {
        leaf: row.leaf,
        subleaf: row.subleaf,
        values: { eax: 0, ebx: 0, ecx: 0, edx: 0 },
        known: { eax: 0, ebx: 0, ecx: 0, edx: 0 },
      };
      building.set(key, at);
    }
    const low = typeof row.bit === 'number' ? row.bit : row.bit[1];
    const number = fields.get(row.name) ?? 1;
    at.known[row.reg] = or(at.known[row.reg], bitsMask(row.bit));
    if (present.has(row.name)) at.values[row.reg] = or(at.values[row.reg], (number << low) >>> 0);
  }
  return [...building.values()].map(({ leaf, subleaf, values, known }) => ({
    leaf,
    subleaf,
    ...values,
    known,
  }));
}

/**
 * XCR0 as Linux sets it for these features (arch/x86/kernel/fpu/xstate.c): x87 and SSE, and every
 * component that it manages and whose feature is there. `tells` says whether a feature that isn't
 * present is known to be absent.
 */
export function xcr0FromFeatures(
  present: ReadonlySet<FeatureName>,
  tells: (name: FeatureName) => boolean,
): Known64 {
  if (!present.has('xsave')) return { value: 0n, known: tells('xsave') ? ALL_KNOWN_64 : 0n };
  let value = LEGACY_STATE;
  let known = ALL_KNOWN_64;
  for (const row of COMPONENTS) {
    if (isLegacyState(row.bit) || row.kind !== 'user' || row.linux !== 'yes') continue;
    const mask = 1n << BigInt(row.bit);
    const features: readonly FeatureName[] = row.enabledBy;
    if (features.some((name) => present.has(name))) value |= mask;
    else if (!features.every(tells)) known &= ~mask;
  }
  return { value, known };
}

/** Leaf 1 EAX; the inverse of decodeSignature. */
export function encodeSignature({ family, model, stepping }: Signature): number {
  const base = Math.min(family, 0xf);
  return (
    (((family - base) << 20) |
      ((model >>> 4) << 16) |
      (base << 8) |
      ((model & 0xf) << 4) |
      (stepping & 0xf)) >>>
    0
  );
}

function registerOf(text: string, start: number): number {
  let value = 0;
  for (let byte = 3; byte >= 0; byte--)
    value = value * 256 + (text.charCodeAt(start + byte) & 0x7f || 0);
  return value;
}

/** A row of which only these bits are told. */
export function partOfRow(
  leaf: number,
  subleaf: number,
  values: Partial<Registers>,
  known: Partial<Registers>,
): LeafRow {
  return { ...NO_REGISTERS, ...values, leaf, subleaf, known: { ...NO_REGISTERS, ...known } };
}

/** A row of which only these registers are told, whole. */
export function partialRow(leaf: number, told: Partial<Registers>): LeafRow {
  const known = { ...NO_REGISTERS };
  for (const register of Object.keys(told) as (keyof Registers)[]) known[register] = ALL_KNOWN;
  return partOfRow(leaf, 0, told, known);
}

/** Leaf 0 with the vendor's twelve letters. maxLeaf undefined: not known. */
export function vendorRow(vendor: string, maxLeaf?: number): LeafRow {
  const letters = vendor.padEnd(12, '\0');
  return {
    leaf: 0,
    subleaf: 0,
    eax: maxLeaf ?? 0,
    ebx: registerOf(letters, 0),
    edx: registerOf(letters, 4),
    ecx: registerOf(letters, 8),
    known: {
      eax: maxLeaf === undefined ? 0 : ALL_KNOWN,
      ebx: ALL_KNOWN,
      ecx: ALL_KNOWN,
      edx: ALL_KNOWN,
    },
  };
}

/** Leaves 0x80000002-4 with the processor's name, cut to 48 bytes. */
export function brandRows(brand: string): LeafRow[] {
  const text = brand.slice(0, 47).padEnd(48, '\0');
  return [0, 1, 2].map((part) => ({
    leaf: 0x80000002 + part,
    subleaf: 0,
    eax: registerOf(text, part * 16),
    ebx: registerOf(text, part * 16 + 4),
    ecx: registerOf(text, part * 16 + 8),
    edx: registerOf(text, part * 16 + 12),
  }));
}

/** Joins rows of one leaf and subleaf that tell of different bits; later bits win. */
export function mergeRows(rows: readonly LeafRow[]): LeafRow[] {
  const merged = new Map<string, LeafRow>();
  for (const row of rows) {
    const key = `${row.leaf}.${row.subleaf}`;
    const before = merged.get(key);
    merged.set(key, before === undefined ? row : joinRows(before, row));
  }
  return [...merged.values()];
}

function joinRows(before: LeafRow, after: LeafRow): LeafRow {
  const all: Registers = { eax: ALL_KNOWN, ebx: ALL_KNOWN, ecx: ALL_KNOWN, edx: ALL_KNOWN };
  const a = before.known ?? all;
  const b = after.known ?? all;
  const value = (register: keyof Registers) =>
    (((before[register] & a[register] & ~b[register]) | (after[register] & b[register])) >>>
      0) as number;
  return {
    leaf: before.leaf,
    subleaf: before.subleaf,
    eax: value('eax'),
    ebx: value('ebx'),
    ecx: value('ecx'),
    edx: value('edx'),
    known: {
      eax: or(a.eax, b.eax),
      ebx: or(a.ebx, b.ebx),
      ecx: or(a.ecx, b.ecx),
      edx: or(a.edx, b.edx),
    },
  };
}
