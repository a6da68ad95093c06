/** XML of other tools: well-formed or refused, without a DOCTYPE and so without entities of its own. */
import { SaxesParser, type SaxesTagPlain } from 'saxes';
import { type Input, malformed } from './format.js';

export interface XmlTaker {
  open(tag: SaxesTagPlain, line: number): void;
  close(): void;
  text?(text: string): void;
}

const BYTE_ORDER_MARK = '\u00ef\u00bb\u00bf';

/** Names and numbers are ASCII, so that bytes do as they are, whatever the encoding of the rest. */
function textOf(input: Input): string {
  const text = input.text();
  return text.startsWith(BYTE_ORDER_MARK) ? text.slice(BYTE_ORDER_MARK.length) : text;
}

export function isXml({ head }: Input): boolean {
  return /^(?:\u00ef\u00bb\u00bf)?\s*</.test(head);
}

/** Where a declaration or comment that begins here ends; undefined: none begins, or it has no end. */
function endOfAside(text: string, at: number): number | undefined {
  for (const [begin, end] of [
    ['<?', '?>'],
    ['<!--', '-->'],
  ] as const)
    if (text.startsWith(begin, at)) {
      const found = text.indexOf(end, at + begin.length);
      return found < 0 ? undefined : found + end.length;
    }
  return undefined;
}

/** The name of the outermost element; undefined where none is found. For recognising. */
export function rootOf(input: Input): string | undefined {
  if (!isXml(input)) return undefined;
  const text = textOf(input);
  const begin = /\S/g;
  let at: number | undefined = 0;
  while (at !== undefined) {
    begin.lastIndex = at;
    const start = begin.exec(text)?.index;
    if (start === undefined) return undefined;
    const aside = endOfAside(text, start);
    if (aside === undefined)
      return /^<([A-Za-z_][\w.-]{0,60})/.exec(text.slice(start, start + 64))?.[1];
    at = aside;
  }
  return undefined;
}

/** From a file's text to a message: cut, and nothing in it can pass for our own words. */
export function shown(text: string): string {
  return JSON.stringify(text.slice(0, 40));
}

/** An attribute's value; undefined where there is none. */
export function attribute(tag: SaxesTagPlain, name: string): string | undefined {
  return Object.hasOwn(tag.attributes, name) ? tag.attributes[name] : undefined;
}

/** Throws InputError where it isn't well-formed, and whatever the taker throws. `kind`: "cpudata". */
export function parseXml(input: Input, kind: string, taker: XmlTaker): void {
  const parser = new SaxesParser<{ position: true; xmlns: false }>({
    position: true,
    xmlns: false,
  });
  parser.on('error', (error) => {
    throw malformed(
      input,
      `is not well-formed XML: ${error.message.replace(/^\d+:\d+: /, '').slice(0, 120)}`,
      { line: parser.line },
    );
  });
  parser.on('doctype', () => {
    throw malformed(input, `has a DOCTYPE, which no ${kind} needs`, { line: parser.line });
  });
  parser.on('opentag', (tag) => taker.open(tag, parser.line));
  parser.on('closetag', () => taker.close());
  parser.on('text', (text) => taker.text?.(text));
  parser.write(textOf(input)).close();
}
