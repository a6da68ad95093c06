/** Folders of real images made smaller: of all pages only those of the stacks are kept. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Input, openInput } from '../../src/formats/format.js';
import { readCore } from '../../src/formats/images/core.js';
import { type MemoryMap, readMemoryMap, readPageMap } from '../../src/formats/images/memory-map.js';
import { COMMON, message, u32 } from './criu-bytes.js';

const PAGEMAP = 0x56084025;
const PRESENT = 4;

/** A pagemap image byte by byte. */
/** Of images that are known to be of a form that is read. */
export function wholeMap(input: Input): MemoryMap {
  const map = readMemoryMap(input);
  if (map === undefined) throw new Error(`${input.name} is of an unknown form`);
  return map;
}

export function pagemapImage(
  pagesId: number,
  runs: readonly { readonly address: bigint; readonly pages: number; readonly flags?: number }[],
): Uint8Array {
  const records = [
    message([[1, pagesId]]),
    ...runs.map(({ address, pages, flags = PRESENT }) =>
      message([
        [1, address],
        [2, pages],
        [4, flags],
      ]),
    ),
  ];
  return Uint8Array.from([
    ...u32(COMMON),
    ...u32(PAGEMAP),
    ...records.flatMap((record) => [...u32(record.length), ...record]),
  ]);
}

function input(folder: string, name: string) {
  return openInput(name, readFileSync(join(folder, name)));
}

/** In place. */
export function keepStacks(folder: string): void {
  const names = readdirSync(folder);
  const threads = names.flatMap((name) => {
    const tid = Number(/^core-(\d+)\.img$/.exec(name)?.[1] ?? Number.NaN);
    return Number.isNaN(tid) ? [] : [readCore(input(folder, name), tid).thread];
  });
  for (const name of names.filter((one) => one.startsWith('pagemap-'))) {
    const pid = /\d+/.exec(name)?.[0];
    const { mappings } = wholeMap(input(folder, `mm-${pid}.img`));
    const map = readPageMap(input(folder, name));
    if (map === undefined) throw new Error(name);
    const stacks = mappings.filter(({ start, end }) =>
      threads.some((thread) => thread && thread.rsp >= start && thread.rsp < end),
    );
    const runs = map.runs.filter(({ address }) =>
      stacks.some(({ start, end }) => address >= start && address < end),
    );
    const pages = readFileSync(join(folder, `pages-${map.pagesId}.img`));
    const kept = runs.map(({ at = 0, pages: count }) => pages.subarray(at, at + count * 4096));
    writeFileSync(join(folder, `pages-${map.pagesId}.img`), Buffer.concat(kept));
    writeFileSync(join(folder, name), pagemapImage(map.pagesId, runs));
  }
}
