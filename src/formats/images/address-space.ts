/**
 * A dumped process's memory: pages that the dump holds, and zeros where nothing was ever written. What
 * lies unchanged in a mapped file isn't in a dump, and isn't read here.
 */
import {
  type Mapping,
  type MemoryMap,
  PAGE_BYTES,
  type PageMap,
  type PageRun,
} from './memory-map.js';

/** Bytes of a file at an offset; undefined: not to be had. */
export type ReadAt = (offset: number, length: number) => Uint8Array | undefined;

/** Pages in memory that the dump holds, or should hold. */
export interface DumpedPart {
  readonly start: bigint;
  readonly end: bigint;
}

/** What one dump holds of a process's pages. */
export interface DumpedPages {
  readonly map: PageMap;
  readonly read: ReadAt;
}

export class AddressSpace {
  readonly mappings: readonly Mapping[];
  readonly #dumps: readonly DumpedPages[];

  /** `dumps`: the last one first, then those before that it counts on. */
  constructor(map: MemoryMap, dumps: readonly [DumpedPages, ...DumpedPages[]]) {
    this.mappings = map.mappings;
    this.#dumps = dumps;
  }

  mappingAt(address: bigint): Mapping | undefined {
    return this.mappings.find(({ start, end }) => address >= start && address < end);
  }

  /** What the dump holds of a range, ascending. */
  dumpedParts(start: bigint, end: bigint): DumpedPart[] {
    const [last] = this.#dumps;
    return (last?.map.runs ?? []).flatMap(({ address, pages }) => {
      const runEnd = address + BigInt(pages) * PAGE_BYTES;
      const part = { start: address > start ? address : start, end: runEnd < end ? runEnd : end };
      return part.start < part.end ? [part] : [];
    });
  }

  /** Undefined where any byte of it can't be had. */
  read(address: bigint, length: number): Uint8Array | undefined {
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length; ) {
      const at = address + BigInt(done);
      const part = this.#readPart(at, length - done);
      if (part === undefined) return undefined;
      bytes.set(part, done);
      done += part.length;
    }
    return bytes;
  }

  u64(address: bigint): bigint | undefined {
    const bytes = this.read(address, 8);
    return bytes === undefined ? undefined : new DataView(bytes.buffer).getBigUint64(0, true);
  }

  /** At least a byte, at most `most`: up to where the pages lie elsewhere. */
  #readPart(address: bigint, most: number): Uint8Array | undefined {
    let length = most;
    for (const [place, { map, read }] of this.#dumps.entries()) {
      const run = runAt(map, address);
      if (run === undefined) return place === 0 ? this.#unwritten(address, length) : undefined;
      length = Math.min(length, Number(run.address + BigInt(run.pages) * PAGE_BYTES - address));
      if (run.at !== undefined) return read(run.at + Number(address - run.address), length);
      if (!run.isInParent) return undefined;
    }
    return undefined;
  }

  /** Of one page: the next may be in a dump. */
  #unwritten(address: bigint, most: number): Uint8Array | undefined {
    if (this.mappingAt(address)?.kind !== 'anonymous') return undefined;
    return new Uint8Array(Math.min(most, Number(PAGE_BYTES - (address % PAGE_BYTES))));
  }
}

/** Runs are in ascending order. */
function runAt({ runs }: PageMap, address: bigint): PageRun | undefined {
  let [low, high] = [0, runs.length - 1];
  while (low <= high) {
    const middle = (low + high) >> 1;
    const run = runs[middle];
    if (run === undefined) return undefined;
    if (address < run.address) high = middle - 1;
    else if (address >= run.address + BigInt(run.pages) * PAGE_BYTES) low = middle + 1;
    else return run;
  }
  return undefined;
}
