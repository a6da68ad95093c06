import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeUtf8 } from '../../src/formats/format.js';
import {
  describeJsonError,
  endOfValue,
  isNestedTooDeep,
  splitDocuments,
} from '../../src/formats/json-text.js';
import { bytesOf, inputOf } from './fixture.js';

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe('where JSON goes wrong', () => {
  it.each([
    ['', 'it ends too early at line 1, column 1'],
    ['{', 'it ends too early at line 1, column 2'],
    ['{"a":1', 'it ends too early at line 1, column 7'],
    ['{"a" 1}', 'expected ":" at line 1, column 6'],
    ['{"a":}', 'expected a value at line 1, column 6'],
    ['{"a":1,}', 'expected a name in double quotes at line 1, column 8'],
    ['{a:1}', 'expected a name in double quotes at line 1, column 2'],
    ['{"a":1 "b":2}', 'expected "," or "}" at line 1, column 8'],
    ['[1,]', 'expected a value at line 1, column 4'],
    ['[1 2]', 'expected "," or "]" at line 1, column 4'],
    ['[1}', 'expected "," or "]" at line 1, column 3'],
    ['[01]', 'expected "," or "]" at line 1, column 3'],
    ['[tru]', 'expected a value at line 1, column 2'],
    ['["a]', 'a string has no closing quote at line 1, column 2'],
    ['["\\x"]', 'a string holds an unknown escape at line 1, column 3'],
    ['["a\nb"]', 'a string holds a line break or control character at line 1, column 4'],
    ['{\n "a": [\n  1,\n  ?\n ]\n}', 'expected a value at line 4, column 3'],
    ['{\r\n "a": ?}', 'expected a value at line 2, column 7'],
    ['{} {}', 'something follows after its end at line 1, column 4'],
    [`${'['.repeat(1001)}`, 'it is nested more than 1000 deep at line 1, column 1001'],
  ])('%j', (text, message) => {
    expect(isJson(text)).toBe(false);
    expect(describeJsonError(text)).toBe(message);
  });

  const json = fc.json({ maxDepth: 5 });
  it('is nowhere in what JSON.parse takes', () => {
    fc.assert(
      fc.property(json, (text) => {
        expect(endOfValue(text, 0)).toBe(text.length);
      }),
    );
  });

  it('is somewhere in what JSON.parse refuses', () => {
    const damaged = fc
      .tuple(
        json,
        fc.nat(),
        fc.nat(3),
        fc.constantFrom('', ',', '"', '}', ']', '{', '\\', '-', '0'),
      )
      .map(([text, place, gone, instead]) => {
        const at = place % (text.length + 1);
        return text.slice(0, at) + instead + text.slice(at + gone);
      });
    fc.assert(
      fc.property(damaged, (text) => {
        const end = endOfValue(text, 0);
        const isWhole = typeof end === 'number' && text.slice(end).trim() === '';
        expect(isWhole).toBe(isJson(text));
      }),
      { numRuns: 2000 },
    );
  });
});

describe('several documents in one text', () => {
  it('are told apart, however they are parted', () => {
    const blanks = fc.constantFrom('', ' ', '\n', '\r\n\r\n', '\t');
    const parts = fc.array(fc.tuple(fc.dictionary(fc.string(), fc.jsonValue()), blanks));
    fc.assert(
      fc.property(parts, (list) => {
        const text = list.map(([value, blank]) => JSON.stringify(value) + blank).join('');
        expect(splitDocuments(text)).toEqual(list.map(([value]) => JSON.stringify(value)));
      }),
    );
  });

  it('are none where one is damaged', () => {
    expect(splitDocuments('{"a":1}\n{"b":')).toEqual({ offset: 13, message: 'it ends too early' });
  });
});

describe('nesting', () => {
  it.each([
    ['1000 brackets', '['.repeat(1000), false],
    ['1001 brackets', '['.repeat(1001), true],
    ['1001 of both kinds', '[{"a":'.repeat(501), true],
    ['brackets that close', '[]{}'.repeat(5000), false],
    ['brackets in a text', `["${'['.repeat(5000)}"]`, false],
    ['brackets behind an escaped quote', `["\\"${'['.repeat(5000)}"]`, false],
    ['brackets behind an escaped backslash', `["\\\\",${'['.repeat(5000)}`, true],
  ])('%s', (_, text, expected) => {
    expect(isNestedTooDeep(bytesOf(text))).toBe(expected);
  });
});

it('large input is refused for its nesting before it is parsed', () => {
  const deep = `{"a":${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}}`;
  expect(inputOf(deep).jsonError()).toBe('it is nested too deeply');
  expect(inputOf(deep).json()).toBeUndefined();
  expect(inputOf(`{"a":[${'[],'.repeat(1_000_000)}[]]}`).jsonError()).toBeUndefined();
});

describe('UTF-8', () => {
  it('loses its byte order mark', () => expect(decodeUtf8(bytesOf('\ufeff{}'))).toBe('{}'));
  it.each([[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xe2, 0x82]])('is not %j %j %j', (...bytes) =>
    expect(decodeUtf8(Uint8Array.from(bytes.filter((byte) => byte !== undefined)))).toBeUndefined(),
  );
});
