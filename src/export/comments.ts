/** Comments of the files that exports are written to. */
import { printable } from '../model/printable.js';

/**
 * - hash: "#" starts one (shell, systemd, YAML, environment files).
 * - xml: between "<!--" and "-->".
 */
export type CommentStyle = 'hash' | 'xml';

const WIDTH = 98;

function wrap(text: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

/** Texts quote what hosts say of themselves: no line of theirs may leave the comment. */
function linesOf(texts: readonly string[]): string[] {
  return texts.flatMap((text) => wrap(printable(text)));
}

/** One paragraph a text; an empty text is an empty comment line. */
export function hashComments(texts: readonly string[]): string {
  return linesOf(texts)
    .map((line) => (line === '' ? '#\n' : `# ${line}\n`))
    .join('');
}

/** "--" would end the comment. */
function xmlComment(texts: readonly string[]): string {
  if (texts.length === 0) return '';
  const lines = linesOf(texts).map((line) => line.replace(/-(?=-)/g, '- '));
  return `<!--\n${lines.map((line) => (line === '' ? '\n' : `  ${line}\n`)).join('')}-->\n`;
}

export const COMMENTS: Readonly<Record<CommentStyle, (texts: readonly string[]) => string>> = {
  hash: hashComments,
  xml: xmlComment,
};
