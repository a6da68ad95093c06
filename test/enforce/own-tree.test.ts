/** What a supervisor can't be given, and which cgroup it watches. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  cgroupFolder,
  cgroupIn,
  cgroupMountsIn,
  cgroupToWatch,
  chooseCgroup,
  chooseFolder,
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

/** As Debian 12 (version 2), Ubuntu 20.04 (hybrid) and CentOS 7 (version 1) mount them. */
const V2 = '36 31 0:31 / /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw,nsdelegate\n';
const HYBRID =
  '30 25 0:26 / /sys/fs/cgroup ro,nosuid shared:9 - tmpfs tmpfs ro,mode=755\n' +
  '31 30 0:27 / /sys/fs/cgroup/unified rw shared:10 - cgroup2 cgroup2 rw,nsdelegate\n' +
  '32 30 0:28 / /sys/fs/cgroup/systemd rw shared:11 - cgroup cgroup rw,xattr,name=systemd\n' +
  '37 30 0:33 / /sys/fs/cgroup/freezer rw shared:15 - cgroup cgroup rw,freezer\n' +
  '38 30 0:34 / /sys/fs/cgroup/cpu,cpuacct rw shared:16 - cgroup cgroup rw,cpu,cpuacct\n';
const V1 = HYBRID.split('\n')
  .filter((line) => !line.includes('cgroup2'))
  .join('\n');
const INSIDE = '9 8 0:31 /pod/c /run/a\\040b rw - cgroup2 cgroup2 rw\n';

describe("a container's cgroup", () => {
  test.each([
    ['0::/a/b\n', '' as const, '/a/b'],
    ['12:cpu:/x\n0::/a\n', '' as const, '/a'],
    ['0::/\n', '' as const, undefined],
    ['12:cpu:/x\n', '' as const, undefined],
    ['', '' as const, undefined],
    ['4:freezer:/docker/1\n0::/a\n', 'freezer' as const, '/docker/1'],
    ['4:cpu,freezer:/docker/1\n', 'freezer' as const, '/docker/1'],
    ['4:freezer:/\n', 'freezer' as const, undefined],
    ['4:name=freezer:/a\n', 'freezer' as const, undefined],
    ['4:name=a:/freezer:/b\n', 'freezer' as const, undefined],
  ])('of %j, hierarchy "%s", is %s', (text, hierarchy, expected) => {
    expect(cgroupIn(text, hierarchy)).toBe(expected);
  });

  test.each([
    [V2, '' as const, '/a', '/sys/fs/cgroup/a'],
    [HYBRID, '' as const, '/a', '/sys/fs/cgroup/unified/a'],
    [HYBRID, 'freezer' as const, '/docker/1', '/sys/fs/cgroup/freezer/docker/1'],
    [V1, '' as const, '/a', undefined],
    [V1, 'pids' as const, '/a', undefined],
    [INSIDE, '' as const, '/pod/c/x', '/run/a b/x'],
    [INSIDE, '' as const, '/pod/c', '/run/a b'],
    [INSIDE, '' as const, '/pod/cc', undefined],
    ['', '' as const, '/a', undefined],
    ['nonsense - cgroup2', '' as const, '/a', undefined],
  ])('where %j is mounted, hierarchy "%s": %s is %s', (mountinfo, hierarchy, cgroup, expected) => {
    expect(cgroupFolder(cgroup, cgroupMountsIn(mountinfo, hierarchy))).toBe(expected);
  });

  const chosen = (container: string, mountinfo: string, text: string, exists = () => true) =>
    chooseFolder({ container, mountinfo, engine: [{ pid: 100, text }] }, exists);
  test.each<[string, string, string, string, string]>([
    ['version 2', '0::/c/1\n', V2, '0::/engine\n', '/sys/fs/cgroup/c/1'],
    ['a hybrid', '0::/c/1\n', HYBRID, '0::/engine\n', '/sys/fs/cgroup/unified/c/1'],
    [
      'a hybrid where only version 1 tells it from the engine',
      '7:freezer:/docker/1\n0::/engine\n',
      HYBRID,
      '7:freezer:/\n0::/engine\n',
      '/sys/fs/cgroup/freezer/docker/1',
    ],
    ['version 1', '7:freezer:/docker/1\n', V1, '7:freezer:/\n', '/sys/fs/cgroup/freezer/docker/1'],
  ])('on %s is watched', (_, container, mountinfo, text, expected) => {
    expect(chosen(container, mountinfo, text)).toEqual({ watched: expected });
  });

  test.each<[string, string, string, string, boolean, RegExp]>([
    ['of nothing but the root', '7:freezer:/\n0::/\n', HYBRID, '', true, /no cgroup of its own/],
    ['that is not mounted', '0::/c/1\n', V1, '', true, /no mount shows .* \/c\/1/],
    ['that is not there', '0::/c/1\n', V2, '', false, /there is no \/sys\/fs\/cgroup\/c\/1/],
    [
      "that is the engine's, too",
      '7:freezer:/e\n',
      V1,
      '7:freezer:/e/x\n',
      true,
      /holds process 100/,
    ],
  ])('%s is not watched', (_, container, mountinfo, text, exists, why) => {
    expect(chosen(container, mountinfo, text, () => exists)).toEqual({
      watched: undefined,
      why: expect.stringMatching(why),
    });
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
