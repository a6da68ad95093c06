import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Lines } from '../../src/cli/lines.js';

const MIB = 1 << 20;
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cpugate-lines-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function withLines<T>(content: string, use: (lines: Lines) => T): T {
  const path = join(folder, 'input');
  writeFileSync(path, content);
  const descriptor = openSync(path, 'r');
  try {
    return use(new Lines(path, descriptor));
  } finally {
    closeSync(descriptor);
  }
}

function all(lines: Lines): string[] {
  const found: string[] = [];
  for (let line = lines.next(); line !== undefined; line = lines.next())
    found.push(line.toString());
  return found;
}

describe('lines of a file', () => {
  it.each([
    ['none', '', []],
    ['one without an end', 'a', ['a']],
    ['one with an end', 'a\n', ['a']],
    ['an empty one between', 'a\n\nb', ['a', '', 'b']],
    ['ends alone', '\n\n', ['', '']],
  ])('%s', (_, content, expected) => {
    expect(withLines(content, all)).toEqual(expected);
  });
  it('across the pieces that are read, long ones too', () => {
    const lengths = [10, MIB - 11, MIB, MIB - 1, MIB + 1, 3 * MIB, 0, 700_000, 700_000, 700_000, 5];
    const expected = lengths.map((length, n) => String.fromCharCode(97 + n).repeat(length));
    expect(withLines(expected.join('\n'), all)).toEqual(expected);
    expect(withLines(`${expected.join('\n')}\n`, all)).toEqual(expected);
  });
  it('are numbered', () => {
    withLines('a\nb\nc', (lines) => {
      lines.next();
      lines.next();
      expect(lines.number).toBe(2);
    });
  });
  it('can be looked at before they are taken', () => {
    const long = 'x'.repeat(2 * MIB);
    withLines(`${long}\n\n  y`, (lines) => {
      expect(lines.peek()?.line.length).toBe(2 * MIB);
      expect(lines.peek()?.isFollowed).toBe(true);
      expect(all(lines)).toEqual([long, '', '  y']);
    });
    withLines('a\n \n\t', (lines) => expect(lines.peek()?.isFollowed).toBe(false));
    withLines('', (lines) => expect(lines.peek()).toBeUndefined());
  });
  it('can be taken as a whole, ends and all', () => {
    const content = `a\r\n${'b'.repeat(MIB)}\n`;
    withLines(content, (lines) => {
      lines.peek();
      expect(lines.rest().toString()).toBe(content);
    });
  });
  it('that never end are refused', () => {
    withLines('x'.repeat(70 * MIB), (lines) =>
      expect(() => lines.next()).toThrow(/longer than 32 MiB/),
    );
  });
});
