/** What is to be known of an export beside its content. Where it is said: see place-remarks.ts. */

/**
 * - note: what the output is, and how it is used.
 * - condition: what must hold for the output to do what it says.
 * - not-expressed: what the baseline says and the output can't.
 */
export type RemarkKind = 'note' | 'condition' | 'not-expressed';

export interface Remark {
  readonly kind: RemarkKind;
  /** Sentences, or a line to type. */
  readonly text: string;
}

export function note(text: string): Remark {
  return { kind: 'note', text };
}

export function condition(text: string): Remark {
  return { kind: 'condition', text };
}

export function notExpressed(text: string): Remark {
  return { kind: 'not-expressed', text };
}

/** In the order in which they are said, and what each is called. */
export const REMARK_LABELS: Readonly<Record<RemarkKind, string>> = {
  note: 'note',
  condition: 'condition',
  'not-expressed': 'not expressed',
};
