/** What all names of hosts begin and end with tells none of them apart, and takes the room of what does. */

/** Less isn't worth a word about it. */
const LEAST_CUT = 6;
/** Of two names alone it is no rule. */
const LEAST_NAMES = 3;

export interface CommonEnds {
  /** "rack1-", up to where a part of a name ends; empty: they don't begin alike. */
  readonly prefix: string;
  /** ".example.org". */
  readonly suffix: string;
}

const NOTHING: CommonEnds = { prefix: '', suffix: '' };

/** How many signs all have in common, counted as `signAt` counts. */
function commonLength(names: readonly string[], signAt: (name: string, place: number) => string) {
  const [first = '', ...others] = names;
  let length = Math.min(...names.map((name) => name.length));
  for (const name of others)
    for (let place = 0; place < length; place++)
      if (signAt(name, place) !== signAt(first, place)) length = place;
  return length;
}

function prefixOf(names: readonly string[]): string {
  const [first = ''] = names;
  const length = commonLength(names, (name, place) => name.charAt(place));
  // A number alone would be taken for the kind's.
  const leavesWord = (prefix: string) =>
    names.every((name) => /[A-Za-z]/.test(name.slice(prefix.length)));
  for (let end = length; end >= LEAST_CUT; end--)
    if (/[-_./:]/.test(first.charAt(end - 1)) && leavesWord(first.slice(0, end)))
      return first.slice(0, end);
  return '';
}

function suffixOf(names: readonly string[]): string {
  const [first = ''] = names;
  const length = commonLength(names, (name, place) => name.charAt(name.length - 1 - place));
  // Without the first sign, so that something of each name is left.
  const begin = first.indexOf('.', Math.max(1, first.length - length));
  const suffix = begin < 0 ? '' : first.slice(begin);
  const isRest = names.every((name) => name.length > suffix.length);
  return isRest && suffix.length >= LEAST_CUT ? suffix : '';
}

/** Pure. `names`: those that are shown together. */
export function commonEnds(names: readonly string[]): CommonEnds {
  if (new Set(names).size < LEAST_NAMES) return NOTHING;
  const suffix = suffixOf(names);
  const rest = names.map((name) => name.slice(0, name.length - suffix.length));
  return { prefix: prefixOf(rest), suffix };
}

/** The name without them; a name that doesn't have them stays. */
export function withoutEnds(name: string, { prefix, suffix }: CommonEnds): string {
  if (name.length <= prefix.length + suffix.length) return name;
  if (!name.startsWith(prefix) || !name.endsWith(suffix)) return name;
  return name.slice(prefix.length, name.length - suffix.length);
}
