/**
 * What JSON.parse doesn't do: say where it went wrong, tell where one document of several ends, and
 * refuse nesting that no format has. Only damaged and unusual input comes here.
 */

export interface JsonFault {
  readonly offset: number;
  readonly message: string;
}

/** Far deeper than any format. */
const DEEPEST = 1000;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** JSON.parse takes 10 s and half a gigabyte for 8 million brackets, so they are counted before. */
export function isNestedTooDeep(bytes: Uint8Array): boolean {
  let depth = 0;
  let isText = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (isText) {
      if (byte === BACKSLASH) at++;
      else if (byte === QUOTE) isText = false;
    } else if (byte === QUOTE) isText = true;
    else if (byte === 0x7b || byte === 0x5b) {
      if (++depth > DEEPEST) return true;
    } else if (byte === 0x7d || byte === 0x5d) depth--;
  }
  return false;
}

function skipBlanks(text: string, start: number): number {
  let at = start;
  for (;;) {
    const code = text.charCodeAt(at);
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return at;
    at++;
  }
}

/** Behind the closing quote, or the fault. */
function endOfText(text: string, start: number): number | JsonFault {
  let at = start + 1;
  for (;;) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) return at + 1;
    if (Number.isNaN(code)) return { offset: start, message: 'a string has no closing quote' };
    if (code < 0x20)
      return { offset: at, message: 'a string holds a line break or control character' };
    if (code === BACKSLASH) {
      const found = /^(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/.exec(text.slice(at + 1, at + 6));
      if (found === null) return { offset: at, message: 'a string holds an unknown escape' };
      at += 1 + found[0].length;
    } else at++;
  }
}

const NUMBER = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/;
/** No number in any format is longer. */
const LONGEST_NUMBER = 400;

function endOfScalar(text: string, start: number): number | JsonFault {
  if (text[start] === '"') return endOfText(text, start);
  const rest = text.slice(start, start + LONGEST_NUMBER);
  const found = /^(?:true|false|null)/.exec(rest) ?? NUMBER.exec(rest);
  if (found === null) return { offset: start, message: 'expected a value' };
  return start + found[0].length;
}

type Wanted = 'value' | 'value or end' | 'key' | 'key or end' | 'colon' | 'more or end';

/** Where the value that begins at `start` ends, or the first fault in it. */
export function endOfValue(text: string, start: number): number | JsonFault {
  const closers: ('}' | ']')[] = [];
  let wanted: Wanted = 'value';
  let at = start;
  for (;;) {
    at = skipBlanks(text, at);
    const character = text[at];
    if (character === undefined) return { offset: at, message: 'it ends too early' };
    if (wanted.endsWith('end') && character === closers.at(-1)) {
      closers.pop();
      at++;
      if (closers.length === 0) return at;
      wanted = 'more or end';
    } else if (wanted === 'colon') {
      if (character !== ':') return { offset: at, message: 'expected ":"' };
      at++;
      wanted = 'value';
    } else if (wanted === 'more or end') {
      if (character !== ',') return { offset: at, message: `expected "," or "${closers.at(-1)}"` };
      at++;
      wanted = closers.at(-1) === '}' ? 'key' : 'value';
    } else if (wanted.startsWith('key')) {
      if (character !== '"') return { offset: at, message: 'expected a name in double quotes' };
      const end = endOfText(text, at);
      if (typeof end !== 'number') return end;
      at = end;
      wanted = 'colon';
    } else if (character === '{' || character === '[') {
      if (closers.length === DEEPEST)
        return { offset: at, message: `it is nested more than ${DEEPEST} deep` };
      closers.push(character === '{' ? '}' : ']');
      at++;
      wanted = character === '{' ? 'key or end' : 'value or end';
    } else {
      const end = endOfScalar(text, at);
      if (typeof end !== 'number') return end;
      if (closers.length === 0) return end;
      at = end;
      wanted = 'more or end';
    }
  }
}

/** Values that stand one after the other, with blanks between them at most. */
export function splitDocuments(text: string): readonly string[] | JsonFault {
  const documents: string[] = [];
  let at = skipBlanks(text, 0);
  while (at < text.length) {
    const end = endOfValue(text, at);
    if (typeof end !== 'number') return end;
    documents.push(text.slice(at, end));
    at = skipBlanks(text, end);
  }
  return documents;
}

/** "expected a value at line 3, column 5". */
export function describeFault(text: string, { offset, message }: JsonFault): string {
  let line = 1;
  let lineStart = 0;
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', at + 1)) {
    line++;
    lineStart = at + 1;
  }
  return `${message} at line ${line}, column ${offset - lineStart + 1}`;
}

/** What is wrong with a text that JSON.parse refused as one document. */
export function describeJsonError(text: string): string {
  const start = skipBlanks(text, 0);
  const end = endOfValue(text, start);
  if (typeof end !== 'number') return describeFault(text, end);
  return describeFault(text, {
    offset: skipBlanks(text, end),
    message: 'something follows after its end',
  });
}
