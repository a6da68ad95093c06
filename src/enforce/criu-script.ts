/** CRIU runs a file at its stages, without arguments: a small script that calls cpugate's hook. */
import { createHash } from 'node:crypto';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openRuntimeFolder } from './runtime-folder.js';

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

export function scriptText(command: readonly string[]): string {
  return `#!/bin/sh\nexec ${command.map(quoted).join(' ')}\n`;
}

/** Named after its content, and left there: CRIU may be running still when we are gone. */
export function writeScript(command: readonly string[], folder: string, uid: number): string {
  const text = scriptText(command);
  openRuntimeFolder(folder, uid);
  const name = createHash('sha256').update(text).digest('hex').slice(0, 16);
  const file = join(folder, `${name}.sh`);
  const beside = `${file}.${process.pid}.tmp`;
  writeFileSync(beside, text, { mode: 0o700 });
  renameSync(beside, file);
  return file;
}
