/** What sentences call processes and threads, and what of them several rules ask. */
import { LEGACY_STATE } from '../catalogue/index.js';
import type { ImageProcess } from '../model/image-folder.js';
import { bitsOf } from '../model/registers.js';

/** "process 7 (nginx)". */
export function nameProcess({ pid, comm }: Pick<ImageProcess, 'pid' | 'comm'>): string {
  return comm === '' ? `process ${pid}` : `process ${pid} (${comm})`;
}

/** The first of some names: "process 7 (nginx)" or "process 7 (nginx) and 3 more". */
export function firstOf(names: readonly string[]): string {
  const rest = names.length - 1;
  return `${names[0] ?? ''}${rest > 0 ? ` and ${rest} more` : ''}`;
}

/** "thread 7" or "thread 7 and 3 more". */
export function nameThreads(tids: readonly number[]): string {
  const rest = tids.length - 1;
  return `thread ${tids[0]}${rest > 0 ? ` and ${rest} more` : ''}`;
}

/** Threads that hold something in each component now, x87 and SSE aside. */
export function threadsByComponent(
  alive: readonly ImageProcess[],
  which: 'inUse' | 'lost',
): Map<number, number[]> {
  const found = new Map<number, number[]>();
  for (const { threads } of alive)
    for (const { tid, xsave } of threads)
      for (const bit of bitsOf((xsave?.[which] ?? 0n) & ~LEGACY_STATE))
        found.set(bit, [...(found.get(bit) ?? []), tid]);
  return found;
}
