/** The baseline of a mask, from --mask or from a dump's record. */
import { readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import type { NamedBaseline } from '../enforce/recorded-mask.js';
import { RECORD_NAME } from '../model/dump-record.js';
import { InputError } from '../model/errors.js';
import { isNamedHost } from './load-host.js';

export async function namedBaseline(path: string): Promise<NamedBaseline> {
  if (path === '-')
    throw new InputError('usage', "the mask can't come from standard input here", {
      remedy: 'Give a file: it is read more than once.',
    });
  const { loadEnforcedMask } = await import('./load-baseline.js');
  return loadEnforcedMask(path);
}

/** For another process, in whatever folder that is. */
export function absoluteMask(wanted: string): string {
  return isNamedHost(wanted) ? wanted : realpathSync(wanted);
}

/** Of a record that has been read already, and has one. */
export async function recordedBaseline(folder: string): Promise<NamedBaseline> {
  const { parseBaseline } = await import('./load-baseline.js');
  const { mask } = JSON.parse(readFileSync(join(folder, RECORD_NAME), 'utf8'));
  const { baseline } = parseBaseline(`${folder}/${RECORD_NAME}`, JSON.stringify(mask.baseline));
  return { name: mask.name, baseline, json: mask.baseline };
}
