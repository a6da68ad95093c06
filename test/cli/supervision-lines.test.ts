/** What the user is told of a supervisor in the background, and how a restored tree was before. */
import { describe, expect, test } from 'vitest';
import { tasksBefore } from '../../src/cli/restore-plan.js';
import { type HeldTasks, heldText, withoutCgroup } from '../../src/cli/supervision-lines.js';
import type { ImageFolder } from '../../src/model/image-folder.js';

const held: HeldTasks = {
  mask: 'cluster.json',
  supervisor: 4720,
  processes: [4711],
  cgroups: [],
  log: '/run/cpugate/supervisor.log',
  runtimeFolder: undefined,
};

describe('tasks that are held', () => {
  test('are named, with how to let go', () => {
    expect(heldText(held)).toBe(
      'Process 4711 is under the mask of cluster.json, held by supervisor 4720. Tasks end with their supervisor.\n' +
        'To let go: cpugate detach --pid 4711\n' +
        'What it says from now on is in /run/cpugate/supervisor.log.\n',
    );
  });

  test.each<[string, Partial<HeldTasks>, string]>([
    ['several', { processes: [4711, 4712] }, '2 processes are under the mask'],
    ['several, let go by the first', { processes: [4711, 4712] }, 'detach --pid 4711\n'],
    ['a cgroup', { cgroups: ['/c/web'] }, 'Whatever enters /c/web comes under it, too.\n'],
    ['an empty cgroup', { cgroups: ['/c'], processes: [] }, 'No process is under the mask'],
    ['an empty cgroup, let go', { cgroups: ['/c'], processes: [] }, 'detach --pid PID\n'],
    ['another folder', { runtimeFolder: '/my run' }, "--pid 4711 --runtime-dir '/my run'\n"],
    ['a supervisor that says nothing', { supervisor: undefined }, 'of cluster.json. Tasks end'],
  ])('%s', (_, change, words) => {
    expect(heldText({ ...held, ...change })).toContain(words);
  });

  test('a name steers no terminal', () => {
    expect(heldText({ ...held, mask: 'a\u001b[2J' })).not.toContain('\u001b');
  });

  test('why a cgroup is not watched is said in one line', () => {
    expect(withoutCgroup('it is the root')).toMatch(/not what enters it later: it is the root\. /);
  });
});

describe('restored tasks', () => {
  const processes = [
    { pid: 1, isStopped: true },
    { pid: 2, isStopped: false },
  ] as unknown as ImageFolder['processes'];
  const folder = (record: object | undefined) =>
    ({ record, processes }) as Pick<ImageFolder, 'record' | 'processes'>;
  test.each<[string, object | undefined, boolean, ReturnType<typeof tasksBefore>]>([
    [
      'masked before, and so again',
      { mask: {}, stopped: [] },
      false,
      { stopped: [], isFromStart: true },
    ],
    ['under another mask', { mask: {}, stopped: [2] }, true, { stopped: [2], isFromStart: false }],
    ['without a mask before', { stopped: [] }, true, { stopped: [], isFromStart: false }],
    ['that nobody had stopped for the dump', {}, true, { stopped: [1], isFromStart: false }],
    ['without a record', undefined, true, { stopped: [1], isFromStart: false }],
  ])('%s', (_, record, isMaskGiven, expected) => {
    expect(tasksBefore(folder(record), isMaskGiven)).toEqual(expected);
  });
});
