import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, test } from 'vitest';
import { isAlive, listTree, readProcess, signalProcess } from '../../src/enforce/processes.js';
import { findRestored, killRestored, markRestore } from '../../src/enforce/restored-tasks.js';

const onLinux = process.platform === 'linux';
const children: ChildProcess[] = [];

/** Resolves once the child executes its program. */
async function start(command: string, ...args: string[]): Promise<number> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  children.push(child);
  await once(child, 'spawn');
  return child.pid ?? 0;
}

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

describe.runIf(onLinux)('processes', () => {
  test('this one', () => {
    const self = readProcess(process.pid);
    expect(self).toMatchObject({ pid: process.pid, parent: process.ppid, tracer: 0 });
    expect(self?.ownPid).toBeGreaterThan(0);
    expect(self?.started).toBeGreaterThan(0n);
  });

  test('none', () => {
    expect(readProcess(2 ** 22 + 1)).toBeUndefined();
    expect(signalProcess(2 ** 22 + 1, 'SIGCONT')).toBe(false);
  });

  test('a tree, parents first, and its members once they are gone', async () => {
    const shell = await start('sh', '-c', 'sleep 100 & sleep 100; true');
    await expect.poll(() => listTree(shell).length).toBe(3);
    const [root, ...rest] = listTree(shell);
    expect(root?.pid).toBe(shell);
    expect(rest.map(({ parent }) => parent)).toEqual([shell, shell]);
    for (const { pid } of listTree(shell)) signalProcess(pid, 'SIGKILL');
    await expect.poll(() => root !== undefined && isAlive(root)).toBe(false);
  });
});

describe.runIf(onLinux)('what a restore has made', () => {
  test('is known by number, name and time of its start', async () => {
    const before = await start('sleep', '100');
    const nobody = { pid: before, comm: 'sleep' };
    // Started since this process was, as far as ticks tell: only a later mark leaves it out.
    const later = { since: (readProcess(before)?.started ?? 0n) + 1n, processes: [nobody] };
    expect(findRestored(later)).toEqual([]);
    expect(findRestored(markRestore([{ pid: before, comm: 'server' }]))).toEqual([]);
    expect(findRestored(markRestore([nobody])).map(({ pid }) => pid)).toEqual([before]);
  });

  test('is killed, and nothing else', async () => {
    const wanted = await start('sleep', '100');
    const other = await start('sleep', '100');
    expect(await killRestored(markRestore([{ pid: wanted, comm: 'sleep' }]))).toBe(true);
    expect(readProcess(wanted)?.state ?? 'gone').toMatch(/^(?:Z|gone)$/);
    expect(readProcess(other)?.state).toMatch(/^[SRD]$/);
  });
});
