/** What happens before a dump, with a supervisor that answers as it is told. */
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { beforeDump, stoppedIn } from '../../src/enforce/dump-hook.js';
import { maskedTree } from '../../src/enforce/masked-tree.js';
import type { NamedBaseline } from '../../src/enforce/recorded-mask.js';
import type { HeldState, SupervisorStatus } from '../../src/enforce/supervisor-status.js';
import { encodeMask, maskMark } from '../../src/mask/bytes.js';
import { compileMask } from '../../src/mask/compile.js';
import { baselineOfPlans } from '../baseline/clusters.js';
import { HASWELL } from '../hosts.js';

const SUPERVISOR = 50;
const mask: NamedBaseline = { name: 'a.json', baseline: baselineOfPlans([HASWELL]), json: {} };

/** All that was done, in order. */
let done: string[] = [];
/** What the supervisor says, one answer after the other. */
let answers: SupervisorStatus[] = [];
/** What lies beside the supervisor's mask. */
let kept: NamedBaseline | undefined;
/** CRIU's own, and the cgroup that it may freeze. */
let cmdline = '';
let freezer: string | undefined;
/** Who is in the tree by the time of the release. */
let later: { pid: number; tracer: number }[] = [];

vi.mock('../../src/enforce/supervisor-control.js', () => ({
  lookAtTree: (root: number) => {
    const status = answers.shift();
    const tracer = status === undefined ? 0 : SUPERVISOR;
    return maskedTree([{ pid: root, tracer }], status);
  },
  statusOf: () => answers.shift(),
  control: (pid: number, command: string, options: string[]) => {
    done.push(`${command} ${pid} ${options.join(' ')}`);
    return '7 stopped\n8 running\n';
  },
}));
vi.mock('../../src/enforce/cgroups.js', () => ({ freezerOf: () => freezer }));
vi.mock('../../src/enforce/kept-baseline.js', () => ({
  keptBaseline: (supervisor: number) => (supervisor === SUPERVISOR ? kept : undefined),
}));
vi.mock('../../src/enforce/dump-draft.js', () => ({
  isDraftOf: (_folder: string, criu: number) => criu === 1000,
  clearRecord: () => done.push('clear'),
  describeDump: ({ mask, late }: { mask?: NamedBaseline; late?: NamedBaseline }) =>
    `record with ${mask?.name ?? 'no mask'}${late === undefined ? '' : `, late ${late.name}`}`,
  writeDraft: (folder: string, { description, stopped, criu }: Record<string, unknown>) =>
    done.push(`draft ${folder}: ${description}, stopped ${stopped}, criu ${criu}`),
}));
vi.mock('../../src/enforce/processes.js', () => ({
  listLiving: () => later,
  readProcess: (pid: number) => ({ ownPid: pid - 6 }),
  commandLineOf: () => cmdline,
  ancestorsOf: () => [],
}));

const said = (state: HeldState, more: Partial<SupervisorStatus> = {}): SupervisorStatus => ({
  supervisor: SUPERVISOR,
  mode: 'run',
  isUnmasked: false,
  isFromStart: true,
  processes: new Map([[7, state]]),
  mask: maskMark(encodeMask(compileMask(mask.baseline).mask)),
  ...more,
});

const content = (mask?: NamedBaseline) => ({ mask, cpugate: '1', runtimeFolder: '/run/x' });
const RELEASE = 'release 7 --runtime-dir /run/x --until 30';
const draft = (name: string, stopped: string) =>
  `draft /images: record with ${name}, stopped ${stopped}, criu 30`;

beforeEach(() => {
  done = [];
  answers = [];
  kept = undefined;
  cmdline = 'criu\0dump\0--tree\x007\0';
  freezer = undefined;
  later = [{ pid: 7, tracer: 0 }];
});

describe('before a dump', () => {
  test('masked tasks are released, and the record names their mask and who was stopped', () => {
    answers = [said('masked'), said('released')];
    beforeDump('/images', 7, 30, content(mask));
    expect(done).toEqual(['clear', RELEASE, draft('a.json', '1')]);
  });

  test('of tasks that were attached while they ran, the record names no mask', () => {
    answers = [said('masked', { isFromStart: false }), said('released')];
    beforeDump('/images', 7, 30, content(mask));
    expect(done).toEqual(['clear', RELEASE, draft('no mask, late a.json', '1')]);
  });

  test('the mask is that of the supervisor where none is given', () => {
    kept = mask;
    answers = [said('masked'), said('released')];
    beforeDump('/images', 7, 30, content());
    expect(done).toEqual(['clear', RELEASE, draft('a.json', '1')]);
  });

  test('tasks that were let go, but are held, are released, and the record names no mask', () => {
    answers = [said('bare', { isUnmasked: true, isFromStart: false })];
    beforeDump('/images', 7, 30, content());
    expect(done).toEqual(['clear', RELEASE, draft('no mask', '1')]);
  });

  test('tasks that nobody holds are left alone', () => {
    beforeDump('/images', 7, 30, content());
    expect(done).toEqual(['clear', draft('no mask', 'undefined')]);
  });

  test('--mask that does not fit is refused before anything is touched', () => {
    answers = [said('bare', { isUnmasked: true })];
    expect(() => beforeDump('/images', 7, 30, content(mask))).toThrow(/not under a mask/);
    answers = [said('masked')];
    expect(() => beforeDump('/images', 7, 30, content())).toThrow(/is under a mask/);
    expect(done).toEqual([]);
  });

  test.each<[string, () => void]>([
    ['something has entered the tree', () => later.push({ pid: 9, tracer: 0 })],
    [
      'it was let go for good',
      () => answers.push(said('released', { isUnmasked: true, isFromStart: false })),
    ],
    ['the supervisor says no more', () => {}],
  ])('where %s meanwhile, the tasks go back and there is no draft', (_, change) => {
    answers = [said('masked')];
    change();
    if (later.length > 1) answers.push(said('released'));
    expect(() => beforeDump('/images', 7, 30, content(mask))).toThrow(/not under the mask/);
    expect(done).toEqual(['clear', RELEASE, 'resume 7 --runtime-dir /run/x']);
  });

  test.each<[string, string | undefined, string]>([
    ['an engine that freezes them by version 1', '/docker/1', 'criu\0swrk\x003\0'],
    ['the option', '/docker/1', 'criu\0dump\0--freeze-cgroup\0/x\0'],
    ['the option in one word', '/docker/1', 'criu\0dump\0--freeze-cgroup=/x\0'],
  ])('masked tasks are refused with %s, and nothing is touched', (_, cgroup, words) => {
    [freezer, cmdline] = [cgroup, words];
    answers = [said('masked')];
    expect(() => beforeDump('/images', 7, 30, content(mask))).toThrow(
      /freezes their cgroup \(\/docker\/1\) by version 1/,
    );
    expect(done).toEqual([]);
  });

  test.each<[string, string | undefined, string, boolean]>([
    ['an engine on version 2', undefined, 'criu\0swrk\x003\0', true],
    ['a freezer that nobody uses', '/docker/1', 'criu\0dump\0', true],
    ['a freezer, without a supervisor', '/docker/1', 'criu\0swrk\x003\0', false],
  ])('%s is no reason to refuse', (_, cgroup, words, isMasked) => {
    [freezer, cmdline] = [cgroup, words];
    if (isMasked) answers = [said('masked'), said('released')];
    beforeDump('/images', 7, 30, content(isMasked ? mask : undefined));
    expect(done).toContain('clear');
  });

  test('what was done for this CRIU is not done again', () => {
    beforeDump('/images', 7, 1000, content(mask));
    expect(done).toEqual([]);
  });
});

test('who was stopped is told by lines', () => {
  expect(stoppedIn('5 running\n6 stopped\n70 stopped\nx8 stopped\n9 stopped now\n')).toEqual([
    6, 70,
  ]);
});
