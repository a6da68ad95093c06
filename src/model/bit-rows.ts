/**
 * Sets as bits, many of equal length in one array: row r is words r * width … of it. What is done
 * millions of times is done here, without making anything.
 */

const WORD_BITS = 32;

export function wordsFor(bits: number): number {
  return Math.ceil(bits / WORD_BITS);
}

export function putBit(words: Uint32Array, start: number, bit: number): void {
  const at = start + Math.floor(bit / WORD_BITS);
  words[at] = ((words[at] as number) | (1 << (bit % WORD_BITS))) >>> 0;
}

/** Bits set in a word (Henry S. Warren, Hacker's Delight, 5-1). */
export function countBits(word: number): number {
  let count = word - ((word >>> 1) & 0x55555555);
  count = (count & 0x33333333) + ((count >>> 2) & 0x33333333);
  return Math.imul((count + (count >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** Whether two stretches of `width` words share a bit. */
export function meet(
  a: Uint32Array,
  aStart: number,
  b: Uint32Array,
  bStart: number,
  width: number,
): boolean {
  for (let word = 0; word < width; word++)
    if (((a[aStart + word] as number) & (b[bStart + word] as number)) !== 0) return true;
  return false;
}

/** Bits that words `from` … `to` - 1 of three sets share. */
export function countShared(
  a: Uint32Array,
  aStart: number,
  b: Uint32Array,
  bStart: number,
  c: Uint32Array,
  from: number,
  to: number,
): number {
  let count = 0;
  for (let word = from; word < to; word++) {
    const shared = (a[aStart + word] as number) & (b[bStart + word] as number);
    count += countBits(shared & (c[word] as number));
  }
  return count;
}

/** Keeps in `a` what `b` has too. */
export function intersect(
  a: Uint32Array,
  aStart: number,
  b: Uint32Array,
  bStart: number,
  width: number,
): void {
  for (let word = 0; word < width; word++)
    a[aStart + word] = ((a[aStart + word] as number) & (b[bStart + word] as number)) >>> 0;
}

/** Whether the row holds the bit. */
export function holdsBit(words: Uint32Array, start: number, bit: number): boolean {
  const word = words[start + Math.floor(bit / WORD_BITS)] as number;
  return ((word >>> (bit % WORD_BITS)) & 1) === 1;
}
