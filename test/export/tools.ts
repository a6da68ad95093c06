/** Programs that say what an exported file means to them; undefined where one isn't installed. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Baseline } from '../../src/baseline/baseline.js';
import { placeRemarks } from '../../src/export/place-remarks.js';
import type { ExportOptions, Target } from '../../src/export/target.js';

interface File {
  readonly content: string | Uint8Array;
  /** Every remark, in the file or not. */
  readonly said: readonly string[];
  /** Those of them that say what isn't expressed. */
  readonly lost: readonly string[];
}

/** A target that gives the file as the command writes it. */
export function asFile(target: Target) {
  return {
    write(baseline: Baseline, options: ExportOptions): File {
      const exported = target.write(baseline, options);
      const { content } = placeRemarks(target, exported);
      const { remarks } = exported;
      const lost = remarks.filter(({ kind }) => kind === 'not-expressed');
      return {
        content,
        said: remarks.map(({ text }) => text),
        lost: lost.map(({ text }) => text),
      };
    },
  };
}

export function isHere(command: string, ...args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).error === undefined;
}

export const pythonYamlIsHere: boolean =
  spawnSync('python3', ['-c', 'import yaml'], { stdio: 'ignore' }).status === 0;

/** What PyYAML reads. */
export function readYaml(text: string): unknown {
  const program = 'import json, sys, yaml; print(json.dumps(yaml.safe_load(sys.stdin)))';
  return JSON.parse(execFileSync('python3', ['-c', program], { input: text, encoding: 'utf8' }));
}

/** The dynamic linker of this machine's glibc, where it tells its state (2.33 and later). */
export const LINKER = '/lib64/ld-linux-x86-64.so.2';
export const linkerTells: boolean =
  existsSync(LINKER) &&
  spawnSync(LINKER, ['--list-diagnostics'], { encoding: 'utf8' }).stdout?.includes(
    'x86.cpu_features',
  ) === true;

/** Compiles glibc-picks.c; false where that can't be done. */
export function compilePicks(file: string): boolean {
  const source = fileURLToPath(new URL('glibc-picks.c', import.meta.url));
  return spawnSync('cc', ['-O1', '-o', file, source], { stdio: 'ignore' }).status === 0;
}

/** Settings of an environment file, as those who take one with --env-file read it: verbatim. */
export function settingsOf(content: string | Uint8Array): Readonly<Record<string, string>> {
  const settings: Record<string, string> = {};
  for (const line of `${content}`.split('\n')) {
    const found = /^(\w+)=(.*)$/.exec(line);
    if (found?.[1] !== undefined) settings[found[1]] = found[2] ?? '';
  }
  return settings;
}
