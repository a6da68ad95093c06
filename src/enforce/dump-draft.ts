/**
 * The record on its way: written beside the images before CRIU holds the tasks, turned into the record
 * once the images are there. What stays behind of a dump that failed is a draft, never a record.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readDumpRecord, writeDumpRecord } from '../formats/dump-record.js';
import { openInput } from '../formats/format.js';
import { RECORD_NAME } from '../model/dump-record.js';
import { InputError } from '../model/errors.js';
import { probeHost } from '../probe/index.js';
import { criuVersion } from './criu.js';
import { readImageFolder } from './image-folder.js';
import type { NamedBaseline } from './recorded-mask.js';

const DRAFT = `.${RECORD_NAME}.draft`;
const NO_FINGERPRINT = '0'.repeat(64);

export interface DraftContent {
  /** Undefined: the tasks see the CPU as it is, or have seen it. */
  readonly mask: NamedBaseline | undefined;
  /** That they came under while they ran. */
  readonly late?: Pick<NamedBaseline, 'name'> | undefined;
  /** Version of cpugate. */
  readonly cpugate: string;
  /** Where supervisors have their sockets. */
  readonly runtimeFolder: string;
}

function unwritable(file: string, cause: unknown): InputError {
  const { code } = cause as NodeJS.ErrnoException;
  return new InputError('unwritable', `can't be written (${code})`, { place: { file }, cause });
}

/** Whole or not at all. */
function replace(file: string, content: string): void {
  const beside = `${file}.${process.pid}.tmp`;
  try {
    writeFileSync(beside, content, { flag: 'wx', flush: true });
    renameSync(beside, file);
  } catch (cause) {
    rmSync(beside, { force: true });
    throw unwritable(file, cause);
  }
}

/** An earlier dump's record would speak of images that are about to be overwritten. */
export function clearRecord(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
    for (const name of [RECORD_NAME, DRAFT]) rmSync(join(folder, name), { force: true });
  } catch (cause) {
    throw unwritable(folder, cause);
  }
}

/** All that a record says but the images' fingerprint and who is stopped. */
export function describeDump({ mask, late, cpugate }: DraftContent): string {
  return writeDumpRecord({
    taken: new Date().toISOString(),
    cpugate,
    fingerprint: NO_FINGERPRINT,
    host: probeHost(),
    enforcement: mask === undefined ? 'none' : 'cpuid-faulting',
    ...(mask === undefined ? {} : { mask: { name: mask.name, baseline: mask.json } }),
    ...(late === undefined ? {} : { cameUnder: late.name }),
    criu: criuVersion(),
  });
}

export interface Draft {
  readonly description: string;
  /** By the images' numbers; undefined: nobody was stopped for the dump, the images tell. */
  readonly stopped: readonly number[] | undefined;
  /** The process that dumps. */
  readonly criu: number;
}

export function writeDraft(folder: string, { description, stopped, criu }: Draft): void {
  const record = { ...JSON.parse(description), stopped };
  replace(join(folder, DRAFT), `${JSON.stringify({ criu, record }, null, 1)}\n`);
}

function readDraft(folder: string): { criu: number; record: object } | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, DRAFT), 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

export function isDraftOf(folder: string, criu: number): boolean {
  return readDraft(folder)?.criu === criu;
}

/**
 * The draft becomes the record of the images beside it, which are read as a restore will read them: what it
 * couldn't read mustn't be all that is left of the tasks. Throws InputError; then there is none.
 */
export function finishRecord(folder: string): void {
  const { fingerprint } = readImageFolder(folder);
  const content = { ...readDraft(folder)?.record, fingerprint };
  const text = `${JSON.stringify(content, null, 1)}\n`;
  readDumpRecord(openInput(RECORD_NAME, Buffer.from(text)));
  replace(join(folder, RECORD_NAME), text);
  rmSync(join(folder, DRAFT), { force: true });
}
