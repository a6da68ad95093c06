/** The few macros of man(7) that a page needs, and text that can't be taken for one of them. */

/** What roff would show as another character than the one that was written. */
const CHARACTERS: Readonly<Record<string, string>> = {
  '\\': '\\e',
  // A plain one is a hyphen, which nobody can paste as an option.
  '-': '\\-',
  "'": '\\(aq',
  '"': '\\(dq',
  '`': '\\(ga',
  '^': '\\(ha',
  '~': '\\(ti',
};

/** Text as it stands, wherever it is put: in a line of its own, or as the argument of a macro. */
export function roffText(text: string): string {
  return text
    .replace(/[\\\-'"`^~]/g, (found) => CHARACTERS[found] as string)
    .replace(/[^\n -~]/gu, (found) => `\\[u${hexOf(found)}]`)
    .replace(/^(?=\.)/gm, '\\&');
}

function hexOf(character: string): string {
  return (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
}

/** One line: a break in the text would end a macro's argument. */
function argument(text: string): string {
  return `"${roffText(text.replace(/\s+/g, ' '))}"`;
}

export const title = (name: string, section: number, source: string, manual: string) =>
  `.TH ${argument(name)} ${section} "" ${argument(source)} ${argument(manual)}\n`;

/** A heading parts its text from what stands before, so no paragraph starts there. */
export const section = (name: string, text: string) =>
  `.SH ${argument(name)}\n${text.replace(/^\.PP\n/, '')}`;

export const subsection = (name: string) => `.SS ${argument(name)}\n`;

export const bold = (text: string) => `\\fB${roffText(text)}\\fR`;

export const italic = (text: string) => `\\fI${roffText(text)}\\fR`;

/** Marked text, as bold() and italic() give it, or plain. */
export const tagged = (tag: string, text: string) => `.TP\n${tag}\n${roffText(text)}\n`;

/** Lines that start with a blank keep their form; a blank line parts paragraphs. */
export function paragraphs(text: string): string {
  return text
    .split(/\n{2,}/)
    .map((part) => (/^ /m.test(part) ? literal(part) : `.PP\n${roffText(part)}\n`))
    .join('');
}

/** As written, in the terminal's own type. */
const literal = (text: string) => `.PP\n.nf\n${roffText(text)}\n.fi\n`;
