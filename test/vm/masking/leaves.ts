/**
 * What CPUID shall show under a mask, from what it showed bare: the mask file's rule, and the CPU's
 * own for leaves above its last one.
 */
import { findMaskRow, type Mask } from '../../../src/mask/mask.js';

export type Answer = readonly [eax: number, ebx: number, ecx: number, edx: number];
const ZEROS: Answer = [0, 0, 0, 0];

/** As leaves.c prints them, by "leaf subleaf" in hexadecimal. */
export function readLeaves(text: string): ReadonlyMap<string, Answer> {
  const lines = text.split('\n').filter((line) => /^[0-9a-f]+( [0-9a-f]+){5}$/.test(line));
  return new Map(
    lines.map((line) => {
      const [leaf, subleaf, ...registers] = line.split(' ');
      return [`${leaf} ${subleaf}`, registers.map((word) => Number.parseInt(word, 16))] as never;
    }),
  );
}

function masked(mask: Mask, leaf: number, subleaf: number, live: Answer): Answer {
  const row = findMaskRow(mask, leaf, subleaf);
  if (row === undefined) return ZEROS;
  const { keep, set } = row;
  const one = (at: number, word: number, or: number) => (((live[at] ?? 0) & word) | or) >>> 0;
  return [
    one(0, keep.eax, set.eax),
    one(1, keep.ebx, set.ebx),
    one(2, keep.ecx, set.ecx),
    one(3, keep.edx, set.edx),
  ];
}

/** Answers that would be right: above the CPU's last leaf, that leaf's (Intel) or zeros (AMD). */
export function rightAnswers(
  mask: Mask,
  bare: ReadonlyMap<string, Answer>,
  key: string,
): readonly Answer[] {
  const [leaf = 0, subleaf = 0] = key.split(' ').map((word) => Number.parseInt(word, 16));
  const live = bare.get(key) ?? ZEROS;
  const basic = bare.get('0 0')?.[0] ?? 0;
  const extended = bare.get('80000000 0')?.[0] ?? 0;
  const hypervisor = leaf >= 0x40000000 && leaf < 0x50000000;
  const within = leaf < 0x40000000 ? leaf <= basic : leaf >= 0x80000000 && leaf <= extended;
  if (within) return [masked(mask, leaf, subleaf, live)];
  if (hypervisor) return [masked(mask, leaf, subleaf, live)];
  return [masked(mask, basic, subleaf, live), ZEROS];
}
