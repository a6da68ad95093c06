/**
 * Whether bytes may hold an instruction that not every 64-bit CPU has. Wrong only to one side: what it lets
 * through is decoded. Most functions of most programs hold no such byte pattern and never reach the decoder.
 * Source: Intel SDM vol. 2, appendix A (opcode map) and 2.3 (VEX), 2.7 (EVEX); AMD APM vol. 3 (XOP, 3DNow!).
 */

const [NEVER, ALWAYS, WITH_F3, WITH_F2_OR_F3] = [0, 1, 2, 3];

/** Second byte behind 0x0f → which prefix makes it interesting. */
const AFTER_0F = new Uint8Array(256);
for (const opcode of [0x01, 0x0e, 0x0f, 0x36, 0x37, 0x38, 0x3a, 0x78, 0x79, 0xa6, 0xa7, 0xae, 0xc7])
  AFTER_0F[opcode] = ALWAYS;
// MPX; POPCNT, LZCNT; SSE3 and SSE4a under names that SSE has without a prefix.
for (const opcode of [0x1a, 0x1b, 0x7c, 0x7d, 0xd0, 0xf0]) AFTER_0F[opcode] = ALWAYS;
for (const opcode of [0xb8, 0xbd]) AFTER_0F[opcode] = WITH_F3;
for (const opcode of [0x12, 0x16, 0x2b]) AFTER_0F[opcode] = WITH_F2_OR_F3;

function hasPrefix(bytes: Uint8Array, at: number, wanted: number): boolean {
  // Prefixes stand before 0x0f in any order, with a REX between.
  for (let back = 1; back <= 4 && back <= at; back++) {
    const byte = bytes[at - back] as number;
    if (byte === 0xf3 || (byte === 0xf2 && wanted === WITH_F2_OR_F3)) return true;
  }
  return false;
}

export function mayUseFeatures(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at + 1 < end; at++) {
    const next = bytes[at + 1] as number;
    switch (bytes[at]) {
      case 0x0f: {
        const wanted = AFTER_0F[next] as number;
        if (wanted === ALWAYS || (wanted !== NEVER && hasPrefix(bytes, at, wanted))) return true;
        break;
      }
      case 0xc4: // VEX, three bytes: maps 1 … 3, 5 … 7
        if ((next & 0x1f) !== 0 && (next & 0x1f) < 8) return true;
        break;
      case 0xc5: // VEX, two bytes
        if (at + 3 < end) return true;
        break;
      case 0x62: // EVEX: a bit of the first payload byte is clear, one of the second set
        if ((next & 0x08) === 0 && (next & 0x07) !== 0 && ((bytes[at + 2] ?? 0) & 0x04) !== 0)
          return true;
        break;
      case 0xd5: // REX2 of APX; no instruction without it
        return true;
      case 0x8f: // XOP, where POP would be invalid
        if ((next & 0x1f) >= 8) return true;
        break;
      case 0xc6:
      case 0xc7: // XABORT, XBEGIN
        if (next === 0xf8) return true;
        break;
    }
  }
  return false;
}
