/**
 * Whether a tree of processes is under a mask: all of it, held by one supervisor which says so of each, or
 * it isn't. What a record may claim, and whether --mask fits, follows from that. Pure.
 */
import { encodeMask, maskMark } from '../mask/bytes.js';
import { compileMask } from '../mask/compile.js';
import { InputError } from '../model/errors.js';
import type { ProcessStatus } from './processes.js';
import type { NamedBaseline } from './recorded-mask.js';
import type { HeldState, SupervisorStatus } from './supervisor-status.js';

/** Of a process, what counts here. */
export type Member = Pick<ProcessStatus, 'pid' | 'tracer'>;

export interface MaskedTree {
  readonly root: number;
  /** Who is in the supervisor's hands, masked or not: CRIU can't have them before it lets go. */
  readonly held: readonly number[];
  /** Who sees the mask. */
  readonly masked: readonly number[];
  /** Who reads the real CPU. */
  readonly bare: readonly number[];
  /** Undefined: nobody holds any of them. */
  readonly status: SupervisorStatus | undefined;
}

function stateOf({ pid, tracer }: Member, status: SupervisorStatus): HeldState {
  const said = status.processes.get(pid);
  if (said === 'released') return said;
  const isMasked = said === 'masked' && tracer === status.supervisor && !status.isUnmasked;
  return isMasked ? 'masked' : 'bare';
}

function refuseStrangers(tree: readonly Member[], status: SupervisorStatus | undefined): void {
  const stranger = tree.find(({ tracer }) => tracer !== 0 && tracer !== status?.supervisor);
  if (stranger === undefined) return;
  const { pid, tracer } = stranger;
  throw new InputError('other-tracer', `process ${pid} is traced by process ${tracer}`, {
    remedy:
      "End that debugger or tracer; CRIU can't dump what another one holds. If it is a supervisor of cpugate " +
      'with a --runtime-dir, give the same one; what a second supervisor holds, let go by "cpugate detach".',
  });
}

function refuseReleased(tree: readonly Member[], status: SupervisorStatus): void {
  const released = tree.find((one) => stateOf(one, status) === 'released');
  if (released === undefined) return;
  throw new InputError(
    'other-tracer',
    `process ${released.pid} is in another dump's hands: its supervisor has released it`,
    { remedy: 'Wait until that dump has ended.' },
  );
}

/**
 * `tree`: root first, all that live. `status`: of the supervisor that holds any of them. Throws InputError
 * where somebody else traces one.
 */
export function maskedTree(
  tree: readonly Member[],
  status: SupervisorStatus | undefined,
): MaskedTree {
  const [root] = tree;
  if (root === undefined) throw new Error('a tree without a root');
  refuseStrangers(tree, status);
  if (status !== undefined) refuseReleased(tree, status);
  const isMasked = (one: Member) => status !== undefined && stateOf(one, status) === 'masked';
  const pids = (members: readonly Member[]) => members.map(({ pid }) => pid);
  return {
    root: root.pid,
    held: pids(tree.filter(({ tracer }) => tracer !== 0)),
    masked: pids(tree.filter(isMasked)),
    bare: pids(tree.filter((one) => !isMasked(one))),
    status,
  };
}

function refuse(message: string, remedy: string): never {
  throw new InputError('mask-differs', message, { remedy });
}

const LEAVE_OUT = 'Leave --mask out: the record then says that the tasks have seen the real CPU.';

/** Throws InputError where the supervisor's mask is another one than the baseline's. */
function checkMark({ root, status }: MaskedTree, mask: NamedBaseline): void {
  const held = status?.mask;
  if (held === undefined)
    refuse(
      `the supervisor of process ${root} doesn't name its mask`,
      'It is of another version: dump with the cpugate that started it.',
    );
  const given = maskMark(encodeMask(compileMask(mask.baseline).mask));
  if (held.crc32 !== given.crc32 || held.bytes !== given.bytes)
    refuse(
      `process ${root} is under a different mask than that of ${mask.name}`,
      'Give the baseline that the tasks were started under.',
    );
}

/**
 * The baseline that the tree is under; undefined: none, or not all of it. The record mustn't claim a mask
 * that the tasks weren't under, nor be silent of one that they are. `given`: of --mask, the user's claim.
 * `keptBy`: what a supervisor's mask was made of, where that is kept. Throws InputError.
 */
export function maskOfTree(
  tree: MaskedTree,
  given: NamedBaseline | undefined,
  keptBy: (supervisor: number) => NamedBaseline | undefined,
): NamedBaseline | undefined {
  const { root, masked, status } = tree;
  const [bare] = tree.bare;
  if (given !== undefined) {
    if (masked.length === 0)
      refuse(`process ${root} is not under a mask, although --mask is given`, LEAVE_OUT);
    if (bare !== undefined)
      refuse(`process ${bare} of the tree reads the real CPU, although --mask is given`, LEAVE_OUT);
    checkMark(tree, given);
    return given;
  }
  if (bare !== undefined || status === undefined) return undefined;
  const kept = keptBy(status.supervisor);
  if (kept === undefined)
    refuse(
      `process ${root} is under a mask, and which baseline that is made of isn't known`,
      'Name it: --mask BASELINE, with the file that "cpugate run --mask" was given.',
    );
  checkMark(tree, kept);
  return kept;
}

/**
 * Whether the record may name the mask. Tasks that were put under it while they ran have seen more than it
 * shows.
 */
export function mayClaimMask({ bare, status }: MaskedTree): boolean {
  return bare.length === 0 && status?.isFromStart === true;
}

/**
 * After the release, of tasks that were under the mask from their start: who of the tree the supervisor has
 * not let go of, and who may thus run on, or have entered meanwhile; undefined: nobody. One that has entered
 * the cgroup may have left a child in the tree.
 */
export function notReleased(
  tree: readonly Member[],
  status: SupervisorStatus | undefined,
): number | undefined {
  if (status === undefined || !status.isFromStart) return tree[0]?.pid;
  return tree.find(({ pid, tracer }) => tracer !== 0 || status.processes.get(pid) !== 'released')
    ?.pid;
}

/**
 * The root of what a supervisor holds: its number, which is what shells and --pid-file give, stands for its
 * tree. `status`: undefined, none of its tasks was found. Throws InputError where that isn't one tree.
 */
export function rootOfSupervisor(
  supervisor: number,
  status: SupervisorStatus | undefined,
  parentOf: (pid: number) => number | undefined,
): number {
  const held = status?.processes ?? new Map<number, HeldState>();
  const roots = [...held.keys()].filter((pid) => !held.has(parentOf(pid) ?? 0));
  const [root, other] = roots;
  if (root !== undefined && other === undefined) return root;
  if (root === undefined)
    throw new InputError(
      'usage',
      `process ${supervisor} is a supervisor, and no task that it holds is found`,
      {
        remedy:
          'Give the program itself; where its supervisor was started with --runtime-dir, the same one.',
      },
    );
  throw new InputError('usage', `process ${supervisor} is a supervisor of several trees`, {
    remedy: `Dump them one by one: --tree ${roots.join(', --tree ')}.`,
  });
}
