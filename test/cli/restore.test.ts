import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cpugate, isPlainFailure } from './run.js';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cpugate-restore-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('refused before CRIU is started', () => {
  test.each([
    [['dump'], /-- CRIU ARGUMENTS is missing/],
    [['dump', '--', '--tree', '1000000'], /no process 1000000/],
    [['dump', '--images', 'X', '--', '--shell-job'], /the tasks to dump are missing/],
    [['dump', '--images', 'X', '--', '-t', '5', '-D', '/tmp'], /-D can't be passed to CRIU/],
    [['dump', '--images', 'X', '--', '-t', '5', '--leave-stopped'], /can't be passed to CRIU/],
    [['restore'], /--images DIR is missing/],
    [
      ['restore', '--images', 'X', '--', '--cpu-cap=none'],
      /--cpu-cap=none can't be passed to CRIU/,
    ],
    [['restore', '--images', 'X', '--', '-d'], /-d can't be passed to CRIU/],
    [['restore', '--images', '/nonexistent/folder'], /nonexistent/],
    [['hook'], /CALLER is missing\n {2}Hooks: criu, oci/],
    [['hook', 'toString'], /there is no hook "toString"/],
    [['hook', 'criu'], /CRTOOLS_SCRIPT_ACTION is not set/],
  ])('cpugate %j', (args, says) => {
    const outcome = cpugate(args);
    expect(outcome.err).toMatch(says);
    expect(isPlainFailure(outcome)).toBe(true);
  });

  test('a folder that holds no dump', () => {
    const outcome = cpugate(['restore', '--images', folder]);
    expect(outcome.err).toMatch(/inventory\.img/);
    expect(isPlainFailure(outcome)).toBe(true);
    expect(readdirSync(folder)).toEqual([]);
  });
});
