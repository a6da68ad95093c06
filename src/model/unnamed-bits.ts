/**
 * Set bits of feature registers that no row of the catalogue names. What they stand for nobody here
 * knows: they may be instructions. Profiles keep them, and a target without them is unknown.
 */
import { ROWS } from '../catalogue/index.js';
import { REPEATED_BITS } from '../catalogue/repeated-bits.js';
import type { Cpu, HostKind } from './host.js';
import { type LeafTable, readRegister } from './leaves.js';
import { ALL_KNOWN, and, bitsMask, hasBit, or, type Register, without } from './registers.js';

export interface UnnamedBit {
  readonly leaf: number;
  readonly subleaf: number;
  readonly reg: Register;
  readonly bit: number;
}

/** The unnamed bits of one register over all CPUs of a host. */
export interface UnnamedWord {
  readonly leaf: number;
  readonly subleaf: number;
  readonly reg: Register;
  /** Set on one of the CPUs: a task may have seen them. */
  readonly any: number;
  /** Set on every CPU. */
  readonly all: number;
  /** Bits that are known, of every CPU. */
  readonly known: number;
}

type Place = readonly [leaf: number, subleaf: number, reg: Register];

/**
 * Registers of which every bit is, or may become, a feature that tasks use. Registers that hold
 * numbers beside their few bits would show every number as bits, and what is the kernel's alone (power,
 * virtual machines, monitoring) concerns no task.
 */
const FEATURE_REGISTERS: readonly Place[] = [
  [0x1, 0, 'ecx'],
  [0x1, 0, 'edx'],
  [0x7, 0, 'ebx'],
  [0x7, 0, 'ecx'],
  [0x7, 0, 'edx'],
  [0x7, 1, 'eax'],
  [0x7, 1, 'ebx'],
  [0x7, 1, 'ecx'],
  [0x7, 1, 'edx'],
  [0x7, 2, 'eax'],
  [0x7, 2, 'ebx'],
  [0x7, 2, 'ecx'],
  [0x7, 2, 'edx'],
  [0xd, 1, 'eax'],
  [0x1e, 1, 'eax'],
  [0x24, 1, 'ecx'],
  [0x80000001, 0, 'ecx'],
  [0x80000001, 0, 'edx'],
  [0x80000008, 0, 'ebx'],
  [0x80000021, 0, 'eax'],
  // Hygon's own, of which nobody has named a bit in a manual.
  [0x8c860000, 0, 'edx'],
  [0xc0000001, 0, 'edx'],
];
/** Beside the further subleaves of leaf 7, which is among them. */
export const UNNAMED_LEAVES: readonly number[] = FEATURE_REGISTERS.map(([leaf]) => leaf);
const REGISTERS: readonly Register[] = ['eax', 'ebx', 'ecx', 'edx'];
/** From here on leaf 7 has subleaves that nobody has described. */
const FIRST_NEW_SUBLEAF = 3;

function keyOf([leaf, subleaf, reg]: Place): string {
  return `${leaf.toString(16)}.${subleaf}.${reg}`;
}

let namedBits: Map<string, number> | undefined;

function named(place: Place): number {
  if (namedBits === undefined) {
    namedBits = new Map();
    for (const { leaf, subleaf, reg, bit } of ROWS) {
      const key = keyOf([leaf, subleaf, reg]);
      namedBits.set(key, or(namedBits.get(key) ?? 0, bitsMask(bit)));
    }
    const { leaf, reg, bits } = REPEATED_BITS;
    const key = keyOf([leaf, 0, reg]);
    namedBits.set(key, or(namedBits.get(key) ?? 0, bits));
  }
  return namedBits.get(keyOf(place)) ?? 0;
}

function placesOf(leaves: LeafTable): readonly Place[] {
  const more = leaves.rows
    .filter(({ leaf, subleaf }) => leaf === 7 && subleaf >= FIRST_NEW_SUBLEAF)
    .flatMap(({ leaf, subleaf }) => REGISTERS.map((reg): Place => [leaf, subleaf, reg]));
  return more.length === 0 ? FEATURE_REGISTERS : [...FEATURE_REGISTERS, ...more];
}

/** A named model holds exactly what it lists: nothing without a name. */
function readUnnamed(leaves: LeafTable, place: Place, kind: HostKind) {
  const [leaf, subleaf, reg] = place;
  const { value, known } = readRegister(leaves, leaf, subleaf, reg);
  return { value: without(value, named(place)), known: kind === 'model' ? ALL_KNOWN : known };
}

/** By register; registers in which every CPU is known to have none are left out. */
export function unnamedWords(
  cpus: readonly Cpu[],
  kind: HostKind,
): ReadonlyMap<string, UnnamedWord> {
  const words = new Map<string, UnnamedWord>();
  const places = new Map<string, Place>();
  for (const { leaves } of cpus)
    for (const place of placesOf(leaves)) places.set(keyOf(place), place);
  for (const [key, place] of places) {
    const [leaf, subleaf, reg] = place;
    let [any, all, known] = [0, ALL_KNOWN, ALL_KNOWN];
    for (const { leaves } of cpus) {
      const answer = readUnnamed(leaves, place, kind);
      any = or(any, answer.value);
      all = and(all, answer.value);
      known = and(known, answer.known);
    }
    if (any !== 0 || known !== ALL_KNOWN) words.set(key, { leaf, subleaf, reg, any, all, known });
  }
  return words;
}

function bitsOfWord(word: number): number[] {
  return Array.from({ length: 32 }, (_, bit) => bit).filter((bit) => hasBit(word, bit));
}

/** Those that are set, for people. */
export function unnamedBits(cpu: Cpu): UnnamedBit[] {
  return [...unnamedWords([cpu], 'cpu').values()].flatMap(({ leaf, subleaf, reg, any }) =>
    bitsOfWord(any).map((bit) => ({ leaf, subleaf, reg, bit })),
  );
}

export interface LostBit extends UnnamedBit {
  /** Known to be clear, not only unknown. */
  readonly isClear: boolean;
}

/** Bits that a task may have seen on the one and doesn't find on the other. */
export function lostUnnamedBits(
  from: ReadonlyMap<string, UnnamedWord>,
  to: ReadonlyMap<string, UnnamedWord>,
): LostBit[] {
  return [...from].flatMap(([key, { leaf, subleaf, reg, any }]) => {
    const target = to.get(key);
    const lost = without(any, target?.all ?? 0);
    // A subleaf that the target's dump doesn't have at all isn't among its words.
    const known = target?.known ?? ALL_KNOWN;
    return bitsOfWord(lost).map((bit) => ({
      leaf,
      subleaf,
      reg,
      bit,
      isClear: hasBit(known, bit),
    }));
  });
}
