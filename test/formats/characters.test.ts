/** Dumps are read with a character for each byte, with Node's Buffer or without. */
import { describe, expect, it } from 'vitest';
import { characters, openInput } from '../../src/formats/format.js';

describe('bytes as characters', () => {
  it.each([0, 1, 4095, 4096, 4097, 100_000])('%i of them, every value', (length) => {
    const bytes = Uint8Array.from({ length }, (_, at) => at % 256);
    const text = Buffer.from(bytes).toString('latin1');
    expect(characters(bytes) === text).toBe(true);
    expect(openInput('it', bytes).text() === text).toBe(true);
  });

  it('of a part of a buffer', () => {
    const part = Uint8Array.of(0x61, 0x80, 0x9f, 0xff).subarray(1);
    expect([characters(part), openInput('it', part).text()]).toEqual([
      '\u0080\u009f\u00ff',
      '\u0080\u009f\u00ff',
    ]);
  });
});
