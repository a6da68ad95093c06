/** All functions of a file, by address, those included that only a reference shows. */
import type { CodeFunction, ElfFile } from './elf.js';
import type { Section } from './elf-parts.js';
import type { Pairs } from './pairs.js';

export class Functions {
  readonly list: readonly CodeFunction[];
  readonly #starts: Float64Array;

  constructor(list: readonly CodeFunction[]) {
    this.list = list;
    this.#starts = Float64Array.from(list, ({ start }) => start);
  }

  /** Place in `list` of the one that an address lies in; -1: in none. */
  indexOf(address: number): number {
    let [low, high] = [0, this.#starts.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#starts[middle] as number) <= address) low = middle + 1;
      else high = middle;
    }
    const found = this.list[low - 1];
    return found !== undefined && address < found.end ? low - 1 : -1;
  }

  /** Of the one that begins there. */
  startingAt(address: number): number {
    const index = this.indexOf(address);
    return index >= 0 && this.list[index]?.start === address ? index : -1;
  }
}

/** Parts of the code that no function covers; the linker's stubs aren't among them. */
export function gapsOf(
  code: readonly Section[],
  functions: readonly CodeFunction[],
): CodeFunction[] {
  const gaps: CodeFunction[] = [];
  const add = (start: number, end: number) => {
    if (end > start) gaps.push({ start, end, name: undefined, isFallenInto: false });
  };
  for (const { name, address, size } of code) {
    if (name.startsWith('.plt')) continue;
    let from = address;
    for (const { start, end } of functions) {
      if (start < address || start >= address + size) continue;
      add(from, start);
      from = Math.max(from, end);
    }
    add(from, address + size);
  }
  return gaps;
}

/** With those that begin where something leads to, in code that nothing else covers. */
export function withReferred(file: ElfFile, toUnknown: Pairs): Functions {
  const { code, functions, exported, pointers } = file;
  const gaps = gapsOf(code, functions);
  if (gaps.length === 0) return new Functions(functions);
  const inGaps = new Functions(gaps);
  const starts = new Map<number, string | undefined>();
  for (let index = 0; index < toUnknown.length; index++)
    starts.set(toUnknown.target(index), undefined);
  for (const { to } of pointers) starts.set(to, undefined);
  for (const [address, name] of exported) starts.set(address, name);
  const added = [...starts]
    .map(([start, name]) => ({ start, name, gap: gaps[inGaps.indexOf(start)] }))
    .filter(({ gap }) => gap !== undefined)
    .sort((a, b) => a.start - b.start);
  const more = added.map(({ start, name, gap }, place): CodeFunction => {
    const end = gap?.end ?? start;
    const next = added[place + 1]?.start ?? Number.POSITIVE_INFINITY;
    const previous = added[place - 1];
    const isFallenInto = previous !== undefined && previous.gap === gap;
    return { start, end: Math.min(end, next), name, isFallenInto };
  });
  return new Functions([...functions, ...more].sort((a, b) => a.start - b.start));
}
