/** The supervisor's command lines, word by word: native/supervisor/options.cc reads them. */
import { describe, expect, test } from 'vitest';
import {
  type AdoptPlan,
  type AttachPlan,
  adoptArguments,
  attachArguments,
  runArguments,
} from '../../src/enforce/supervisor-arguments.js';

const COMMON = { maskFile: '/run/cpugate/a.mask', runtimeFolder: '/run/cpugate' };
const SHARED = ['--mask', '/run/cpugate/a.mask', '--runtime-dir', '/run/cpugate'];

test.each([
  [undefined, ['run', ...SHARED, '--']],
  ['/run/a.pid', ['run', ...SHARED, '--pid-file', '/run/a.pid', '--']],
])('run with pid file %s', (pidFile, expected) => {
  expect(runArguments({ ...COMMON, pidFile })).toEqual(expected);
});

describe('attach', () => {
  const plan: AttachPlan = {
    ...COMMON,
    pids: [7, 8],
    cgroups: ['/sys/fs/cgroup/web'],
    isBackground: false,
    isFromStart: false,
  };
  const tasks = ['--pid', '7', '--pid', '8', '--cgroup', '/sys/fs/cgroup/web'];
  test.each<[string, Partial<AttachPlan>, string[]]>([
    ['in the foreground', {}, tasks],
    ['in the background', { isBackground: true }, ['--background', ...tasks]],
    ['of what has not run yet', { isFromStart: true }, ['--from-start', ...tasks]],
    ['with a pid file', { pidFile: '/a' }, ['--pid-file', '/a', ...tasks]],
    ['of a tree alone', { cgroups: [] }, ['--pid', '7', '--pid', '8']],
    ['of a cgroup alone', { pids: [] }, ['--cgroup', '/sys/fs/cgroup/web']],
  ])('%s', (_, change, words) => {
    expect(attachArguments({ ...plan, ...change })).toEqual(['attach', ...SHARED, ...words]);
  });
});

describe('adopt', () => {
  /** As the images number them: 1, 2 and 3. */
  const tree = [
    { pid: 101, ownPid: 1 },
    { pid: 102, ownPid: 2 },
    { pid: 103, ownPid: 3 },
  ];
  const plan: AdoptPlan = { ...COMMON, stopped: [], isFromStart: false };
  test.each<[string, Partial<AdoptPlan>, string[]]>([
    ['all go on', {}, ['--pid', '101']],
    [
      'who was stopped at the dump stays so',
      { stopped: [2] },
      ['--pid', '101', '--keep-stopped', '102'],
    ],
    [
      'the root may be among them',
      { stopped: [3, 1] },
      ['--pid', '101', '--keep-stopped', '101', '--keep-stopped', '103'],
    ],
    ["the images' numbers count, not this host's", { stopped: [102] }, ['--pid', '101']],
    ['masked all their life', { isFromStart: true }, ['--from-start', '--pid', '101']],
    [
      'with its cgroup',
      { cgroup: '/sys/fs/cgroup/a' },
      ['--pid', '101', '--cgroup', '/sys/fs/cgroup/a'],
    ],
  ])('%s', (_, change, words) => {
    expect(adoptArguments({ ...plan, ...change }, tree)).toEqual(['adopt', ...SHARED, ...words]);
  });
});
