import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { neededIsaLevel } from '../../src/probe/isa-level-note.js';
import { bytesOf, concatenate, elf, gnuNote, isaNeeded } from './elf.js';

const PROPERTIES = 5;
const PT_NOTE = 4;

// The psABI's GNU_PROPERTY_X86_ISA_1_BASELINE, _V2, _V3, _V4 are bits 0 … 3.
test.each([
  [0b0001, 1],
  [0b0010, 2],
  [0b0011, 2],
  [0b0100, 3],
  [0b0111, 3],
  [0b1111, 4],
])('needed bits %i: level %i', (bits, level) => {
  const notes = gnuNote(PROPERTIES, ...isaNeeded(bits));
  expect(neededIsaLevel(elf({ notes }))).toBe(level);
  expect(neededIsaLevel(elf({ notes, segment: PT_NOTE }))).toBe(level);
});

test('the property is found behind others, in a later note', () => {
  const shadowStack = [0xc0000002, 4, 3, 0];
  const notes = concatenate(
    gnuNote(1, 0, 3, 2, 0), // NT_GNU_ABI_TAG
    gnuNote(PROPERTIES, ...shadowStack, ...isaNeeded(0b11)),
  );
  expect(neededIsaLevel(elf({ notes }))).toBe(2);
});

test('notes in 4-byte alignment', () => {
  // A build ID of 20 bytes, after which the next note starts at once.
  const notes = concatenate(gnuNote(3, 1, 2, 3, 4, 5), gnuNote(PROPERTIES, ...isaNeeded(0b111)));
  expect(neededIsaLevel(elf({ notes, segment: PT_NOTE, alignment: 4 }))).toBe(3);
  expect(neededIsaLevel(elf({ notes, segment: PT_NOTE, alignment: 8 }))).toBeUndefined();
});

test.each<[string, Uint8Array]>([
  ['nothing', new Uint8Array()],
  ['text', new TextEncoder().encode('#!/bin/sh\n'.repeat(20))],
  ['no notes', elf({ notes: new Uint8Array() })],
  ['other properties only', elf({ notes: gnuNote(PROPERTIES, 0xc0000002, 4, 3, 0) })],
  ['no bit', elf({ notes: gnuNote(PROPERTIES, ...isaNeeded(0)) })],
  ['a level without a name', elf({ notes: gnuNote(PROPERTIES, ...isaNeeded(0b11111)) })],
  ['what is used, not needed', elf({ notes: gnuNote(PROPERTIES, 0xc0010002, 4, 0xf, 0) })],
  ['another type of note', elf({ notes: gnuNote(1, ...isaNeeded(1)) })],
  ['another owner', elf({ notes: bytesOf(4, 16, PROPERTIES, 0x00554e48, ...isaNeeded(1)) })],
  ['another kind of segment', elf({ notes: gnuNote(PROPERTIES, ...isaNeeded(1)), segment: 1 })],
  ['a property longer than its note', elf({ notes: gnuNote(PROPERTIES, 0xc0008002, 400, 1, 0) })],
  ['a property of odd size', elf({ notes: gnuNote(PROPERTIES, 0xc0008002, 3, 1, 0) })],
  ['a note longer than the file', elf({ notes: bytesOf(4, 0xfffffff0, PROPERTIES, 0x00554e47) })],
  ['a name longer than the file', elf({ notes: bytesOf(0xffffffff, 16, PROPERTIES, 0x00554e47) })],
])('%s: no level', (_, file) => {
  expect(neededIsaLevel(file)).toBeUndefined();
});

const GOOD = elf({ notes: gnuNote(PROPERTIES, ...isaNeeded(0b111)) });

test.each([
  ['32-bit', 4, 1],
  ['big-endian', 5, 2],
  ['another machine', 18, 0xb7],
  ['another magic', 0, 0],
  ['program headers of no size', 54, 0],
  ['no program header', 56, 0],
  ['a program header table behind the end', 33, 0xff],
  ['notes behind the end', 64 + 12, 0xff],
  ['notes longer than the file', 64 + 36, 0xff],
])('%s: no level', (_, at, value) => {
  const file = GOOD.slice();
  file[at] = value;
  expect(neededIsaLevel(file)).toBeUndefined();
});

test('a file that was cut tells nothing', () => {
  for (let size = 0; size < GOOD.length - 4; size++)
    expect(neededIsaLevel(GOOD.subarray(0, size))).toBeUndefined();
  expect(neededIsaLevel(GOOD)).toBe(3);
});

test('damage never throws or hangs', () => {
  const damage = fc.array(fc.tuple(fc.nat(GOOD.length - 1), fc.nat(255)), { maxLength: 8 });
  fc.assert(
    fc.property(damage, (changes) => {
      const file = GOOD.slice();
      for (const [at, value] of changes) file[at] = value;
      expect([undefined, 1, 2, 3, 4]).toContain(neededIsaLevel(file));
    }),
    { numRuns: 2000 },
  );
});

const LIBC = '/lib/x86_64-linux-gnu/libc.so.6';

function readelfSays(): string | undefined {
  try {
    return execFileSync('readelf', ['-n', LIBC], { encoding: 'utf8' });
  } catch {
    return undefined;
  }
}

const readelf = existsSync(LIBC) ? readelfSays() : undefined;

test.skipIf(readelf === undefined)("readelf reads the same from this machine's libc", () => {
  const needed = /x86 ISA needed: (.*)/.exec(readelf ?? '')?.[1] ?? '';
  const levels = [...needed.matchAll(/x86-64-(baseline|v\d)/g)].map(([, name]) =>
    name === 'baseline' ? 1 : Number(name?.slice(1)),
  );
  const expected = levels.length === 0 ? undefined : Math.max(...levels);
  expect(neededIsaLevel(readFileSync(LIBC))).toBe(expected);
});
