/**
 * What code was found to need, kept from one start of a program to the next, in a folder where nobody else may
 * write. A file is known by its build ID and by its place, size and time of change, which whoever can write its
 * bytes anew can't set back.
 */
import {
  closeSync,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { buildIdOf } from '../audit/elf.js';
import { isFeatureName } from '../catalogue/index.js';
import type { CodeAudit, CodeEvidence, CodeFile } from '../model/code-audit.js';

/** Where linkers put headers, notes and the loader's name. */
const START_BYTES = 4096;
const MAX_KEPT_BYTES = 1 << 20;

/** Undefined: it can't be read. */
function keyOf(path: string, version: string): string | undefined {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, 'r');
    const { dev, ino, size, ctimeMs } = fstatSync(descriptor);
    const start = Buffer.alloc(START_BYTES);
    const length = readSync(descriptor, start, 0, START_BYTES, 0);
    const id = buildIdOf(start.subarray(0, length)) ?? 'none';
    return `code-${version}-${id.slice(0, 64)}-${dev}-${ino}-${size}-${ctimeMs}.json`;
  } catch {
    return undefined;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

function isList(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.every(
      (one) =>
        typeof one === 'object' &&
        one !== null &&
        isFeatureName(String(one.feature)) &&
        typeof one.functions === 'number' &&
        (one.first === null || typeof one.first?.address === 'number'),
    )
  );
}

/** Undefined: nothing is kept, or it is damaged. */
function readKept(file: string): CodeAudit | undefined {
  try {
    const text = readFileSync(file, 'utf8');
    if (text.length > MAX_KEPT_BYTES) return undefined;
    const kept = JSON.parse(text);
    const isWhole = ['needs', 'chooses', 'unclear'].every((kind) => isList(kept?.[kind]));
    return isWhole ? kept : undefined;
  } catch {
    return undefined;
  }
}

/** Whole or not at all; where it can't be written the next start reads the code again. */
function writeKept(file: string, audit: CodeAudit): void {
  const draft = `${file}.${process.pid}`;
  try {
    writeFileSync(draft, JSON.stringify(audit), { mode: 0o600, flag: 'wx' });
    renameSync(draft, file);
  } catch {
    try {
      unlinkSync(draft);
    } catch {}
  }
}

/**
 * Of each file what is kept, or what is found now and kept then. `folder`: nobody else may write there; undefined:
 * nothing is kept. `version` of cpugate: another may find something else. `mayRead`: whether a file of which nothing is
 * kept is read now; otherwise it isn't in the answer.
 */
export async function auditKept(
  paths: readonly string[],
  folder: string | undefined,
  version: string,
  mayRead: (path: string) => boolean = () => true,
): Promise<CodeEvidence> {
  const files: CodeFile[] = [];
  const unread: CodeEvidence['unread'][number][] = [];
  for (const path of paths) {
    const key = folder === undefined ? undefined : keyOf(path, version);
    const file = key === undefined ? undefined : join(folder as string, key);
    const kept = file === undefined ? undefined : readKept(file);
    if (kept !== undefined) {
      files.push({ path, audit: kept });
      continue;
    }
    if (!mayRead(path)) continue;
    try {
      const { auditFile } = await import('./audit-code.js');
      const found = await auditFile({ path, at: path });
      if (found === undefined) continue;
      files.push(found);
      if (file !== undefined) writeKept(file, found.audit);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === undefined) throw error;
      unread.push({ what: path, why: 'unreadable', bytes: 0 });
    }
  }
  return { files, unread };
}
