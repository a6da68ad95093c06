/** What a supervisor can't be given, and which cgroup it watches. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  cgroupIn,
  cgroupToWatch,
  chooseCgroup,
  processesInCgroup,
} from '../../src/enforce/cgroups.js';
import { checkOwnTree, refuseOwnTree, type WantedTasks } from '../../src/enforce/own-tree.js';
import { refusePidFile } from '../../src/enforce/pid-file.js';
import { ancestorsOf, requireProc } from '../../src/enforce/processes.js';

const onLinux = process.platform === 'linux';
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cpugate-own-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('tasks that a supervisor would hold itself with', () => {
  const cgroup = (...processes: number[]) => [{ path: '/sys/fs/cgroup/a', processes }];
  test.each<[string, WantedTasks, RegExp | undefined]>([
    ['a stranger', { pids: [4], cgroups: [] }, undefined],
    ['this process', { pids: [4, 9], cgroups: [] }, /started by process 9/],
    ['the shell that started it', { pids: [8], cgroups: [] }, /started by process 8/],
    ['the first of all', { pids: [1], cgroups: [] }, /started by process 1:/],
    ['a cgroup of others', { pids: [], cgroups: cgroup(4, 5) }, undefined],
    ['a cgroup with its parent alone', { pids: [], cgroups: cgroup(8) }, undefined],
    ['its own cgroup', { pids: [], cgroups: cgroup(4, 9) }, /in the cgroup \/sys\/fs\/cgroup\/a/],
  ])('%s', (_, wanted, message) => {
    const check = () => checkOwnTree(9, [8, 1], wanted);
    if (message === undefined) expect(check).not.toThrow();
    else expect(check).toThrow(message);
  });

  test.runIf(onLinux)("this one's, as they are", () => {
    expect(ancestorsOf(process.pid)[0]).toBe(process.ppid);
    expect(() => refuseOwnTree([process.ppid], [])).toThrow(/can't hold its own tree/);
    mkdirSync(join(folder, 'group/below'), { recursive: true });
    writeFileSync(join(folder, 'group/cgroup.procs'), '4\n5\n');
    writeFileSync(join(folder, 'group/below/cgroup.procs'), `${process.pid}\n`);
    expect(processesInCgroup(join(folder, 'group'))).toEqual([4, 5, process.pid]);
    expect(() => refuseOwnTree([], [join(folder, 'group')])).toThrow(/can't hold its own cgroup/);
    expect(() => refuseOwnTree([], [join(folder, 'nothing')])).not.toThrow();
  });
});

describe("a container's cgroup", () => {
  test.each([
    ['0::/a/b\n', '/a/b'],
    ['12:cpu:/x\n0::/a\n', '/a'],
    ['0::/\n', undefined],
    ['12:cpu:/x\n', undefined],
    ['', undefined],
  ])('of %j is %s', (text, expected) => {
    expect(cgroupIn(text)).toBe(expected);
  });

  const engine = (...cgroups: (string | undefined)[]) =>
    cgroups.map((cgroup, place) => ({ pid: 100 + place, cgroup }));
  test.each<[string, string | undefined, ReturnType<typeof engine>, string | RegExp]>([
    ['of its own is watched', '/c/1', engine('/engine', undefined), '/c/1'],
    ['beside one whose name begins alike is watched', '/c/1', engine('/c/10'), '/c/1'],
    ["below the engine's is watched", '/engine/1', engine('/engine'), '/engine/1'],
    ['that is the root is not', undefined, engine('/engine'), /no cgroup/],
    ["that is the hook's own is not", '/c/1', engine('/c/1', '/engine'), /holds process 100/],
    ["that is the engine's is not", '/engine', engine('/hook', '/engine'), /holds process 101/],
    ['that the engine is below is not', '/machine', engine('/machine/engine'), /holds process 100/],
    ['of another namespace is not', '/../c', engine('/engine'), /outside of this cgroup namespace/],
  ])('%s', (_, cgroup, starters, expected) => {
    const choice = chooseCgroup(cgroup, starters);
    if (typeof expected === 'string') expect(choice).toEqual({ watched: expected });
    else expect(choice).toEqual({ watched: undefined, why: expect.stringMatching(expected) });
  });

  test.runIf(onLinux)(
    "that is this process' own is not watched, nor that of one that is gone",
    () => {
      expect(cgroupToWatch(process.pid).watched).toBeUndefined();
      expect(cgroupToWatch(2 ** 22 + 1).watched).toBeUndefined();
    },
  );
});

describe('a pid file', () => {
  const at = (name: string) => join(folder, name);
  test.runIf(onLinux).each<[string, () => string, RegExp | undefined]>([
    ['that is not there', () => at('new.pid'), undefined],
    [
      'of an earlier run',
      () => {
        writeFileSync(at('old.pid'), '7\n');
        return at('old.pid');
      },
      undefined,
    ],
    ['that is a device', () => '/dev/null', /^can't be a pid file: it is a device/],
    ['that is a folder', () => folder, /it is a folder/],
    [
      'that is a link',
      () => {
        symlinkSync(at('elsewhere'), at('link.pid'));
        return at('link.pid');
      },
      /it is a symbolic link/,
    ],
    ['in a folder that is not there', () => at('none/a.pid'), /can't be written \(ENOENT\)/],
    ['below a file', () => '/etc/passwd/a.pid', /can't be written \(ENOTDIR\)/],
  ])('%s', (_, make, message) => {
    const file = make();
    if (message === undefined) expect(() => refusePidFile(file)).not.toThrow();
    else
      expect(() => refusePidFile(file)).toThrow(
        expect.objectContaining({
          code: 'unwritable',
          message: expect.stringMatching(message),
          place: { file },
        }),
      );
  });
  test('none is asked for', () => {
    expect(() => refusePidFile(undefined)).not.toThrow();
  });
});

describe.runIf(onLinux)('/proc', () => {
  test('that is mounted is needed', () => {
    expect(() => requireProc()).not.toThrow();
    expect(() => requireProc(folder)).toThrow(/is not mounted here/);
  });
});
