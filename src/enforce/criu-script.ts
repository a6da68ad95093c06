/** CRIU runs a file at its stages, without arguments: a small script that calls cpugate's hook. */
import { createHash } from 'node:crypto';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openRuntimeFolder } from './runtime-folder.js';

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/** For a shell: it becomes this program. */
export function execLine(command: readonly string[]): string {
  return `exec ${command.map(quoted).join(' ')}`;
}

/** CRTOOLS_SCRIPT_ACTION of the stages that mean something to cpugate; CRIU has others, and calls for each. */
export const CRIU_STAGES = [
  'pre-dump',
  'post-dump',
  'pre-restore',
  'pre-resume',
  'post-resume',
] as const;
export type CriuStage = (typeof CRIU_STAGES)[number];

/** To start Node takes longer than some stages: only where there is something to do. */
export function scriptText(command: readonly string[]): string {
  const lines = [
    '#!/bin/sh',
    `case "$CRTOOLS_SCRIPT_ACTION" in ${CRIU_STAGES.join(' | ')}) ;; *) exit 0 ;; esac`,
    execLine(command),
  ];
  return `${lines.join('\n')}\n`;
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
