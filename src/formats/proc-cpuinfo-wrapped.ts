/**
 * The line of flags as people paste it: wrapped between words by an editor or a mail, broken at a
 * terminal's right edge in the midst of them, or cut. Half a line of flags looks like a smaller CPU,
 * so it is put together, or refused; never taken as it is.
 */

/** Undefined: the pieces can be read in more than one way, or in none; `line` counts from the first. */
export type Joined = { readonly flags: string } | { readonly unclear: number };

/** Several of them, or the character in UTF-8, read byte by byte. */
const DOTS = /\.{2,}|\u00e2\u0080\u00a6/;

type Seam = 'between words' | 'within a word' | 'unclear';

const LAST_WORD = /[^ \t]*$/;
const FIRST_WORD = /^[^ \t]*/;

function readSeam(before: string, after: string, isFlag: (word: string) => boolean): Seam {
  const [left, right] = [LAST_WORD.exec(before)?.[0] ?? '', FIRST_WORD.exec(after)?.[0] ?? ''];
  // A blank at the seam, or a dash of the terminal's own: words end there.
  if (left === '' || right === '') return 'between words';
  const whole = isFlag(left) && isFlag(right);
  const joined = isFlag(left + right);
  if (whole === joined) return 'unclear';
  return whole ? 'between words' : 'within a word';
}

/**
 * Puts a wrapped line together. A seam is judged by the flags that it leaves; where flags that nobody
 * knows leave it open, text that was never broken within a word elsewhere isn't here either.
 */
export function joinWrapped(lines: readonly string[], isFlag: (word: string) => boolean): Joined {
  const seams = lines
    .slice(1)
    .map((after, place) => readSeam(lines[place] as string, after, isFlag));
  const breaksWords = seams.includes('within a word');
  const unclear = seams.indexOf('unclear');
  if (unclear >= 0 && (breaksWords || !seams.includes('between words')))
    return { unclear: unclear + 1 };
  const [first = '', ...rest] = lines;
  return {
    flags: rest.reduce(
      (text, line, place) => text + (seams[place] === 'within a word' ? '' : ' ') + line,
      first,
    ),
  };
}

/** A flag that isn't among these and begins so. */
function longerFlag(word: string, words: ReadonlySet<string>, known: Iterable<string>) {
  for (const flag of known)
    if (flag.length > word.length && flag.startsWith(word) && !words.has(flag)) return flag;
  return undefined;
}

/**
 * What shows that flags are missing at the end; undefined: nothing, though a text that was cut between
 * two flags can't be told from a whole one. `words`: in their order.
 */
export function findCut(words: readonly string[], known: ReadonlySet<string>): string | undefined {
  if (words.some((word) => DOTS.test(word))) return 'dots stand for flags that were left out';
  const given = new Set(words);
  const last = words.at(-1) ?? '';
  // Linux prints each flag once: "avx" again is what is left of "avx2".
  const isAgain = words.indexOf(last) < words.length - 1;
  const whole = isAgain || !known.has(last) ? longerFlag(last, given, known) : undefined;
  return whole === undefined ? undefined : `the last one, "${last}", is a part of "${whole}"`;
}
