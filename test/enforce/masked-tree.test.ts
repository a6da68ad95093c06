/** Which trees are under a mask, which record may say so, and what is refused. */
import { describe, expect, test } from 'vitest';
import {
  maskedTree,
  maskOfTree,
  mayClaimMask,
  notReleased,
  rootOfSupervisor,
} from '../../src/enforce/masked-tree.js';
import type { NamedBaseline } from '../../src/enforce/recorded-mask.js';
import type { HeldState, SupervisorStatus } from '../../src/enforce/supervisor-status.js';
import { encodeMask, maskMark } from '../../src/mask/bytes.js';
import { compileMask } from '../../src/mask/compile.js';
import { baselineOfPlans } from '../baseline/clusters.js';
import { HASWELL, V2 } from '../hosts.js';

const SUPERVISOR = 50;
const named = (name: string, features: (typeof HASWELL)['features']): NamedBaseline => ({
  name,
  baseline: baselineOfPlans([{ ...HASWELL, features }]),
  json: {},
});
const haswell = named('haswell.json', HASWELL.features);
const v2 = named('v2.json', V2);
const markOf = ({ baseline }: NamedBaseline) => maskMark(encodeMask(compileMask(baseline).mask));

type States = Readonly<Record<number, HeldState>>;

function statusOf(states: States, more: Partial<SupervisorStatus> = {}): SupervisorStatus {
  return {
    supervisor: SUPERVISOR,
    mode: 'run',
    isUnmasked: false,
    isFromStart: true,
    processes: new Map(Object.entries(states).map(([pid, state]) => [Number(pid), state])),
    mask: markOf(haswell),
    ...more,
  };
}

const held = (pid: number) => ({ pid, tracer: SUPERVISOR });
const free = (pid: number) => ({ pid, tracer: 0 });
const BOTH = [held(7), held(8)];
const ALL: States = { 7: 'masked', 8: 'masked' };

describe('a tree', () => {
  test.each<[string, ReturnType<typeof held>[], SupervisorStatus | undefined, number[], number[]]>([
    ['that one supervisor masks', BOTH, statusOf(ALL), [7, 8], []],
    ['that nobody holds', [free(7), free(8)], undefined, [], [7, 8]],
    ['with a bare child', BOTH, statusOf({ 7: 'masked', 8: 'bare' }), [7], [8]],
    ['with a bare root', BOTH, statusOf({ 7: 'bare', 8: 'masked' }), [8], [7]],
    ['with a child of which nothing is said', BOTH, statusOf({ 7: 'masked' }), [7], [8]],
    ['with a child that nobody traces', [held(7), free(8)], statusOf(ALL), [7], [8]],
    ['that was let go', BOTH, statusOf(ALL, { isUnmasked: true }), [], [7, 8]],
    ['of a supervisor that says nothing', BOTH, statusOf({}), [], [7, 8]],
  ])('%s', (_, tree, status, masked, bare) => {
    const found = maskedTree(tree, status);
    expect(found).toMatchObject({ root: 7, masked, bare });
    expect(found.held).toEqual(tree.filter(({ tracer }) => tracer !== 0).map(({ pid }) => pid));
  });

  test.each<[string, { pid: number; tracer: number }[], SupervisorStatus | undefined, RegExp]>([
    [
      'by a debugger',
      [held(7), { pid: 8, tracer: 99 }],
      statusOf(ALL),
      /process 8 is traced by process 99/,
    ],
    [
      'by two supervisors',
      [{ pid: 7, tracer: 51 }, held(8)],
      statusOf(ALL),
      /process 7 is traced by process 51/,
    ],
    ['by one that does not answer', BOTH, undefined, /process 7 is traced by process 50/],
    [
      'for another dump',
      [free(7), free(8)],
      statusOf({ 7: 'released', 8: 'released' }),
      /process 7 is in another dump's hands/,
    ],
  ])('held %s is refused', (_, tree, status, message) => {
    expect(() => maskedTree(tree, status)).toThrow(
      expect.objectContaining({ code: 'other-tracer', message: expect.stringMatching(message) }),
    );
  });
});

/** Only the supervisor of this tree is asked for. */
const keeps = (kept: NamedBaseline | undefined) => (supervisor: number) =>
  supervisor === SUPERVISOR ? kept : undefined;

describe('--mask at a dump', () => {
  const masked = maskedTree(BOTH, statusOf(ALL));
  const mixed = maskedTree(BOTH, statusOf({ 7: 'masked', 8: 'bare' }));
  const unmasked = maskedTree(BOTH, statusOf(ALL, { isUnmasked: true }));
  const nobodys = maskedTree([free(7)], undefined);
  const untold = maskedTree(BOTH, statusOf(ALL, { mask: undefined }));

  test.each([
    ['that of the tree', masked, haswell, undefined, haswell],
    ['that of the tree, whatever is kept', masked, haswell, v2, haswell],
    ['none, for a tree whose baseline is kept', masked, undefined, haswell, haswell],
    ['none, for a tree that nobody holds', nobodys, undefined, haswell, undefined],
    ['none, for a tree that was let go', unmasked, undefined, haswell, undefined],
    ['none, for a tree that is masked in part', mixed, undefined, haswell, undefined],
  ])('%s is taken', (_, tree, given, kept, expected) => {
    expect(maskOfTree(tree, given, keeps(kept))).toBe(expected);
  });

  test.each([
    [
      'none, for a masked tree',
      masked,
      undefined,
      /^process 7 is under a mask, and which baseline/,
    ],
    ['another one', masked, v2, /^process 7 is under a different mask than that of v2.json$/],
    ['any, for a tree that nobody holds', nobodys, haswell, /^process 7 is not under a mask/],
    ['any, for a tree that was let go', unmasked, haswell, /^process 7 is not under a mask/],
    [
      'any, for a tree that is masked in part',
      mixed,
      haswell,
      /^process 8 of the tree reads the real CPU/,
    ],
    ['any, of a supervisor that does not say its own', untold, haswell, /doesn't name its mask/],
  ])('%s is refused', (_, tree, mask, message) => {
    expect(() => maskOfTree(tree, mask, keeps(undefined))).toThrow(
      expect.objectContaining({ code: 'mask-differs', message: expect.stringMatching(message) }),
    );
  });

  test.each([
    ['is kept', masked, v2],
    ['is kept, and the supervisor does not say its own', untold, haswell],
  ])('what does not fit is refused where it %s', (_, tree, kept) => {
    expect(() => maskOfTree(tree, undefined, keeps(kept))).toThrow(
      expect.objectContaining({ code: 'mask-differs' }),
    );
  });

  test.each([
    ['as large, with another checksum', { ...markOf(haswell), crc32: 1 }],
    ['with the checksum of another size', { ...markOf(haswell), bytes: 88 }],
  ])('a mask %s is a different one', (_, mask) => {
    expect(() =>
      maskOfTree(maskedTree(BOTH, statusOf(ALL, { mask })), haswell, keeps(undefined)),
    ).toThrow(/different/);
  });
});

test.each<[string, SupervisorStatus | undefined, boolean]>([
  ['masked all their life', statusOf(ALL), true],
  ['attached while they ran', statusOf(ALL, { isFromStart: false }), false],
  ['bare in part', statusOf({ 7: 'masked', 8: 'bare' }), false],
  ['let go', statusOf(ALL, { isUnmasked: true }), false],
])('the record of tasks that were %s names the mask: %#', (_, status, expected) => {
  expect(mayClaimMask(maskedTree(BOTH, status))).toBe(expected);
});

test('the record of tasks that nobody holds names no mask', () => {
  expect(mayClaimMask(maskedTree([free(7)], undefined))).toBe(false);
});

describe('once the supervisor has let go for the dump', () => {
  const RELEASED: States = { 7: 'released', 8: 'released' };
  test.each<
    [string, { pid: number; tracer: number }[], SupervisorStatus | undefined, number | undefined]
  >([
    ['all are released', [free(7), free(8)], statusOf(RELEASED), undefined],
    ['one has entered', [free(7), free(8), free(9)], statusOf(RELEASED), 9],
    ['one is held still', [free(7), held(8)], statusOf(RELEASED), 8],
    ['one is masked still', [free(7), free(8)], statusOf({ 7: 'released', 8: 'masked' }), 8],
    [
      'somebody has said "detach"',
      [free(7)],
      statusOf(RELEASED, { isUnmasked: true, isFromStart: false }),
      7,
    ],
    ['one has come later', [free(7), free(8)], statusOf(RELEASED, { isFromStart: false }), 7],
    ['the supervisor is gone', [free(7)], undefined, 7],
  ])('%s', (_, tree, status, pid) => {
    expect(notReleased(tree, status)).toBe(pid);
  });
});

describe('the number of a supervisor stands for', () => {
  const PARENTS: Readonly<Record<number, number>> = { 7: SUPERVISOR, 8: 7, 9: 8, 20: 1 };
  const rootOf = (states: States | undefined) =>
    rootOfSupervisor(SUPERVISOR, states && statusOf(states), (pid) => PARENTS[pid]);

  test.each<[string, States, number]>([
    ['the program that it has started', { 7: 'masked', 8: 'masked', 9: 'masked' }, 7],
    ['the process that it was attached to', { 20: 'masked' }, 20],
    ['a program that another dump has', { 8: 'released', 7: 'released' }, 7],
    ['a program that was let go and is held', { 7: 'bare' }, 7],
  ])('%s', (_, states, expected) => {
    expect(rootOf(states)).toBe(expected);
  });

  test.each<[string, States | undefined, RegExp]>([
    ['nothing that is found', undefined, /no task that it holds is found/],
    ['nothing any more', {}, /no task that it holds is found/],
    ['several trees', { 7: 'masked', 20: 'masked', 8: 'masked' }, /supervisor of several trees/],
  ])('%s, which is refused', (_, states, message) => {
    expect(() => rootOf(states)).toThrow(
      expect.objectContaining({ code: 'usage', message: expect.stringMatching(message) }),
    );
  });
});
