/** What the readers of line-oriented text share: walking over lines without copying, hex digits. */

/** The largest NR_CPUS of Linux on x86 (arch/x86/Kconfig). */
export const MAX_LOGICAL_CPUS = 8192;
const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;

/** Calls with the bounds of each line, without its line break; lines are numbered from 1. */
export function forEachLine(
  text: string,
  visit: (start: number, end: number, line: number) => void,
): void {
  let line = 0;
  for (let start = 0; start < text.length; ) {
    const lineBreak = text.indexOf('\n', start);
    const next = lineBreak === -1 ? text.length : lineBreak;
    const end = text.charCodeAt(next - 1) === CARRIAGE_RETURN && next > start ? next - 1 : next;
    line++;
    visit(start, end, line);
    start = next + 1;
  }
}

/** Whether the text stops inside a line, as a copy that was cut off does. */
export function endsInsideLine(text: string): boolean {
  return text.length > 0 && text.charCodeAt(text.length - 1) !== LINE_FEED;
}

/** For messages: short, and nothing in it that a terminal would obey. */
export function quote(text: string): string {
  return `"${text.slice(0, 40).replace(/[^ -~]/g, '?')}"`;
}

const DIGITS = new Int8Array(256).fill(-1);
for (const [value, letter] of [...'0123456789abcdef'].entries()) {
  DIGITS[letter.charCodeAt(0)] = value;
  DIGITS[letter.toUpperCase().charCodeAt(0)] = value;
}

/** Value of a hex digit, -1 for anything else and beyond the end. */
export function hexDigit(text: string, at: number): number {
  return DIGITS[text.charCodeAt(at)] ?? -1;
}

/** Exactly eight hex digits; -1 where they aren't. */
export function readRegisterDigits(text: string, at: number): number {
  let value = 0;
  for (let place = at; place < at + 8; place++) {
    const digit = hexDigit(text, place);
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}
