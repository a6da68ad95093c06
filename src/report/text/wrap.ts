/** Wraps at blanks; a word that is too long stays whole. Every line gets the indent. */
export function wrap(text: string, width: number, indent = ''): string {
  return wrapWords(text.split(/\s+/), width, indent);
}

/** A list of what stays whole although it may hold blanks. */
export function wrapWords(words: readonly string[], width: number, indent = ''): string {
  const lines: string[] = [];
  let line = indent;
  for (const word of words) {
    const longer = line === indent ? line + word : `${line} ${word}`;
    if (longer.length > width && line !== indent) {
      lines.push(line);
      line = indent + word;
    } else line = longer;
  }
  lines.push(line);
  return lines.join('\n');
}
