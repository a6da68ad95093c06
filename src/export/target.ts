/** What other tools' settings are made by. */
import type { Baseline } from '../baseline/baseline.js';
import type { TargetName } from './target-names.js';

export interface ExportOptions {
  /** Release of glibc that the setting is for ("2.31"); default: those of the hosts. */
  readonly glibc?: string;
}

export interface Exported {
  readonly content: string | Uint8Array;
  /** What the target can't express, a sentence each. */
  readonly missing: readonly string[];
}

export interface Target {
  /** As --for takes it. */
  readonly name: TargetName;
  /** Usual name of the file. */
  readonly file: string;
  write(baseline: Baseline, options: ExportOptions): Exported;
}
