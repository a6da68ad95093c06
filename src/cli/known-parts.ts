/**
 * Parts of lines that were met before, found again by their bytes. A part may have wild bytes: hex
 * digits of which any other would do as well.
 */

/** From start up to, and without, end. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

interface Met<T> {
  readonly bytes: Buffer;
  readonly value: T;
}

/** Where parts of one length have wild bytes; the others must be equal. */
interface Shape<T> {
  readonly length: number;
  /** Stretches with wild bytes in them, and 1 for each byte of the part that is wild. */
  readonly loose: readonly Span[];
  readonly isWild: Uint8Array;
  /** By the text around the loose stretches. */
  readonly met: Map<string, Met<T>>;
}

const MOST_BYTES = 24 * 1024 * 1024;
/** Parts that look alike at first sight; more of them are looked up by shape. */
const MOST_ALIKE = 8;
const MOST_SHAPES = 4;
const SAMPLES = 32;
/** Wild bytes that are no further apart make one stretch: the fewer, the quicker. */
const NEAR_BYTES = 100;

/** Equal for equal parts; a few bytes are enough to tell most others apart. */
function hashOf(line: Buffer, { start, end }: Span): number {
  const length = end - start;
  let hash = length;
  for (let sample = 0; sample < SAMPLES; sample++)
    hash = (hash * 31 + (line[start + Math.floor((length * sample) / SAMPLES)] as number)) % 1e9;
  return hash;
}

function fixedText(line: Buffer, start: number, { loose, length }: Shape<unknown>): string {
  let text = '';
  let at = 0;
  for (const span of loose) {
    text += line.toString('latin1', start + at, start + span.start);
    at = span.end;
  }
  return text + line.toString('latin1', start + at, start + length);
}

function isHexDigit(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x39) || (byte >= 0x61 && byte <= 0x66);
}

/** Whether the loose stretches differ in wild bytes alone, and hold digits there. */
function isAlike<T>(line: Buffer, start: number, { loose, isWild }: Shape<T>, met: Met<T>) {
  for (const span of loose)
    for (let at = span.start; at < span.end; at++) {
      const byte = line[start + at] as number;
      if (byte !== met.bytes[at] && !(isWild[at] === 1 && isHexDigit(byte))) return false;
    }
  return true;
}

function joinNear(wild: readonly Span[]): readonly Span[] {
  const joined: { start: number; end: number }[] = [];
  for (const { start, end } of wild) {
    const last = joined.at(-1);
    if (last !== undefined && start - last.end <= NEAR_BYTES) last.end = end;
    else joined.push({ start, end });
  }
  return joined;
}

function shapeOf<T>(length: number, wild: readonly Span[]): Shape<T> {
  const isWild = new Uint8Array(length);
  for (const { start, end } of wild) isWild.fill(1, start, end);
  return { length, loose: joinNear(wild), isWild, met: new Map() };
}

export class KnownParts<T> {
  readonly #byHash = new Map<number, Met<T>[]>();
  /** By length. */
  readonly #shapes = new Map<number, Shape<T>[]>();
  readonly #findWild: (bytes: Buffer) => readonly Span[];
  #bytes = 0;

  /** `findWild`: where a part has wild bytes, in ascending order. */
  constructor(findWild: (bytes: Buffer) => readonly Span[] = () => []) {
    this.#findWild = findWild;
  }

  get(line: Buffer, span: Span): T | undefined {
    const exact = this.#byHash
      .get(hashOf(line, span))
      ?.find(({ bytes }) => line.compare(bytes, 0, bytes.length, span.start, span.end) === 0);
    return exact === undefined ? this.#getByShape(line, span) : exact.value;
  }

  /** Forgets all others when there are too many. */
  set(line: Buffer, span: Span, value: T): void {
    const bytes = Buffer.from(line.subarray(span.start, span.end));
    const cost = 2 * bytes.length;
    if (cost > MOST_BYTES) return;
    if (this.#bytes + cost > MOST_BYTES) {
      this.#byHash.clear();
      this.#shapes.clear();
      this.#bytes = 0;
    }
    this.#bytes += cost;
    const hash = hashOf(line, span);
    const alike = this.#byHash.get(hash) ?? [];
    if (alike.length < MOST_ALIKE) alike.push({ bytes, value });
    this.#byHash.set(hash, alike);
    this.#setShape(bytes, value);
  }

  #getByShape(line: Buffer, { start, end }: Span): T | undefined {
    for (const shape of this.#shapes.get(end - start) ?? []) {
      const met = shape.met.get(fixedText(line, start, shape));
      if (met !== undefined && isAlike(line, start, shape, met)) return met.value;
    }
    return undefined;
  }

  #setShape(bytes: Buffer, value: T): void {
    const made = shapeOf<T>(bytes.length, this.#findWild(bytes));
    const shapes = this.#shapes.get(bytes.length) ?? [];
    let shape = shapes.find(({ isWild }) => Buffer.compare(isWild, made.isWild) === 0);
    if (shape === undefined) {
      if (shapes.length === MOST_SHAPES) shapes.shift();
      shape = made;
      shapes.push(shape);
      this.#shapes.set(bytes.length, shapes);
    }
    shape.met.set(fixedText(bytes, 0, shape), { bytes, value });
  }
}
