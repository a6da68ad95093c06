/**
 * Where the remarks of an export are said: in the file where its format has comments, else by whoever
 * writes it. Each is said once.
 */
import { COMMENTS } from './comments.js';
import { REMARK_LABELS, type Remark, type RemarkKind } from './remark.js';
import type { Exported, Target } from './target.js';

export interface PlacedRemarks {
  /** As the file is to be. */
  readonly content: string | Uint8Array;
  /** For which the file has no place. */
  readonly left: readonly Remark[];
}

const KINDS = Object.keys(REMARK_LABELS) as readonly RemarkKind[];

/** "Not expressed: …"; in a file notes need no name, comments are nothing else. */
function paragraph({ kind, text }: Remark): string {
  const label = REMARK_LABELS[kind];
  return kind === 'note' ? text : `${label[0]?.toUpperCase()}${label.slice(1)}: ${text}`;
}

/** Notes first, which say what the file is; an empty line between the kinds. */
function paragraphs(remarks: readonly Remark[]): string[] {
  return KINDS.map((kind) => remarks.filter((remark) => remark.kind === kind))
    .filter((group) => group.length > 0)
    .flatMap((group, place) => [...(place === 0 ? [] : ['']), ...group.map(paragraph)]);
}

export function placeRemarks({ comments }: Target, { content, remarks }: Exported): PlacedRemarks {
  if (comments === undefined || typeof content !== 'string') return { content, left: remarks };
  const said = COMMENTS[comments](paragraphs(remarks));
  // Content may begin with comments of its own.
  const gap = comments === 'hash' && said !== '' && content !== '' ? '\n' : '';
  return { content: said + gap + content, left: [] };
}
