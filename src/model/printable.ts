/**
 * Text from files for terminals: control characters, which could move the cursor or fake lines, and
 * marks that turn the direction of writing become "?".
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, '?');
}
