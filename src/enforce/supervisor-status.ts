/**
 * What a supervisor tells of itself on its control socket, which no task can write: the only proof that
 * tasks are under a mask. Whatever it doesn't say, or says in a way that isn't known here, is not so. Pure.
 */
import type { MaskMark } from '../mask/bytes.js';

/** masked: CPUID answers with the mask. released: let go of for a while, for a dump. */
export type HeldState = 'masked' | 'bare' | 'released';

export interface SupervisorStatus {
  readonly supervisor: number;
  readonly mode: 'run' | 'attach' | 'adopt' | undefined;
  /** "detach" was asked for: the tasks see the real CPU, whether it holds them still or not. */
  readonly isUnmasked: boolean;
  /** Its tasks were under this mask, or one that shows no more, all their life. */
  readonly isFromStart: boolean;
  /** By PID. */
  readonly processes: ReadonlyMap<number, HeldState>;
  readonly mask: MaskMark | undefined;
}

const SUPERVISOR = /^supervisor ([1-9]\d{0,9})$/;
const MODE = /^mode (run|attach|adopt)$/;
const PROCESS = /^process ([1-9]\d{0,9}) (?:(masked|bare)|(released)(?: stopped| running)?)$/;
const MASK = /^mask ([0-9a-f]{8}) (\d{1,9})$/;

/** However it is put: "detached" is what earlier supervisors say. */
const UNMASKED: ReadonlySet<string> = new Set(['unmasked', 'state unmasked', 'detached']);

/** What is said twice and not alike is told by neither. */
function onlyOne<T>(all: readonly T[]): T | undefined {
  const [first] = all;
  return all.every((one) => one === first) ? first : undefined;
}

function processesIn(lines: readonly string[]): Map<number, HeldState> {
  const processes = new Map<number, HeldState>();
  for (const line of lines) {
    const [, pid, held, released] = PROCESS.exec(line) ?? [];
    if (pid === undefined) continue;
    const state = held ?? released;
    const before = processes.get(Number(pid));
    const isContradicted = before !== undefined && before !== state;
    processes.set(Number(pid), isContradicted ? 'bare' : (state as HeldState));
  }
  return processes;
}

/** The answer to "status"; undefined: it isn't one of a supervisor's. */
export function parseStatus(text: string): SupervisorStatus | undefined {
  // A line that was cut off says something else than it was meant to.
  const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n');
  const words = (pattern: RegExp) => lines.flatMap((line) => pattern.exec(line)?.[1] ?? []);
  const supervisor = Number(onlyOne(words(SUPERVISOR)) ?? 0);
  if (supervisor === 0) return undefined;
  const mode = onlyOne(words(MODE)) as SupervisorStatus['mode'];
  const mask = MASK.exec(onlyOne(lines.filter((line) => MASK.test(line))) ?? '');
  const isUnmasked = lines.some((line) => UNMASKED.has(line));
  return {
    supervisor,
    mode,
    isUnmasked,
    isFromStart:
      !isUnmasked && (mode === 'run' || (mode !== undefined && lines.includes('from-start'))),
    processes: processesIn(lines),
    mask:
      mask === null
        ? undefined
        : { crc32: Number.parseInt(mask[1] as string, 16), bytes: Number(mask[2]) },
  };
}
