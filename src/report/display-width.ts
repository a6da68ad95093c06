/** Columns that text takes in a terminal's font. */

/** Ideographs, kana, Hangul, emoji: two columns (Unicode Standard Annex 11). */
const WIDE =
  /[\u{1100}-\u{115f}\u{2e80}-\u{a4cf}\u{ac00}-\u{d7a3}\u{f900}-\u{faff}\u{fe30}-\u{fe6f}\u{ff00}-\u{ff60}\u{ffe0}-\u{ffe6}\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;
const COMBINING = /\p{Mn}/u;

function columnsOfSign(sign: string): number {
  if (WIDE.test(sign)) return 2;
  return COMBINING.test(sign) ? 0 : 1;
}

export function displayColumns(text: string): number {
  let columns = 0;
  for (const sign of text) columns += columnsOfSign(sign);
  return columns;
}

/** With blanks up to so many columns. */
export function padColumns(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - displayColumns(text)));
}

/** The longest beginning that takes at most so many columns. */
function beginning(signs: readonly string[], columns: number): string {
  let [text, used] = ['', 0];
  for (const sign of signs) {
    used += columnsOfSign(sign);
    if (used > columns) break;
    text += sign;
  }
  return text;
}

/** In at most so many columns, without its middle: names begin alike, and what counts them stays. */
export function shortenMiddle(text: string, columns: number): string {
  if (displayColumns(text) <= columns) return text;
  const signs = [...text];
  const head = beginning(signs, Math.floor((columns - 1) / 3));
  const tail = beginning(signs.reverse(), columns - 1 - displayColumns(head));
  return `${head}…${[...tail].reverse().join('')}`;
}
