/** CRIU's images byte by byte, by the rules of protocol buffers and not by the code under test. */
import { COMMON, type Field, message, u32 } from './criu-bytes.js';

export const MAGICS = {
  inventory: 0x58313116,
  pstree: 0x50273030,
  core: 0x55053847,
  mm: 0x57492820,
  pagemap: 0x56084025,
  files: 0x56303138,
  'reg-files': 0x50363636,
  'remap-fpath': 0x59133954,
} as const;

/** Magics, then each record with its length. */
export function imageFile(
  kind: keyof typeof MAGICS,
  records: readonly Uint8Array[],
  { hasCommon = kind !== 'inventory' } = {},
): Uint8Array {
  return Uint8Array.from([
    ...(hasCommon ? u32(COMMON) : []),
    ...u32(MAGICS[kind]),
    ...records.flatMap((record) => [...u32(record.length), ...record]),
  ]);
}

export const inventory = (version = 2) => imageFile('inventory', [message([[1, version]])]);

export function pstree(
  processes: readonly { pid: number; parent?: number; threads?: readonly number[] }[],
): Uint8Array {
  return imageFile(
    'pstree',
    processes.map(({ pid, parent = 0, threads = [pid] }) =>
      message([
        [1, pid],
        [2, parent],
        [3, pid],
        [4, pid],
        ...threads.map((tid): Field => [5, tid]),
      ]),
    ),
  );
}

/** By the field numbers of user_x86_xsave_entry. */
export interface XsavePlan {
  readonly bv: bigint;
  readonly ymm?: readonly bigint[];
  readonly opmask?: readonly bigint[];
  readonly zmm?: readonly bigint[];
  readonly hi16?: readonly bigint[];
  readonly pkru?: readonly bigint[];
}

export const numbers = (count: number, value: bigint): bigint[] => new Array(count).fill(value);

function xsaveEntry({ bv, ymm, opmask, zmm, hi16, pkru }: XsavePlan): Uint8Array {
  const list = (field: number, values: readonly bigint[] = []) =>
    values.map((value): Field => [field, value]);
  return message([
    [1, bv],
    ...list(2, ymm),
    ...list(5, opmask),
    ...list(6, zmm),
    ...list(7, hi16),
    ...list(8, pkru),
  ]);
}

export interface CorePlan {
  readonly machine?: number;
  readonly rsp?: bigint;
  readonly rip?: bigint;
  readonly compat?: boolean;
  readonly xsave?: XsavePlan;
  /** Undefined: a thread that isn't the leader. */
  readonly state?: number;
  readonly comm?: Uint8Array;
}

export function core(plan: CorePlan): Uint8Array {
  const { machine = 1, rsp = 0x7ffd00000000n, rip = 0x401000n, compat, xsave, state, comm } = plan;
  const registers = message([[17, rip], [20, rsp], ...(compat ? [[28, 2] as const] : [])]);
  const floating = message([
    [1, 895],
    [7, 8064],
    ...(xsave === undefined ? [] : [[13, xsaveEntry(xsave)] as const]),
  ]);
  const task =
    state === undefined
      ? []
      : [
          [
            3,
            message([
              [1, state],
              [6, comm ?? Uint8Array.from([0x74])],
            ]),
          ] as const,
        ];
  return imageFile('core', [
    message([
      [1, machine],
      [
        2,
        message([
          [1, 0],
          [2, registers],
          [3, floating],
        ]),
      ],
      ...task,
    ]),
  ]);
}

export const FILE = 1 | (1 << 6);
export const ANONYMOUS = 1 | (1 << 9);

export interface MappingPlan {
  readonly start: bigint;
  readonly end: bigint;
  readonly file?: number;
  readonly prot?: number;
  readonly status?: number;
}

export function mm(
  mappings: readonly MappingPlan[],
  auxv: readonly (readonly [number, bigint])[] = [],
): Uint8Array {
  return imageFile('mm', [
    message([
      ...auxv.flatMap(([kind, value]): Field[] => [
        [13, kind],
        [13, value],
      ]),
      ...mappings.map(
        ({ start, end, file = 0, prot = 3, status = file ? FILE : ANONYMOUS }): Field => [
          14,
          message([
            [1, start],
            [2, end],
            [3, 0],
            [4, file],
            [5, prot],
            [6, 2],
            [7, status],
          ]),
        ],
      ),
    ]),
  ]);
}
