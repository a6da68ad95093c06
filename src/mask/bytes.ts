/**
 * The mask file, which the supervisor reads: native/include/cpugate_mask.h describes it, and a test
 * holds the numbers here against that header.
 */
import { REGISTERS } from '../catalogue/index.js';
import { InputError } from '../model/errors.js';
import { NO_REGISTERS, type Registers } from '../model/registers.js';
import { crc32 } from './crc32.js';
import type { Mask, MaskRow } from './mask.js';

export const MASK_MAGIC = 'CPUGMASK';
export const MASK_VERSION = 1;
export const MASK_MAX_ROWS = 4096;
export const ROW_PER_CPU = 1;

/** Offsets in bytes. */
export const HEADER = {
  bytes: 88,
  version: 8,
  fileBytes: 12,
  crc32: 16,
  rowCount: 20,
  flags: 24,
  hwcapKeep: 32,
  hwcapSet: 40,
  hwcap2Keep: 48,
  hwcap2Set: 56,
  minSigStackBytes: 64,
  xcompPermitted: 72,
  xcr0: 80,
} as const;

export const ROW = {
  bytes: 48,
  leaf: 0,
  firstSubleaf: 4,
  lastSubleaf: 8,
  flags: 12,
  keep: 16,
  set: 32,
} as const;

function putWords(view: DataView, at: number, words: Registers): void {
  REGISTERS.forEach((register, place) => {
    view.setUint32(at + 4 * place, words[register], true);
  });
}

function putRow(view: DataView, at: number, row: MaskRow): void {
  view.setUint32(at + ROW.leaf, row.leaf, true);
  view.setUint32(at + ROW.firstSubleaf, row.firstSubleaf, true);
  view.setUint32(at + ROW.lastSubleaf, row.lastSubleaf, true);
  view.setUint32(at + ROW.flags, row.perCpu ? ROW_PER_CPU : 0, true);
  putWords(view, at + ROW.keep, row.keep);
  putWords(view, at + ROW.set, row.set);
}

export function encodeMask(mask: Mask): Uint8Array {
  if (mask.rows.length > MASK_MAX_ROWS) throw new Error('a mask has too many rows');
  const bytes = new Uint8Array(HEADER.bytes + ROW.bytes * mask.rows.length);
  const view = new DataView(bytes.buffer);
  new TextEncoder().encodeInto(MASK_MAGIC, bytes);
  view.setUint32(HEADER.version, MASK_VERSION, true);
  view.setUint32(HEADER.fileBytes, bytes.length, true);
  view.setUint32(HEADER.rowCount, mask.rows.length, true);
  view.setBigUint64(HEADER.hwcapKeep, mask.hwcap.keep, true);
  view.setBigUint64(HEADER.hwcapSet, mask.hwcap.set, true);
  view.setBigUint64(HEADER.hwcap2Keep, mask.hwcap2.keep, true);
  view.setBigUint64(HEADER.hwcap2Set, mask.hwcap2.set, true);
  view.setBigUint64(HEADER.minSigStackBytes, BigInt(mask.minSigStackBytes), true);
  view.setBigUint64(HEADER.xcompPermitted, mask.xcompPermitted, true);
  view.setBigUint64(HEADER.xcr0, mask.xcr0, true);
  mask.rows.forEach((row, place) => {
    putRow(view, HEADER.bytes + ROW.bytes * place, row);
  });
  view.setUint32(HEADER.crc32, crc32(bytes), true);
  return bytes;
}

/** Enough of a mask file to tell that another one isn't the same. */
export interface MaskMark {
  readonly crc32: number;
  readonly bytes: number;
}

export function maskMark(bytes: Uint8Array): MaskMark {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { crc32: view.getUint32(HEADER.crc32, true), bytes: bytes.length };
}

function takeWords(view: DataView, at: number): Registers {
  const words = { ...NO_REGISTERS };
  REGISTERS.forEach((register, place) => {
    words[register] = view.getUint32(at + 4 * place, true);
  });
  return words;
}

function takeRow(view: DataView, at: number): MaskRow {
  const flags = view.getUint32(at + ROW.flags, true);
  if (flags !== 0 && flags !== ROW_PER_CPU) refuse('has a row with flags that are not known', at);
  return {
    leaf: view.getUint32(at + ROW.leaf, true),
    firstSubleaf: view.getUint32(at + ROW.firstSubleaf, true),
    lastSubleaf: view.getUint32(at + ROW.lastSubleaf, true),
    perCpu: flags === ROW_PER_CPU,
    keep: takeWords(view, at + ROW.keep),
    set: takeWords(view, at + ROW.set),
  };
}

function refuse(message: string, offset: number): never {
  throw new InputError('not-a-mask', message, {
    place: { offset },
    remedy:
      'Mask files are made from baselines and work only with the version of cpugate that made them.',
  });
}

function checkSum(bytes: Uint8Array, view: DataView): void {
  const copy = new Uint8Array(bytes);
  new DataView(copy.buffer).setUint32(HEADER.crc32, 0, true);
  if (crc32(copy) !== view.getUint32(HEADER.crc32, true))
    refuse('is damaged: its checksum is wrong', HEADER.crc32);
}

function checkHeader(bytes: Uint8Array, view: DataView): void {
  if (
    bytes.length < HEADER.bytes ||
    new TextDecoder('latin1').decode(bytes.subarray(0, 8)) !== MASK_MAGIC
  )
    refuse('is not a mask file', 0);
  const version = view.getUint32(HEADER.version, true);
  if (version !== MASK_VERSION)
    refuse(`has version ${version}, not ${MASK_VERSION}`, HEADER.version);
  const rows = view.getUint32(HEADER.rowCount, true);
  if (rows > MASK_MAX_ROWS) refuse(`has ${rows} rows, more than ${MASK_MAX_ROWS}`, HEADER.rowCount);
  const size = HEADER.bytes + ROW.bytes * rows;
  if (bytes.length !== size || view.getUint32(HEADER.fileBytes, true) !== size)
    refuse(`has ${bytes.length} bytes where ${rows} rows take ${size}`, HEADER.fileBytes);
  if (view.getBigUint64(HEADER.flags, true) !== 0n) refuse('has unknown flags', HEADER.flags);
  checkSum(bytes, view);
}

function checkOrder(rows: readonly MaskRow[]): void {
  rows.forEach((row, place) => {
    const before = rows[place - 1];
    const isBehind =
      before === undefined ||
      before.leaf < row.leaf ||
      (before.leaf === row.leaf && before.lastSubleaf < row.firstSubleaf);
    if (!isBehind || row.firstSubleaf > row.lastSubleaf)
      refuse('has rows out of order', HEADER.bytes + ROW.bytes * place);
  });
}

/** Throws InputError ("not-a-mask") for anything that encodeMask doesn't write. */
export function decodeMask(bytes: Uint8Array): Mask {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  checkHeader(bytes, view);
  const rows = Array.from({ length: view.getUint32(HEADER.rowCount, true) }, (_, place) =>
    takeRow(view, HEADER.bytes + ROW.bytes * place),
  );
  checkOrder(rows);
  const word = (at: number) => view.getBigUint64(at, true);
  return {
    rows,
    hwcap: { keep: word(HEADER.hwcapKeep), set: word(HEADER.hwcapSet) },
    hwcap2: { keep: word(HEADER.hwcap2Keep), set: word(HEADER.hwcap2Set) },
    minSigStackBytes: Number(word(HEADER.minSigStackBytes)),
    xcompPermitted: word(HEADER.xcompPermitted),
    xcr0: word(HEADER.xcr0),
  };
}
