/**
 * The baseline behind a running supervisor's mask. Its mask file, which its command line names, has the
 * baseline beside it, in a folder that no task can write to; what is found there has to compile to the
 * mask that the supervisor itself says it enforces (masked-tree.ts).
 */
import { readFileSync } from 'node:fs';
import { baseline as format, readBaselineFile } from '../formats/baseline.js';
import { openInput } from '../formats/format.js';
import { baselineBeside } from './mask-file.js';
import { commandLineOf } from './processes.js';
import type { NamedBaseline } from './recorded-mask.js';

/** Of a supervisor's command line, as /proc/PID/cmdline has it. Pure. */
export function maskFileIn(cmdline: string): string | undefined {
  const words = cmdline.split('\0');
  const end = words.indexOf('--');
  const own = end === -1 ? words : words.slice(0, end);
  const place = own.indexOf('--mask');
  return place === -1 ? undefined : own[place + 1];
}

/** Undefined: none is kept, as by earlier versions, or what is kept can't be read. */
export function keptBaseline(supervisor: number): NamedBaseline | undefined {
  try {
    const maskFile = maskFileIn(commandLineOf(supervisor));
    if (maskFile === undefined) return undefined;
    const file = baselineBeside(maskFile);
    const { name, baseline } = JSON.parse(readFileSync(file, 'utf8'));
    const input = openInput(file, new TextEncoder().encode(JSON.stringify(baseline)));
    if (typeof name !== 'string' || !format.recognise(input)) return undefined;
    return { name, baseline: readBaselineFile(input).baseline, json: baseline };
  } catch {
    return undefined;
  }
}
