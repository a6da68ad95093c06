/** What a sentence for people must be, and words that only we would understand. */
import { COMPONENTS } from '../src/catalogue/index.js';

/** A word a line, with what stands there instead. */
export const PRIVATE_WORDS: readonly (readonly [word: RegExp, instead: string])[] = [
  [/\b(?:un)?told\b(?! apart)/i, 'unknown'],
  [/\b(?:doesn't|don't|does not|do not|not all \w+) tell\b/i, 'unknown'],
  [/\btells? (?:no|only|all|the same)\b/i, 'has, shows'],
  [/\bseen[ -]through\b/i, 'under a mask'],
  [/\bmisfits?\b/i, 'what differs'],
  [/\bfloors\b/i, 'sizes that tasks have seen'],
  [/\broads?\b/i, 'means'],
  [/\bworth\b/i, 'what is kept or gained'],
  [/\bfacets?\b/i, 'what a rule reads'],
  [/\bwithout harm\b/i, 'harmless'],
  [/\bnobody\b/i, 'unknown'],
  [/\banew\b/i, 'new'],
  [/\bwants?\b/i, 'needs'],
];

/** Names that begin sentences and are written small. */
const SMALL_NAMES: readonly string[] = ['gcc', 'glibc', ...COMPONENTS.map(({ name }) => name)];

/** What is wrong with a text that should be a sentence; `names`: hosts that it may begin with. */
export function faultOf(text: string, names: readonly string[] = []): string | undefined {
  const word = PRIVATE_WORDS.find(([pattern]) => pattern.test(text));
  if (word !== undefined) return `${word[0]} for "${word[1]}": ${text}`;
  if (!/[^.]\.$/.test(text)) return `no period: ${text}`;
  if (/ {2}|\.\.|undefined|NaN|\[object/.test(text)) return `a gap: ${text}`;
  const startsWithName = [...SMALL_NAMES, ...names].some((name) => text.startsWith(`${name} `));
  return /^["A-Z0-9/]/.test(text) || startsWithName ? undefined : `no capital: ${text}`;
}
