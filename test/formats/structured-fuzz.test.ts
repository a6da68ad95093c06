/**
 * Damage to every recorded host: whatever comes in, a reader gives a host that can be described and
 * written down again, or an InputError that names the file. Nothing else, and never late.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readHost } from '../../src/formats/index.js';
import { profile } from '../../src/formats/profile.js';
import { describeHost } from '../../src/model/capabilities.js';
import { describeInputError, isInputError } from '../../src/model/errors.js';
import { cpuTimer, TOO_LONG } from '../cpu-time.js';
import {
  bytesOf,
  FIXTURES,
  type FixtureName,
  fixtureBytes,
  fixtureJson,
  inputOf,
} from './fixture.js';

async function check(bytes: Uint8Array): Promise<'read' | 'refused'> {
  const spent = cpuTimer();
  try {
    const host = await readHost('input', bytes);
    describeHost(host);
    expect(profile.read(inputOf(profile.write?.(host).content))).toEqual(host);
    return 'read';
  } catch (error) {
    if (!isInputError(error)) throw error;
    expect(error.place.file).toBe('input');
    expect(describeInputError(error).length).toBeLessThan(1500);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: none may reach a terminal.
    expect(error.message).not.toMatch(/[\u0000-\u001f\u007f]/);
    return 'refused';
  } finally {
    expect(spent()).toBeLessThan(TOO_LONG);
  }
}

type Edit = readonly [place: number, gone: number, instead: Uint8Array];

const edit: fc.Arbitrary<Edit> = fc.tuple(
  fc.nat(),
  fc.nat(40),
  fc.oneof(
    fc.uint8Array({ maxLength: 8 }),
    fc
      .constantFrom(
        '0',
        '-1',
        '1e999',
        '"',
        '{',
        '}',
        '[',
        ']',
        ',',
        ':',
        '<',
        '>',
        '&',
        '0x',
        'ffffffffff',
        'null',
        '__proto__',
        '\\u0000',
        '\ud83d',
      )
      .map(bytesOf),
  ),
);

function apply(bytes: Uint8Array, edits: readonly Edit[]): Uint8Array {
  return edits.reduce((text, [place, gone, instead]) => {
    const at = place % (text.length + 1);
    return Uint8Array.from([...text.subarray(0, at), ...instead, ...text.subarray(at + gone)]);
  }, bytes);
}

const names = Object.keys(FIXTURES) as FixtureName[];

describe('bytes', () => {
  it.each(names)('of %s, changed here and there', async (name) => {
    const original = fixtureBytes(name);
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 4 }), async (edits) => {
        await check(apply(original, edits));
      }),
      { numRuns: 150 },
    );
  });

  it.each(names)('of %s, cut', async (name) => {
    const original = fixtureBytes(name);
    const step = Math.ceil(original.length / 150);
    for (let length = 0; length < original.length - 1; length += step)
      expect([length, await check(original.subarray(0, length))]).toEqual([length, 'refused']);
  });

  it('of two, one behind the other', async () => {
    for (const first of names)
      for (const second of names)
        await check(Buffer.concat([fixtureBytes(first), fixtureBytes(second)]));
  });
});

type Path = (string | number)[];

/** All places in a JSON value. */
function placesIn(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path];
  const entries = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  return [path, ...entries.flatMap(([key, inner]) => placesIn(inner, [...path, key]))];
}

function put(value: unknown, path: Path, instead: unknown): unknown {
  const copy = structuredClone({ value }) as Record<string, unknown>;
  // biome-ignore lint/suspicious/noExplicitAny: walks any JSON.
  let at: any = copy;
  const keys: Path = ['value', ...path];
  for (const key of keys.slice(0, -1)) at = at[key];
  at[keys.at(-1) as string] = instead;
  return copy.value;
}

const strange: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    -1,
    0.5,
    2 ** 32,
    2 ** 53,
    1e308,
    '',
    '0x',
    '-',
    [],
    {},
    [[]],
    'x'.repeat(10_000),
  ),
  fc.constantFrom<unknown>({ length: 5 }, { toString: 1 }, { 0: 1 }, Array(5000).fill(0)),
  fc.jsonValue({ maxDepth: 3 }),
);

describe('JSON', () => {
  const objects = names.filter((name) => FIXTURES[name].endsWith('.json'));

  it.each(objects)('of %s, with another value somewhere', async (name) => {
    const original = fixtureJson(name);
    const places = placesIn(original);
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...places), strange, async (path, value) => {
        await check(bytesOf(put(original, path, value)));
      }),
      { numRuns: 250 },
    );
  });

  it.each(objects)('of %s, nested without end somewhere', async (name) => {
    const original = fixtureJson(name);
    const places = placesIn(original);
    for (const path of places.filter((_, place) => place % Math.ceil(places.length / 20) === 0)) {
      const text = JSON.stringify(put(original, path, 'HERE'));
      const deep = '['.repeat(100_000) + ']'.repeat(100_000);
      await check(bytesOf(text.replace('"HERE"', deep)));
    }
  });
});

describe('size', () => {
  it.each(names)('%s with 30 MB of blanks, of junk, of itself behind it', async (name) => {
    const original = fixtureBytes(name);
    const behind = (fill: string | Uint8Array) =>
      Buffer.concat([original, Buffer.alloc(30_000_000 - original.length, fill)]);
    for (const bytes of [behind(' '), behind('x'), behind(original)]) {
      const spent = cpuTimer();
      try {
        await readHost('input', bytes);
      } catch (error) {
        if (!isInputError(error)) throw error;
      }
      expect(spent()).toBeLessThan(TOO_LONG);
    }
  });
});
