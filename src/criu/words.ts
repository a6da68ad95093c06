/**
 * CRIU's capability words: where each comes from and what its bits are called. The order is CRIU's
 * own (enum cpuid_leafs in compel's asm/cpu.h) and part of the file format.
 */
import { type FeatureName, featureRow, ROWS } from '../catalogue/index.js';
import { bitsOf, hex, type Register } from '../model/registers.js';

export interface WordSource {
  readonly leaf: number;
  readonly subleaf: number;
  readonly reg: Register;
}

/** Undefined: CRIU never fills the word (Transmeta, Centaur, Linux's own), or makes it up (3). */
export const CRIU_WORDS: readonly (WordSource | undefined)[] = [
  { leaf: 0x1, subleaf: 0, reg: 'edx' },
  { leaf: 0x80000001, subleaf: 0, reg: 'edx' },
  undefined,
  undefined,
  { leaf: 0x1, subleaf: 0, reg: 'ecx' },
  undefined,
  { leaf: 0x80000001, subleaf: 0, reg: 'ecx' },
  undefined,
  undefined,
  { leaf: 0x7, subleaf: 0, reg: 'ebx' },
  { leaf: 0xd, subleaf: 1, reg: 'eax' },
  { leaf: 0x7, subleaf: 0, reg: 'ecx' },
  { leaf: 0xf, subleaf: 1, reg: 'edx' },
  { leaf: 0x80000008, subleaf: 0, reg: 'ebx' },
  { leaf: 0x6, subleaf: 0, reg: 'eax' },
  { leaf: 0x8000000a, subleaf: 0, reg: 'edx' },
  { leaf: 0xf, subleaf: 0, reg: 'edx' },
  { leaf: 0x80000007, subleaf: 0, reg: 'ebx' },
  { leaf: 0x7, subleaf: 0, reg: 'edx' },
];

/** Words by capability version: 1 up to CRIU 3.3, 2 since. */
export const WORDS_BY_VERSION: ReadonlyMap<number, number> = new Map([
  [1, 12],
  [2, 19],
]);

/** The word of Linux's own flags; CRIU sets these three of them. */
export const LINUX_WORD = 3;
export const LINUX_FLAGS = { rep_good: 16, nopl: 20, cpuid: 25 } as const;

export interface WordBit {
  readonly word: number;
  readonly bit: number;
}

function wordOf({ leaf, subleaf, reg }: WordSource): number {
  return CRIU_WORDS.findIndex(
    (source) => source?.leaf === leaf && source.subleaf === subleaf && source.reg === reg,
  );
}

interface Places {
  readonly byFeature: ReadonlyMap<FeatureName, WordBit>;
  /** By word and bit. */
  readonly names: ReadonlyMap<string, string>;
}

let made: Places | undefined;

/** Made when first asked for: few comparisons are about CRIU. */
function places(): Places {
  made ??= makePlaces();
  return made;
}

function makePlaces(): Places {
  const byFeature = new Map<FeatureName, WordBit>();
  const names = new Map<string, string>();
  for (const row of ROWS) {
    const word = wordOf(row);
    if (word < 0 || typeof row.bit !== 'number') continue;
    byFeature.set(row.name, { word, bit: row.bit });
    names.set(`${word} ${row.bit}`, row.name);
  }
  for (const [name, bit] of Object.entries(LINUX_FLAGS)) names.set(`${LINUX_WORD} ${bit}`, name);
  return { byFeature, names };
}

/** Where CRIU keeps a feature. */
export function criuPlace(name: FeatureName): WordBit {
  const place = places().byFeature.get(name);
  if (place === undefined) throw new Error(`CRIU has no word for ${featureRow(name).name}`);
  return place;
}

/** The features that CRIU has a bit for. */
export function criuFeatures(): ReadonlyMap<FeatureName, WordBit> {
  return places().byFeature;
}

/** "leaf 0x7.0 EBX", or "word 3" for one that is no register. */
export function describeWord(word: number): string {
  const source = CRIU_WORDS[word];
  if (source === undefined) return `word ${word}`;
  return `leaf ${hex(source.leaf)}.${source.subleaf} ${source.reg.toUpperCase()}`;
}

/** "avx2"; "leaf 0x7.0 EBX[13]" for a bit that nobody named. */
export function nameBit(word: number, bit: number): string {
  return places().names.get(`${word} ${bit}`) ?? `${describeWord(word)}[${bit}]`;
}

/** Names of the bits that are set in a mask, ascending. */
export function nameBits(word: number, mask: number): string[] {
  return bitsOf(BigInt(mask)).map((bit) => nameBit(word, bit));
}

/** Bits that can't be told, in few words: the whole register where most of it is missing. */
export function nameUnknownBits(word: number, mask: number): string[] {
  const all = nameBits(word, mask);
  return all.length > 16 ? [describeWord(word)] : all;
}
