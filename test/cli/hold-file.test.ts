import { mkdtempSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { holdFile, isSameFile } from '../../src/cli/hold-file.js';

const EAGAIN = 11;
const ENOLCK = 37;
const folder = mkdtempSync(join(tmpdir(), 'cpugate-hold-'));
const path = join(folder, 'cluster.json');

beforeEach(() => writeFileSync(path, 'before'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a file that is read and replaced', () => {
  it('is held by one alone, until it is released', () => {
    const first = holdFile(path);
    expect(() => holdFile(path, { limitMs: 20 })).toThrow('held by another process');
    first.release();
    holdFile(path, { limitMs: 20 }).release();
  });
  it('is waited for', () => {
    const answers = [EAGAIN, EAGAIN, 0];
    holdFile(path, { tryLock: () => answers.shift() ?? 0 }).release();
    expect(answers).toEqual([]);
  });
  it('is held anew where another has replaced it meanwhile', () => {
    const beside = join(folder, 'beside');
    writeFileSync(beside, 'after');
    let tries = 0;
    const held = holdFile(path, {
      tryLock: () => {
        if (++tries === 1) renameSync(beside, path);
        return 0;
      },
    });
    expect(tries).toBe(2);
    expect(() => held.checkUnchanged()).not.toThrow();
    held.release();
  });
  it.each([
    ['with a lock', 0],
    ['where files cannot be locked', ENOLCK],
  ])('is not replaced where somebody else changed it: %s', (_, error) => {
    const held = holdFile(path, { tryLock: () => error });
    expect(() => held.checkUnchanged()).not.toThrow();
    writeFileSync(path, 'befORE');
    expect(() => held.checkUnchanged()).toThrow('changed');
    held.release();
  });
  it('that is larger than any baseline is not read to its end, and let go of', () => {
    truncateSync(path, 4 * 1024 ** 3);
    expect(() => holdFile(path)).toThrow('larger than 32 MiB');
    writeFileSync(path, 'before');
    holdFile(path, { limitMs: 20 }).release();
  });
  it('that is not there is an error', () => {
    expect(() => holdFile(join(folder, 'nowhere'))).toThrow('no such file');
  });
});

describe('the same file', () => {
  it('is known by more than its name', () => {
    expect(isSameFile(path, join(folder, '.', 'cluster.json'))).toBe(true);
    expect(isSameFile(path, folder)).toBe(false);
    expect(isSameFile(path, join(folder, 'nowhere'))).toBe(false);
  });
});
