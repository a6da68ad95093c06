/**
 * Who refers to what, by bytes: at each place of the code behind an opcode that calls, jumps or takes an address,
 * the four bytes there are taken for a distance to the next instruction. That other bytes look so and meet the
 * first byte of a function is as good as excluded: it takes an opcode, and one of a few thousand numbers out of 2^32.
 */
import type { ElfFile } from './elf.js';
import type { Functions } from './functions.js';
import { Pairs } from './pairs.js';

export interface References {
  /** To the first byte of a function. */
  readonly toFunctions: Pairs;
  /** To data, of that what tables of code and variables span. */
  readonly toData: Pairs;
  /** To code without a known function, by an instruction that calls, jumps or takes an address. */
  readonly toUnknown: Pairs;
}

/** By address from the lowest: 1: a function begins there; 2: code that no function covers. */
function mapCode(
  { code, functions }: ElfFile,
  stubs: Iterable<number>,
  low: number,
  high: number,
): Uint8Array {
  const kinds = new Uint8Array(high - low);
  // Stubs that jump to imported functions are the linker's.
  for (const { name, address, size } of code)
    if (!name.startsWith('.plt')) kinds.fill(2, address - low, address + size - low);
  for (const { start, end } of functions) {
    kinds.fill(0, start - low, end - low);
    kinds[start - low] = 1;
  }
  for (const stub of stubs) kinds[stub - low] = 1;
  return kinds;
}

/**
 * What the byte before a distance or number may be: of a call or jump (1), ModRM or SIB of an operand in memory
 * (2), of an instruction that takes a number (4). Most bytes are neither.
 */
const CALL = 1;
const MEMORY = 2;
const NUMBER = 4;
const BEFORE = new Uint8Array(256);
for (let byte = 0; byte < 256; byte++)
  BEFORE[byte] =
    (byte === 0xe8 || byte === 0xe9 || (byte & 0xf0) === 0x80 ? CALL : 0) |
    ((byte & 0xc7) === 0x05 ? MEMORY : 0) |
    // MOV of a number to a register, PUSH; MOV of one to memory and [number] are seen by two bytes.
    ((byte & 0xf8) === 0xb8 || byte === 0x68 || (byte & 0x07) === 0x05 || byte === 0x24
      ? NUMBER
      : 0);

function takesNumber(before: number, last: number): boolean {
  return (last & 0xf8) === 0xb8 || last === 0x68 || before === 0xc7 || (before & 0xc7) === 0x04;
}

/** Whether the reference at this place only takes an address, and gives no control away. */
export function takesAddress(bytes: Uint8Array, at: number): boolean {
  const [before, last] = [bytes[at - 2] as number, bytes[at - 1] as number];
  return !(
    last === 0xe8 ||
    last === 0xe9 ||
    (before === 0x0f && (last & 0xf0) === 0x80) ||
    isShortJump(last)
  );
}

/** `stubs`: places that count as functions. */
export function findReferences(file: ElfFile, stubs: Iterable<number>): References {
  const { bytes, code, variables, pointers, isFixed } = file;
  const found: References = {
    toFunctions: new Pairs(),
    toData: new Pairs(),
    toUnknown: new Pairs(),
  };
  if (code.length === 0) return found;
  const low = Math.min(...code.map(({ address }) => address));
  const high = Math.max(...code.map(({ address, size }) => address + size));
  const kinds = mapCode(file, stubs, low, high);
  let dataLow = Number.POSITIVE_INFINITY;
  let dataHigh = 0;
  for (const { address, size } of variables) {
    dataLow = Math.min(dataLow, address);
    dataHigh = Math.max(dataHigh, address + size);
  }
  for (const { at } of pointers) {
    // The table may begin before.
    dataLow = Math.min(dataLow, at - 4096);
    dataHigh = Math.max(dataHigh, at + 8);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { toFunctions, toData, toUnknown } = found;
  for (const { name, offset, size, address } of code) {
    if (name.startsWith('.plt')) continue;
    const shift = address - offset;
    for (let at = offset + 1; at + 4 <= offset + size; at++) {
      const last = bytes[at - 1] as number;
      const kind = BEFORE[last] as number;
      if (kind === 0) continue;
      const before = at >= offset + 2 ? (bytes[at - 2] as number) : 0;
      const place = at + shift;
      const distance = view.getInt32(at, true);
      const target = place + 4 + distance;
      const isCall = (kind & CALL) !== 0 && ((last & 0xf0) !== 0x80 || before === 0x0f);
      const isMemory = (kind & MEMORY) !== 0;
      if (isCall || (isMemory && before === 0x8d)) {
        const to = kinds[target - low];
        if (to === 1) toFunctions.push(place, target);
        else if (to === 2) toUnknown.push(place, target);
      }
      if (isMemory && target >= dataLow && target < dataHigh) toData.push(place, target);
      // As they are, in a program that isn't moved.
      if (isFixed && (kind & NUMBER) !== 0 && distance > 0 && takesNumber(before, last)) {
        if (kinds[distance - low] === 1) toFunctions.push(place, distance);
        else if (distance >= dataLow && distance < dataHigh) toData.push(place, distance);
      }
    }
  }
  return found;
}

/** Jumps with one byte of distance: JMP, Jcc, LOOP, JRCXZ. */
function isShortJump(opcode: number): boolean {
  return opcode === 0xeb || (opcode & 0xf0) === 0x70 || (opcode & 0xfc) === 0xe0;
}

/**
 * Jumps from elsewhere into functions that nothing else leads to, to their first byte or into their middle:
 * pieces of hand-written code do so among themselves.
 */
export function findEntrances({ bytes, code }: ElfFile, into: Functions): Pairs {
  const found = new Pairs();
  const low = into.list[0]?.start ?? 0;
  const high = into.list.at(-1)?.end ?? 0;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const look = (place: number, target: number) => {
    if (target < low || target >= high) return;
    const range = into.list[into.indexOf(target)];
    if (range === undefined || (place >= range.start && place < range.end)) return;
    found.push(place, range.start);
  };
  for (const { name, offset, size, address } of code) {
    if (name.startsWith('.plt')) continue;
    const shift = address - offset;
    for (let at = offset + 1; at + 4 <= offset + size; at++) {
      const last = bytes[at - 1] as number;
      if (last === 0xe9 || ((last & 0xf0) === 0x80 && bytes[at - 2] === 0x0f))
        look(at + shift, at + shift + 4 + view.getInt32(at, true));
      else if (isShortJump(last)) look(at + shift, at + shift + 1 + view.getInt8(at));
    }
  }
  return found;
}
