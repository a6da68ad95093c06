/** inventory.img and pstree.img: which processes and threads a dump holds. */
import type { Input } from '../format.js';
import { damagedImage, fieldsOf, imageRecords, needed, onlyRecord } from './image-file.js';

/** More than a Linux machine has by default (kernel.pid_max); a dump has some hundred. */
const MOST_THREADS = 65_536;
const LARGEST_PID = 4_194_304;

/** Version 1 had no common magic; 2 is 1.1. No other was ever written. */
const NEWEST_VERSION = 2;

/** Throws InputError for an image of a version that isn't known. */
export function checkInventory(input: Input): void {
  const record = onlyRecord(input, 'inventory');
  const fields = fieldsOf(record);
  let version: number | undefined;
  fields.each(record.end, (field) => {
    if (field !== 1) return false;
    version = fields.varint(record.end, 'img_version');
    return true;
  });
  const known = needed(record, version, 'img_version');
  if (known < 1 || known > NEWEST_VERSION)
    throw damagedImage(input, `has version ${known}; only 1 and 2 are known`, record.start);
}

export interface TreeEntry {
  readonly pid: number;
  readonly parent: number;
  readonly threads: readonly number[];
}

/**
 * Each process once; the root first. What stands as the threads of a dead process means nothing: CRIU 4.2
 * leaves it to chance.
 */
export function readTree(input: Input): TreeEntry[] {
  const entries = imageRecords(input, 'pstree').map((record): TreeEntry => {
    const fields = fieldsOf(record);
    const threads: number[] = [];
    let pid: number | undefined;
    let parent = 0;
    const number = (name: string) => fields.varint(record.end, name, LARGEST_PID);
    fields.each(record.end, (field) => {
      if (field === 1) pid = number('pid');
      else if (field === 2) parent = number('ppid');
      else if (field === 5)
        for (const tid of fields.varints(record.end, 'threads')) threads.push(tid);
      else return false;
      return true;
    });
    return { pid: needed(record, pid, 'pid'), parent, threads };
  });
  if (entries.length === 0) throw damagedImage(input, 'holds no process', 0);
  checkNumbers(input, entries, (entry) => [entry.pid]);
  return entries;
}

/** Of processes that live: each thread once. Throws InputError. */
export function checkThreads(input: Input, alive: readonly TreeEntry[]): void {
  for (const { pid, threads } of alive)
    if (threads.length > 0 && !threads.includes(pid))
      throw damagedImage(input, `process ${pid} isn't one of its threads`, 0);
  checkNumbers(input, alive, ({ pid, threads }) => (threads.length === 0 ? [pid] : threads));
}

function checkNumbers(
  input: Input,
  entries: readonly TreeEntry[],
  numbersOf: (entry: TreeEntry) => readonly number[],
): void {
  const seen = new Set<number>();
  for (const entry of entries) {
    for (const tid of numbersOf(entry)) {
      if (tid === 0 || tid > LARGEST_PID || seen.has(tid))
        throw damagedImage(input, `holds thread ${tid} twice, or with an impossible number`, 0);
      seen.add(tid);
    }
    if (seen.size > MOST_THREADS) throw damagedImage(input, 'holds too many threads', 0);
  }
}
