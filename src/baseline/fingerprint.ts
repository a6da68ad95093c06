/** A short name for a text, for people to compare. It decides nothing: whoever wants can make two alike. */

/** Two runs of FNV-1a with unlike starts, mixed at the end (www.isthe.com/chongo/tech/comp/fnv). */
export function fingerprint(text: string): string {
  let a = 0x811c9dc5;
  let b = 0x050c5d1f;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    a = Math.imul(a ^ code, 0x01000193);
    b = Math.imul(b ^ (code + at), 0x01000193);
  }
  return part(a ^ (b >>> 7)) + part(b ^ (a >>> 11));
}

/** Six digits of the better mixed upper bits. */
function part(value: number): string {
  const mixed = Math.imul(value ^ (value >>> 15), 0x2c1b3c6d);
  return (mixed >>> 8).toString(16).padStart(6, '0');
}
