/**
 * Where a file keeps the CPU's answers, and which functions look at them. Begins with the functions that execute
 * CPUID and with what is known by name, and goes on to those that read what these have written.
 */
import { ANSWER_VARIABLES, isAnswerFunction, neverReturns } from './answer-names.js';
import { type Answers, type Behaviour, readBehaviour } from './behaviour.js';
import type { CodeReader } from './decoder.js';
import type { ElfFile } from './elf.js';
import type { Functions } from './functions.js';
import type { References } from './references.js';

/** From CPUID to a variable, from there to a second one … */
const MAX_ROUNDS = 5;
/** Of functions read closely; a program that keeps answers everywhere is as good as known by then. */
const MAX_READ = 30_000;

const STUB_BYTES = 16;
const IMMEDIATES = [0, 1, 2, 4];

/** Names of imported functions, by the linker's stubs for them. Source: x86-64 psABI, 5.2 (PLT). */
export function importStubs({ bytes, code, imports }: ElfFile): Map<number, string> {
  const stubs = new Map<number, string>();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (const { name, address, offset, size } of code) {
    if (!name.startsWith('.plt')) continue;
    for (let at = 0; at + 6 <= size; at++) {
      if (bytes[offset + at] !== 0xff || bytes[offset + at + 1] !== 0x25) continue;
      const imported = imports.get(address + at + 6 + view.getInt32(offset + at + 2, true));
      const stub = address + Math.floor(at / STUB_BYTES) * STUB_BYTES;
      if (imported !== undefined) stubs.set(stub, imported);
    }
  }
  return stubs;
}

/** Functions with the bytes of a CPUID in them. */
function withCpuid({ bytes, code }: ElfFile, functions: Functions): Set<number> {
  const found = new Set<number>();
  for (const { address, offset, size } of code)
    for (let at = offset; at + 1 < offset + size; at++)
      if (bytes[at] === 0x0f && bytes[at + 1] === 0xa2) {
        const index = functions.indexOf(address + at - offset);
        if (index >= 0) found.add(index);
      }
  return found;
}

/** Questions that a reading asked and that had no for an answer; and how many arguments it was given. */
interface Missed {
  readonly variables: number[];
  readonly functions: number[];
  readonly given: number;
}

export interface Dispatch {
  /** By place in the list of functions; of others that look at no answer nothing is known. */
  readonly behaviours: ReadonlyMap<number, Behaviour>;
  /** Something in the file asks what the CPU has. */
  readonly asks: boolean;
  neverReturns(address: number): boolean;
}

export function findDispatch(
  file: ElfFile,
  reader: CodeReader,
  functions: Functions,
  references: References,
  stubs: ReadonlyMap<number, string>,
): Dispatch {
  const { variables, code, imports, objects, resolvers } = file;
  const kept = new Set<number>();
  const giving = new Set<number>();
  const ending = new Set<number>();
  for (const [stub, name] of stubs) {
    if (isAnswerFunction(name)) giving.add(stub);
    if (neverReturns(name)) ending.add(stub);
  }
  const given = new Map<number, Set<number>>();
  const slots = new Set<number>();
  for (const [slot, name] of imports)
    if (ANSWER_VARIABLES.has(name) || isAnswerFunction(name)) slots.add(slot);
  const keep = (start: number, bytes: number) => {
    for (let at = start; at < start + bytes; at++) kept.add(at);
  };
  for (const [name, { start, end }] of objects)
    if (ANSWER_VARIABLES.has(name)) keep(start, Math.min(end - start, 4096));
  for (const { name, start } of functions.list)
    if (name !== undefined) {
      if (isAnswerFunction(name)) giving.add(start);
      if (neverReturns(name)) ending.add(start);
    }

  const inside = (sections: typeof code) => (address: number) =>
    sections.some((one) => address >= one.address && address < one.address + one.size);
  /** What the function that is read just now asked about in vain. */
  let missed: Missed = { variables: [], functions: [], given: 0 };
  const answers: Answers = {
    isAnswer: (address) => {
      const is = kept.has(address);
      if (!is) missed.variables.push(address);
      return is;
    },
    givesAnswer: (address) => {
      const is = giving.has(address);
      if (!is) missed.functions.push(address);
      return is;
    },
    neverReturns: (address) => ending.has(address),
    importsAnswer: (slot) => slots.has(slot),
    given: (start) => given.get(start) ?? [],
    isVariable: inside(variables),
    isCode: inside(code),
    isFixed: file.isFixed,
  };

  const behaviours = new Map<number, Behaviour>();
  const missedBy = new Map<number, Missed>();
  const givenTo = (start: number) => given.get(start)?.size ?? 0;
  /** What is known only grows: with the same answers as before a function is read to the same end. */
  const isAsBefore = (index: number, start: number): boolean => {
    const before = missedBy.get(index);
    return (
      before !== undefined &&
      before.given === givenTo(start) &&
      !before.variables.some((address) => kept.has(address)) &&
      !before.functions.some((address) => giving.has(address))
    );
  };
  let wanted = withCpuid(file, functions);
  for (const address of resolvers) wanted.add(functions.startingAt(address));
  const { toData, toFunctions, toUnknown } = references;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    for (let index = 0; index < toData.length; index++) {
      const target = toData.target(index);
      if (IMMEDIATES.some((bytes) => kept.has(target + bytes) || slots.has(target + bytes)))
        wanted.add(functions.indexOf(toData.place(index)));
    }
    for (const pairs of [toFunctions, toUnknown])
      for (let index = 0; index < pairs.length; index++)
        if (giving.has(pairs.target(index))) wanted.add(functions.indexOf(pairs.place(index)));
    for (const start of given.keys()) wanted.add(functions.startingAt(start));
    wanted.delete(-1);
    const before = kept.size + giving.size + given.size;
    for (const index of wanted) {
      if (behaviours.size >= MAX_READ) break;
      const fn = functions.list[index];
      if (fn === undefined || isAsBefore(index, fn.start)) continue;
      missed = { variables: [], functions: [], given: givenTo(fn.start) };
      missedBy.set(index, missed);
      const behaviour = readBehaviour(reader, fn, answers, resolvers.has(fn.start));
      behaviours.set(index, behaviour);
      for (const { address, bytes } of behaviour.kept) keep(address, bytes);
      for (const { to, register } of behaviour.passed) {
        const start = functions.list[functions.indexOf(to)]?.start;
        if (start === undefined) continue;
        const registers = given.get(start);
        if (registers === undefined) given.set(start, new Set([register]));
        else registers.add(register);
      }
      if (behaviour.executesCpuid || behaviour.returnsAnswer) giving.add(fn.start);
    }
    if (kept.size + giving.size + given.size === before) break;
    wanted = new Set(wanted);
  }
  const asks =
    resolvers.size > 0 ||
    slots.size > 0 ||
    [...behaviours.values()].some((one) => one.asks || one.executesCpuid);
  return { behaviours, asks, neverReturns: answers.neverReturns };
}
