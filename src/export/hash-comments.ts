/** Comments of files in which "#" starts one: shell, systemd, YAML. */

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

/** One paragraph a text; an empty text is an empty comment line. */
export function hashComments(texts: readonly string[]): string {
  return texts
    .flatMap(wrap)
    .map((line) => (line === '' ? '#\n' : `# ${line}\n`))
    .join('');
}
