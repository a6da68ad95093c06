/**
 * The nearest right word, wherever a word is one of a list: commands, options, values, features,
 * levels, models, codes. One place decides what is near.
 */
import leven from 'leven';

/** Of words that are equally near. */
const MOST_SHOWN = 6;
const MOST_LETTERS = 60;
/** Letters from which on a part of a word is as good as a beginning. */
const PART_LETTERS = 4;

/** Case and what separates the parts of a word don't count. */
function plain(word: string): string {
  return word.toLowerCase().replace(/[-_.\s]/g, '');
}

/** Wrong letters that a word may have; with more it is another word. */
function mostWrong({ length }: string): number {
  return length < PART_LETTERS ? 1 : length < 8 ? 2 : 3;
}

function sorted(word: string): string {
  return [...word].sort().join('');
}

/** How far a word is from what was typed; undefined: too far. */
function distance(typed: string, word: string): number | undefined {
  if (typed.length > 1 && word.startsWith(typed)) return 1;
  if (typed.length >= PART_LETTERS && word.includes(typed)) return 1;
  const edits = leven(typed, word, { maxDistance: mostWrong(typed) + 1 });
  // Letters that changed places: one slip, though two edits.
  const slips = edits === 2 && sorted(typed) === sorted(word) ? 1 : edits;
  if (slips <= mostWrong(typed) && slips < typed.length) return slips;
  return undefined;
}

/** The nearest of some spellings, each with the name that it stands for: "abm", "lzcnt (abm)". */
export function nearestNames(
  typed: string,
  spellings: Iterable<readonly [spelling: string, name: string]>,
): readonly string[] {
  const wanted = plain(typed.slice(0, MOST_LETTERS));
  let least = Number.POSITIVE_INFINITY;
  const near = new Map<string, string>();
  for (const [spelling, name] of spellings) {
    const far = distance(wanted, plain(spelling));
    if (far === undefined || far > least) continue;
    if (far < least) near.clear();
    least = far;
    const isOwn = plain(spelling) === plain(name);
    if (isOwn || !near.has(name)) near.set(name, isOwn ? name : `${spelling} (${name})`);
  }
  return [...near.values()].slice(0, MOST_SHOWN);
}

function question(near: readonly string[]): string | undefined {
  if (near.length < 2) return near[0] === undefined ? undefined : `Did you mean ${near[0]}?`;
  return `Did you mean ${near.slice(0, -1).join(', ')} or ${near.at(-1)}?`;
}

/** "Did you mean check?", and what helps where no word is near, or in any case. */
export function suggestName(
  typed: string,
  spellings: Iterable<readonly [spelling: string, name: string]>,
  otherwise: string,
): string {
  return question(nearestNames(typed, spellings)) ?? otherwise;
}

/** The same for a list of words. */
export function suggest(typed: string, words: Iterable<string>, otherwise: string): string {
  return suggestName(
    typed,
    [...words].map((word) => [word, word] as const),
    otherwise,
  );
}
