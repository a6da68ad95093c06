/**
 * core-TID.img: one thread's registers. Of its XSAVE area CRIU keeps the components that it knows,
 * each in a field of its own, and XSTATE_BV as the kernel gave it.
 * Source: images/core.proto, images/core-x86.proto; Intel SDM vol. 1, 13.6 (initial states).
 */
import { COMPONENT, LEGACY_STATE } from '../../catalogue/index.js';
import type { ImageThread, ThreadXsave } from '../../model/image-folder.js';
import { bitsOf } from '../../model/registers.js';
import type { Input } from '../format.js';
import type { ProtobufFields } from '../protobuf-fields.js';
import { damagedImage, fieldsOf, type ImageRecord, needed, onlyRecord } from './image-file.js';

const X86_64 = 1;
const COMPAT = 2;
/** TASK_DEAD, TASK_HELPER and TASK_ZOMBIE: nothing of them runs again. */
const NOT_ALIVE: ReadonlySet<number> = new Set([2, 4, 6]);
const TASK_STOPPED = 3;
const LONGEST_COMM = 64;

/** XSAVE components by the field that holds them, and how many numbers that are. */
const COMPONENT_FIELDS: ReadonlyMap<number, { readonly bit: number; readonly count: number }> =
  new Map([
    [2, { bit: COMPONENT.ymm_hi128, count: 64 }],
    [3, { bit: COMPONENT.bndregs, count: 8 }],
    [4, { bit: COMPONENT.bndcsr, count: 8 }],
    [5, { bit: COMPONENT.opmask, count: 8 }],
    [6, { bit: COMPONENT.zmm_hi256, count: 64 }],
    [7, { bit: COMPONENT.hi16_zmm, count: 128 }],
    [8, { bit: COMPONENT.pkru, count: 2 }],
  ]);

/** CET's state of user mode is a message of its own. */
const CET_FIELD = 9;

/**
 * What Linux puts into PKRU of every task before it asks for a key: all keys but 0 closed
 * (arch/x86/mm/pkeys.c, init_pkru_value). Nobody has chosen it, so nobody misses it.
 */
const PKRU_OF_LINUX = 0x55555554n;

export interface CoreImage {
  readonly comm: string | undefined;
  readonly isAlive: boolean;
  readonly isStopped: boolean;
  readonly thread: ImageThread | undefined;
}

function isInitial(bit: number, content: readonly bigint[]): boolean {
  if (bit === COMPONENT.pkru && content[0] === PKRU_OF_LINUX) return true;
  return content.every((value) => value === 0n);
}

function readXsave(record: ImageRecord, fields: ProtobufFields, end: number): ThreadXsave {
  const contents = new Map<number, bigint[]>();
  let xstateBv: bigint | undefined;
  fields.each(end, (field) => {
    const component = COMPONENT_FIELDS.get(field);
    if (field === 1) xstateBv = fields.uint64(end, 'xstate_bv');
    else if (field === CET_FIELD) {
      // The kernel saves it where shadow stacks are on; its content doesn't matter.
      contents.set(COMPONENT.cet_u, [1n]);
      return false;
    } else if (component !== undefined) {
      const values = contents.get(component.bit) ?? [];
      for (const value of fields.uint64s(end, 'xsave')) values.push(value);
      if (values.length > component.count)
        throw damagedImage(record.input, 'holds too large a state component', fields.offset);
      contents.set(component.bit, values);
    } else return false;
    return true;
  });
  return describeXsave(needed(record, xstateBv, 'xstate_bv'), contents);
}

function describeXsave(xstateBv: bigint, contents: ReadonlyMap<number, bigint[]>): ThreadXsave {
  const counts = new Map([...COMPONENT_FIELDS.values()].map(({ bit, count }) => [bit, count]));
  // Legacy registers are in FXSAVE's part of the image.
  let inUse = xstateBv & LEGACY_STATE;
  let lost = 0n;
  for (const bit of bitsOf(xstateBv & ~LEGACY_STATE)) {
    const content = contents.get(bit);
    const isWhole = content !== undefined && content.length === (counts.get(bit) ?? content.length);
    if (!isWhole) lost |= 1n << BigInt(bit);
    if (!isWhole || !isInitial(bit, content)) inUse |= 1n << BigInt(bit);
  }
  return { xstateBv, inUse, lost };
}

interface Registers {
  rip?: bigint;
  rsp?: bigint;
  compat: boolean;
  xsave: ThreadXsave | undefined;
}

function readThreadInfo(record: ImageRecord, fields: ProtobufFields, end: number): Registers {
  const registers: Registers = { compat: false, xsave: undefined };
  fields.each(end, (field) => {
    if (field === 2) {
      const last = fields.message(end, 'gpregs');
      fields.each(last, (register) => {
        if (register === 17) registers.rip = fields.uint64(last, 'ip');
        else if (register === 20) registers.rsp = fields.uint64(last, 'sp');
        else if (register === 28) registers.compat = fields.varint(last, 'mode') === COMPAT;
        else return false;
        return true;
      });
    } else if (field === 3) {
      const last = fields.message(end, 'fpregs');
      fields.each(last, (part) => {
        if (part !== 13) return false;
        const inner = fields.message(last, 'xsave');
        registers.xsave = readXsave(record, fields, inner);
        return true;
      });
    } else return false;
    return true;
  });
  return registers;
}

function threadOf(record: ImageRecord, tid: number, read: Registers): ImageThread {
  const { rip, rsp, compat, xsave } = read;
  return {
    tid,
    compat,
    rip: needed(record, rip, 'ip'),
    rsp: needed(record, rsp, 'sp'),
    xsave,
  };
}

/** Throws InputError for a damaged image, and for one of another architecture. */
export function readCore(input: Input, tid: number): CoreImage {
  const record = onlyRecord(input, 'core');
  const fields = fieldsOf(record);
  let machine: number | undefined;
  let registers: Registers | undefined;
  let comm: string | undefined;
  let state: number | undefined;
  fields.each(record.end, (field) => {
    if (field === 1) machine = fields.varint(record.end, 'mtype');
    else if (field === 2)
      registers = readThreadInfo(record, fields, fields.message(record.end, 'thread_info'));
    else if (field === 3) {
      const end = fields.message(record.end, 'tc');
      fields.each(end, (part) => {
        if (part === 1) state = fields.varint(end, 'task_state');
        else if (part === 6) comm = fields.text(end, 'comm', LONGEST_COMM);
        else return false;
        return true;
      });
    } else return false;
    return true;
  });
  if (needed(record, machine, 'mtype') !== X86_64)
    throw damagedImage(input, `is not from an x86 machine (mtype ${machine})`, record.start);
  const isAlive = !NOT_ALIVE.has(state ?? 0);
  if (isAlive) needed(record, registers, 'thread_info');
  return {
    comm,
    isAlive,
    isStopped: state === TASK_STOPPED,
    thread: registers && threadOf(record, tid, registers),
  };
}
