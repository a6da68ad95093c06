/** What a rule about images is given. */
import type { Finding } from '../compare/finding.js';
import type { SeenMask } from '../compare/seen-through.js';
import type { Capabilities } from '../model/capabilities.js';
import type { ImageFolder, ImageProcess } from '../model/image-folder.js';

export interface GateCase {
  readonly images: ImageFolder;
  /** Processes with registers and memory. */
  readonly alive: readonly ImageProcess[];
  /** The dump's CPU without a mask; undefined: nobody has told it. */
  readonly source: Capabilities | undefined;
  readonly target: Capabilities;
  /** The mask that the tasks ran under. */
  readonly mask: SeenMask | undefined;
  readonly criuVersion: string | undefined;
}

export type GateRule = (asked: GateCase) => Finding[];

/** "process 7 (nginx)", for sentences. */
export function nameProcess({ pid, comm }: ImageProcess): string {
  return comm === '' ? `process ${pid}` : `process ${pid} (${comm})`;
}

/** "thread 7" or "thread 7 and 3 more". */
export function nameThreads(tids: readonly number[]): string {
  const rest = tids.length - 1;
  return `thread ${tids[0]}${rest > 0 ? ` and ${rest} more` : ''}`;
}
