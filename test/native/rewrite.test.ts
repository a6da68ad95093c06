/** Words of a stopped process that are read-only to it, by the supervisor's program and without root. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readProcess } from '../../src/enforce/processes.js';
import { repairTasks } from '../../src/enforce/repair-tasks.js';
import { findSupervisor } from '../../src/enforce/supervisor.js';
import { compilerIsHere } from './sanitized.js';

describe.skipIf(!compilerIsHere)('a word of a stopped process', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'cpugate-rewrite-'));
    const source = join(import.meta.dirname, 'read-only-word.c');
    execFileSync('cc', ['-O1', '-o', join(folder, 'program'), source]);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** It holds 896 and 7, and is stopped; what it says when it goes on. */
  async function withProgram<T>(work: (address: bigint, pid: number) => T) {
    const child = spawn(join(folder, 'program'), { stdio: ['ignore', 'pipe', 'inherit'] });
    const pid = child.pid ?? 0;
    const line = await new Promise<string>((resolve) =>
      child.stdout.once('data', (bytes) => resolve(`${bytes}`.trim())),
    );
    const stop = async () => {
      while (readProcess(pid)?.state !== 'T') await new Promise((go) => setTimeout(go, 10));
    };
    await stop();
    const result = await work(BigInt(`0x${line}`), pid);
    // It takes up its stop again, without an instruction between.
    await stop();
    const rest = text(child.stdout);
    process.kill(pid, 'SIGCONT');
    return { result, said: (await rest).trim() };
  }

  /** What `words` makes of it, by the address of the first. */
  async function rewritten(words: (address: bigint) => readonly string[]) {
    const { result, said } = await withProgram((address, pid) =>
      spawnSync(findSupervisor(), ['rewrite', '--pid', `${pid}`, ...words(address)]),
    );
    return { status: result.status, stderr: `${result.stderr}`, said };
  }

  const hex = (...numbers: (bigint | number)[]) => numbers.map((one) => one.toString(16)).join(':');

  test('is replaced, and the process stays stopped', async () => {
    expect(await rewritten((at) => [hex(at, 896, 2496), hex(at + 8n, 7, 8)])).toEqual({
      status: 0,
      stderr: '',
      said: '2496 8',
    });
  });

  test.each<[string, (at: bigint) => readonly string[], RegExp]>([
    [
      'another word than expected',
      (at) => [hex(at, 897, 2496)],
      /another word than expected at 0x/,
    ],
    [
      'another word behind a right one',
      (at) => [hex(at, 896, 2496), hex(at + 8n, 8, 9)],
      /another word/,
    ],
    ['no memory there', () => [hex(16, 0, 1)], /no memory at 0x10/],
    ['no number', (at) => [`${hex(at, 896)}:x`], /hexadecimal/],
    ['a number too few', (at) => [hex(at, 896)], /hexadecimal/],
    ['a negative number', (at) => [`${hex(at, 896)}:-1`], /hexadecimal/],
    ['nothing to do', () => [], /usage/],
  ])('stays as it is: %s', async (_, words, said) => {
    const { status, stderr, said: then } = await rewritten(words);
    expect(status).not.toBe(0);
    expect(stderr).toMatch(said);
    expect(then).toBe('896 7');
  });

  test("is replaced through cpugate's own call, which says what fails", async () => {
    const told: (string | undefined)[] = [];
    const sizes = (before: number) => (address: bigint, pid: number) =>
      repairTasks(
        findSupervisor(),
        [{ pid: 7, comm: '', sizes: [{ address, before, after: 2496 }] }],
        [{ pid, ownPid: 7 }],
      ).then((failed) => told.push(failed));
    expect((await withProgram(sizes(897))).said).toBe('896 7');
    expect((await withProgram(sizes(896))).said).toBe('2496 7');
    expect(told).toEqual([
      expect.stringMatching(/^process \d+: another word than expected at 0x[0-9a-f]+$/),
      undefined,
    ]);
  });

  test('of no process is refused', () => {
    const { status, stderr } = spawnSync(findSupervisor(), [
      'rewrite',
      '--pid',
      '4194303',
      '1:2:3',
    ]);
    expect(status).toBe(125);
    expect(`${stderr}`).toMatch(/^cpugate: can't trace it: No such process/);
  });
});
