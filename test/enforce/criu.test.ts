import { describe, expect, test } from 'vitest';
import {
  OWN_DUMP_OPTIONS,
  OWN_RESTORE_OPTIONS,
  refuseOwnOptions,
  treeOf,
} from '../../src/enforce/criu.js';
import { scriptText } from '../../src/enforce/criu-script.js';

describe("options that are cpugate's", () => {
  test.each([
    ['-D', '/tmp'],
    ['-D/tmp'],
    ['--images-dir', '/tmp'],
    ['--images-dir=/tmp'],
    ['--images=/tmp'],
    ['--cpu-cap=ins'],
    ['--cpu'],
    ['-d'],
    ['--restore-detached'],
    ['--leave-stopped'],
    ['--exec-cmd'],
    ['-S'],
  ])('%s is refused at a restore', (...args) => {
    expect(() => refuseOwnOptions(args, OWN_RESTORE_OPTIONS)).toThrow(/can't be passed to CRIU/);
  });

  test.each([
    ['--shell-job'],
    ['--tcp-established'],
    ['-v4'],
    ['--log-file', 'restore.log'],
    ['--external', 'mnt[]'],
    ['--ext-mount-map', 'a:b'],
    ['--inherit-fd', 'fd[3]:x'],
  ])("%s is the user's", (...args) => {
    expect(() => refuseOwnOptions(args, OWN_RESTORE_OPTIONS)).not.toThrow();
  });

  test('a dump may leave tasks running, and not stopped', () => {
    expect(() => refuseOwnOptions(['--leave-running'], OWN_DUMP_OPTIONS)).not.toThrow();
    expect(() => refuseOwnOptions(['--leave-stopped'], OWN_DUMP_OPTIONS)).toThrow();
    expect(() => refuseOwnOptions(['-s'], OWN_DUMP_OPTIONS)).toThrow();
  });
});

describe('the tree to dump', () => {
  test.each([
    [['-t', '4711'], 4711],
    [['-t4711'], 4711],
    [['--tree', '4711', '--shell-job'], 4711],
    [['--tree=4711'], 4711],
    [['--tre', '4711'], 4711],
    [['-t', '1000', '-t', '2000'], 2000],
  ])('%j', (args, pid) => {
    expect(treeOf(args)).toBe(pid);
  });

  test.each([[[]], [['-t']], [['--tree', 'self']], [['-t', '0']], [['-t', '1']], [['4711']]])(
    'no tree in %j',
    (args: string[]) => {
      expect(() => treeOf(args)).toThrow(/the tasks to dump are missing/);
    },
  );
});

test('the script survives the shell, whatever its words hold', () => {
  expect(scriptText(['/usr/bin/node', "it's", 'a $b'])).toBe(
    "#!/bin/sh\nexec '/usr/bin/node' 'it'\\''s' 'a $b'\n",
  );
});
