/** cpuinfo.img byte by byte, by the rules of protocol buffers and not by the code under test. */

export type Field = readonly [number: number, value: number | bigint | Uint8Array];

export function varint(value: number | bigint): number[] {
  const bytes: number[] = [];
  let rest = BigInt(value);
  do {
    bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return bytes;
}

/** Numbers as varints (wire type 0), bytes with their length (2). */
export function message(fields: readonly Field[]): Uint8Array {
  return Uint8Array.from(
    fields.flatMap(([number, value]) =>
      value instanceof Uint8Array
        ? [...varint(number * 8 + 2), ...varint(value.length), ...value]
        : [...varint(number * 8), ...varint(value)],
    ),
  );
}

export const text = (letters: string): Uint8Array =>
  Uint8Array.from(letters, (letter) => letter.charCodeAt(0));

export function u32(value: number): number[] {
  return [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);
}

export const COMMON = 0x54564319;
export const CPUINFO = 0x61404013;

/** Magics, length, entry. */
export function image(
  entry: Uint8Array,
  magics: readonly number[] = [COMMON, CPUINFO],
  length = entry.length,
): Uint8Array {
  return Uint8Array.from([...magics.flatMap(u32), ...u32(length), ...entry]);
}

export interface Record {
  readonly vendor?: number;
  readonly family?: number;
  readonly model?: number;
  readonly stepping?: number;
  readonly version?: number;
  readonly words?: readonly number[];
  readonly modelId?: string;
  readonly mask?: number | bigint;
  readonly size?: number;
  readonly sizeMax?: number;
}

export const ZERO_WORDS: readonly number[] = new Array(19).fill(0);

/** The fields of a record in CRIU's order. */
export function fieldsOf(record: Record): Field[] {
  const { vendor = 1, family = 6, model = 85, stepping = 7, version = 2 } = record;
  const { words = ZERO_WORDS, modelId, mask, size, sizeMax } = record;
  const optional = ([number, value]: readonly [number, Field[1] | undefined]): Field[] =>
    value === undefined ? [] : [[number, value]];
  return [
    [1, vendor],
    [2, family],
    [3, model],
    [4, stepping],
    [5, version],
    ...words.map((word): Field => [6, word]),
    ...optional([7, modelId === undefined ? undefined : text(modelId)]),
    ...optional([8, mask]),
    ...optional([9, size]),
    ...optional([10, sizeMax]),
  ];
}

export function imageOf(record: Record): Uint8Array {
  return image(message([[1, message(fieldsOf(record))]]));
}
