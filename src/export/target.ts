/** What other tools' settings are made by. */
import type { Baseline } from '../baseline/baseline.js';
import type { CommentStyle } from './comments.js';
import type { EnvironmentFormat } from './environment-formats.js';
import type { Remark } from './remark.js';
import type { TargetName } from './target-names.js';

export interface ExportOptions {
  /** Release of glibc that the setting is for ("2.31"); default: those of the hosts. */
  readonly glibc?: string;
  /** For targets that write environment variables; default: env-file. */
  readonly format?: EnvironmentFormat;
}

export interface Exported {
  /** Without the remarks. */
  readonly content: string | Uint8Array;
  readonly remarks: readonly Remark[];
}

export interface Target {
  /** As --for takes it. */
  readonly name: TargetName;
  /** Usual name of the file. */
  readonly file: string;
  /** How its files hold comments; absent: not at all. */
  readonly comments?: CommentStyle;
  /** Writes environment variables, in each of the formats for them. */
  readonly isEnvironment?: true;
  write(baseline: Baseline, options: ExportOptions): Exported;
}
