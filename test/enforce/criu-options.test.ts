/** How getopt_long of CRIU reads its arguments, and what cpugate gives it. */
import { describe, expect, test } from 'vitest';
import {
  descriptorsIn,
  dumpArguments,
  OWN_DUMP_OPTIONS,
  OWN_RESTORE_OPTIONS,
  refuseOwnOptions,
  restoreArguments,
  treeOf,
  withTree,
} from '../../src/enforce/criu-options.js';

describe("options that are cpugate's", () => {
  test.each([
    ['-D', '/tmp'],
    ['-D/tmp'],
    ['--images-dir', '/tmp'],
    ['--images-dir=/tmp'],
    ['--images=/tmp'],
    ['--im=/tmp'],
    ['--cpu-cap=ins'],
    ['--cpu'],
    ['--cp=ins'],
    ['-d'],
    ['--restore-detached'],
    ['--no-restore-detached'],
    ['--no-restore-d'],
    ['--daemon'],
    ['--da'],
    ['--no-daemon'],
    ['--leave-stopped'],
    ['--leave-s'],
    ['--exec-cmd'],
    ['--exe'],
    ['-S'],
    ['-s'],
    ['--restore-sibling'],
    // Short ones in one word.
    ['-jd'],
    ['-ljS'],
    ['-jD/tmp'],
    // Behind others, and behind values.
    ['--shell-job', '-v4', '-o', 'log', '-d'],
    ['-olog', '-d'],
    ['-v', '-d'],
    ['--cgroup-root', '/a', '-s'],
    ['--log-file=a', '-s'],
    ['--manage-cgroups', '-s'],
    // What is cut short may be another option in another version, without a value: it hides nothing.
    ['--ext-m', '-d'],
  ])('%s %s %s is refused at a restore', (...args) => {
    expect(() => refuseOwnOptions(args, OWN_RESTORE_OPTIONS)).toThrow(/can't be passed to CRIU/);
  });

  test.each([
    ['--shell-job'],
    ['--tcp-established'],
    ['-v4'],
    ['-vd'],
    ['-x'],
    ['-xD'],
    ['--log-file', 'restore.log'],
    ['--external', 'mnt[]'],
    ['--ext-mount-map', 'a:b'],
    ['--inherit-fd', 'fd[3]:x'],
    // Values, whatever they look like.
    ['--log-file', '-d'],
    ['-o', '-D'],
    ['-W', '--cpu-cap'],
    ['-joD'],
    // No options at all, as CRIU has it.
    ['-'],
    ['--', '--cpu-cap=ins'],
    ['cpu-cap'],
  ])("%s %s is the user's", (...args) => {
    expect(() => refuseOwnOptions(args, OWN_RESTORE_OPTIONS)).not.toThrow();
  });

  test('the message has the word as it was written, and why', () => {
    expect(() => refuseOwnOptions(['-j', '--cp=ins'], OWN_RESTORE_OPTIONS)).toThrow(
      "--cp=ins can't be passed to CRIU: cpugate itself decides whether the CPU suffices",
    );
  });

  test.each([[['--leave-running']], [['-R']], [['-d']], [['--cpu-cap=none']]])(
    'a dump may have %j',
    (args: string[]) => {
      expect(() => refuseOwnOptions(args, OWN_DUMP_OPTIONS)).not.toThrow();
    },
  );

  test.each([[['--leave-stopped']], [['-s']], [['-Rs']], [['--leave-st']], [['-D/tmp']]])(
    'a dump may not have %j',
    (args: string[]) => {
      expect(() => refuseOwnOptions(args, OWN_DUMP_OPTIONS)).toThrow(/can't be passed/);
    },
  );
});

describe('the tree to dump', () => {
  test.each([
    [['-t', '4711'], 4711],
    [['-t4711'], 4711],
    [['-jt', '4711'], 4711],
    [['--tree', '4711', '--shell-job'], 4711],
    [['--tree=4711'], 4711],
    [['--tre', '4711'], 4711],
    [['-t', '1000', '-t', '2000'], 2000],
    [['-t', '1000', '-o', '-t9'], 1000],
    [['-t', '2'], 2],
  ])('%j', (args, pid) => {
    expect(treeOf(args)).toBe(pid);
  });

  test.each([
    [[]],
    [['-t']],
    [['--tree', 'self']],
    [['-t', '0']],
    [['-t', '1']],
    [['-t', '0x10']],
    [['4711']],
    [['--', '-t', '4711']],
    [['-t', '99999999999999999999']],
  ])('no tree in %j', (args: string[]) => {
    expect(() => treeOf(args)).toThrow(/the tasks to dump are missing/);
  });
});

test.each([
  [
    ['-t', '50', '--shell-job'],
    ['-t', '50', '--shell-job', '--tree', '7'],
  ],
  [
    ['--tree=50', '--', 'x'],
    ['--tree=50', '--tree', '7', '--', 'x'],
  ],
])('another root for %j', (args, expected) => {
  expect(withTree(args, 7)).toEqual(expected);
  expect(treeOf(withTree(args, 7))).toBe(7);
});

describe('open files that options name', () => {
  test.each<[readonly string[], readonly number[]]>([
    [['--status-fd', '3'], [3]],
    [['--status-fd=12', '-v4'], [12]],
    [
      ['--inherit-fd', 'fd[5]:pipe:[77]', '--inherit-fd=fd[6]:dev/null', '--ps-socket', '5'],
      [5, 6],
    ],
    [['--inherit-fd', 'fd[1]:dev/null', '--status-fd', '2'], []],
    [['--log-file', 'fd[5]:x', '--tree', '7'], []],
    [['--status-fd', '99999', '--status-fd', '1024', '--status-fd', '-3', '--status-fd', 'x'], []],
    [['--', '--status-fd', '3'], []],
    [['--status-fd'], []],
  ])('%j: %j', (args, descriptors) => {
    expect(descriptorsIn(args)).toEqual(descriptors);
  });
});

describe("CRIU's command line", () => {
  test('of a dump: the images, the stages, and what the user gives', () => {
    const plan = { images: '/images', script: '/run/hook.sh', given: ['--tree', '7', '-R'] };
    expect(dumpArguments(plan)).toEqual([
      ...['dump', '--images-dir', '/images', '--action-script', '/run/hook.sh'],
      ...['--tree', '7', '-R'],
    ]);
  });

  const plan = { images: '/images', leavesStopped: true, workFolder: '/run/criu', given: ['-j'] };

  test('of a restore under a mask leaves every task stopped', () => {
    expect(restoreArguments(plan)).toEqual([
      ...['restore', '--images-dir', '/images', '--restore-detached', '--cpu-cap=none'],
      ...['--leave-stopped', '--work-dir', '/run/criu', '-j'],
    ]);
  });

  test('of one without a mask lets them run', () => {
    expect(restoreArguments({ ...plan, leavesStopped: false })).toEqual([
      ...['restore', '--images-dir', '/images', '--restore-detached', '--cpu-cap=none'],
      ...['--work-dir', '/run/criu', '-j'],
    ]);
  });

  test.each([[['-W', '/mine']], [['--work-dir=/mine']], [['--wo', '/mine']], [['-W/mine']]])(
    'has the logs where %j says',
    (given: string[]) => {
      const args = restoreArguments({ ...plan, given });
      expect(args).not.toContain('/run/criu');
      expect(args.slice(-given.length)).toEqual(given);
    },
  );
});
