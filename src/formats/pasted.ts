/**
 * Text as mails, issues and chats carry it: quoted ("> "), indented, between the lines of a code fence,
 * one within the other. It is undone here, before any format is asked, so that no reader has to know of it.
 *
 * Only what every line has is taken away, blank lines aside: a line that stands out may be of another
 * text, and is left for readers to refuse. Lines are emptied, never removed, so that a message's line is
 * that of the file.
 */
import { type Input, openInput } from './format.js';

/** What people paste is far smaller. */
const MAX_BYTES = 4 * 1024 * 1024;
/** A quote of a quote of an indented fence has four. */
const MAX_LAYERS = 8;

const BYTE_ORDER_MARK = '\u00ef\u00bb\u00bf';
/** How a text begins that may have a layer; anything else isn't looked at further. */
const BEGINS_WITH_LAYER = /^(?:\u00ef\u00bb\u00bf)?(?:[ \t\r]*\n){0,64}(?:>|[ \t]+\S|```|~~~)/;
const OPENING_FENCE = /^(?:`{3,}|~{3,})[ \t]{0,8}[\w.+{}=-]{0,40}\s*$/;
const CLOSING_FENCE = /^(?:`{3,}|~{3,})\s*$/;

function isBlank(line: string): boolean {
  return line.trim() === '';
}

/** Without the first and last line where they are a fence, and no other line is; else undefined. */
function withoutFence(lines: readonly string[]): string[] | undefined {
  const first = lines.findIndex((line) => !isBlank(line));
  if (!OPENING_FENCE.test(lines[first] ?? '')) return undefined;
  const mark = (lines[first] as string).slice(0, 3);
  const fences = [...lines.keys()].filter((at) => (lines[at] as string).startsWith(mark));
  const last = lines.findLastIndex((line) => !isBlank(line));
  // Without an end it reaches to the end of the text, as in Markdown.
  const isOne = fences.length === 1 || (fences.length === 2 && fences[1] === last);
  if (
    !isOne ||
    (last !== first && fences.length === 2 && !CLOSING_FENCE.test(lines[last] as string))
  )
    return undefined;
  return lines.map((line, at) => (fences.includes(at) ? '' : line));
}

/**
 * Without one level of quoting. A blank after the mark belongs to it only where every line has one: to
 * a wrapped line of flags its own first blank is the end of a word.
 */
function withoutQuote(lines: readonly string[]): string[] | undefined {
  const full = lines.filter((line) => !isBlank(line));
  if (full.length === 0 || !full.every((line) => line.startsWith('>'))) return undefined;
  const isSpaced = full.every((line) => line[1] === ' ' || isBlank(line.slice(1)));
  return lines.map((line) => line.slice(isSpaced ? 2 : 1));
}

const BLANKS = /^[ \t]*/;

function withoutIndent(lines: readonly string[]): string[] | undefined {
  let indent: string | undefined;
  for (const line of lines) {
    if (isBlank(line)) continue;
    const blanks = BLANKS.exec(line)?.[0] ?? '';
    if (indent === undefined) indent = blanks;
    while (!blanks.startsWith(indent)) indent = indent.slice(0, -1);
    if (indent === '') return undefined;
  }
  if (indent === undefined || indent === '') return undefined;
  const { length } = indent;
  return lines.map((line) => line.slice(length));
}

function bytesOf(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  return bytes;
}

/** The same input where there is nothing to undo. */
export function withoutPasteMarks(input: Input): Input {
  if (input.bytes.length > MAX_BYTES || !BEGINS_WITH_LAYER.test(input.head)) return input;
  const text = input.text();
  let lines = text.slice(text.startsWith(BYTE_ORDER_MARK) ? BYTE_ORDER_MARK.length : 0).split('\n');
  for (let layer = 0; ; layer++) {
    const inner = withoutFence(lines) ?? withoutQuote(lines) ?? withoutIndent(lines);
    if (inner === undefined)
      return layer === 0
        ? input
        : { ...input, ...openInput(input.name, bytesOf(lines.join('\n'))) };
    if (layer === MAX_LAYERS) return input;
    lines = inner;
  }
}
