/** What the instructions of files need of the CPU, by src/audit: values only. */
import type { FeatureName } from '../catalogue/index.js';
import type { Capabilities } from './capabilities.js';

/**
 * - needs: on some way from where the file is entered nobody asks the CPU before.
 * - chooses: behind a question to the CPU, or one of several by its name.
 * - unclear: neither can be shown.
 */
export type CodeClass = 'needs' | 'chooses' | 'unclear';

export interface CodeFeature {
  readonly feature: FeatureName;
  /** 0: only a note of the file says it. */
  readonly functions: number;
  /** Null: only a note of the file says it. */
  readonly first: {
    /** Name of the function; null: the file has none. */
    readonly symbol: string | null;
    /** Bytes from the start of the function. */
    readonly offset: number;
    /** As the file was linked. */
    readonly address: number;
    readonly length: number;
  } | null;
}

export interface CodeAudit {
  readonly buildId: string | null;
  readonly needs: readonly CodeFeature[];
  readonly chooses: readonly CodeFeature[];
  readonly unclear: readonly CodeFeature[];
  /** Bytes of executable sections that would be such instructions, and nothing shows that they are code. */
  readonly unprovenBytes: number;
}

export interface CodeFile {
  readonly path: string;
  readonly audit: CodeAudit;
  /** What tasks that have run this code were shown of their CPU; undefined: it is started anew. */
  readonly shown?: Capabilities;
}

/**
 * - gone: deleted while it was mapped.
 * - missing: not below the root, or not without a link.
 * - other-file: one of another build or size is there.
 * - no-program: no ELF file of x86-64.
 * - not-dumped: the images lack what would tell.
 */
export type UnreadReason =
  | 'made-at-run-time'
  | 'gone'
  | 'unreadable'
  | 'missing'
  | 'other-file'
  | 'no-program'
  | 'not-dumped';

/** Code that can't be looked at: memory that no file is behind, a file that is gone. */
export interface UnreadCode {
  readonly what: string;
  readonly why: UnreadReason;
  readonly bytes: number;
}

export interface CodeEvidence {
  readonly files: readonly CodeFile[];
  readonly unread: readonly UnreadCode[];
}
