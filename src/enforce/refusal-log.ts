/**
 * What the hooks have refused here, and why: engines show little of what their hooks say (Podman says
 * "type NOTIFY errno 0" of a refused restore). A line of JSON each, in the runtime folder; bounded.
 */
import { appendFileSync, readFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { openRuntimeFolder } from './runtime-folder.js';

export interface Refusal {
  /** ISO 8601. */
  readonly time: string;
  /** Who was called: "hook oci", "hook criu pre-restore" … */
  readonly hook: string;
  /** What it was about: a container's id, a folder of images; empty: not known. */
  readonly about: string;
  /** What was said. */
  readonly text: string;
}

const MOST_LOG_BYTES = 1024 * 1024;
const MOST_TEXT = 16 * 1024;

const logOf = (folder: string) => join(folder, 'refusals.jsonl');
const earlierLogOf = (folder: string) => join(folder, 'refusals.1.jsonl');

function isFull(file: string): boolean {
  return (statSync(file, { throwIfNoEntry: false })?.size ?? 0) > MOST_LOG_BYTES;
}

/** Best effort: a refusal stands whether it can be written down or not. */
export function logRefusal(folder: string, uid: number, refusal: Omit<Refusal, 'time'>): void {
  try {
    openRuntimeFolder(folder, uid);
    if (isFull(logOf(folder))) renameSync(logOf(folder), earlierLogOf(folder));
    const text = refusal.text.slice(0, MOST_TEXT);
    const line = { time: new Date().toISOString(), ...refusal, text };
    appendFileSync(logOf(folder), `${JSON.stringify(line)}\n`, { mode: 0o600 });
  } catch {
    // Said on standard error already.
  }
}

/** Of a log's text; a line that was cut off is left out. Pure. */
export function refusalsIn(text: string): Refusal[] {
  return text.split('\n').flatMap((line) => {
    try {
      const { time, hook, about, text: said } = JSON.parse(line);
      const words = [time, hook, about, said];
      return words.every((one) => typeof one === 'string')
        ? [{ time, hook, about, text: said }]
        : [];
    } catch {
      return [];
    }
  });
}

function readOrNothing(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

/** The last ones, the newest last. */
export function lastRefusals(folder: string, most: number): Refusal[] {
  const texts = [earlierLogOf(folder), logOf(folder)].map(readOrNothing);
  return texts.flatMap(refusalsIn).slice(-most);
}
