/**
 * Text that comes from files and arguments, for terminals. Control characters could move the cursor
 * or fake lines; format characters (category Cf: marks that turn the direction of writing, joiners,
 * blanks of no width) let one name look like another. They are shown by their code, as JSON has it.
 */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** One UTF-16 unit after the other: "\u202e". */
function escaped(sign: string): string {
  return Array.from(
    { length: sign.length },
    (_, place) => `\\u${sign.charCodeAt(place).toString(16).padStart(4, '0')}`,
  ).join('');
}

export function printable(text: string): string {
  return text.replace(UNPRINTABLE, escaped);
}

/** JSON that shows no such character, and means the same: its own line breaks stay. */
export function printableJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replace(UNPRINTABLE, (sign) =>
    sign === '\n' ? sign : escaped(sign),
  );
}
