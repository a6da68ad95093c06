/**
 * All leaves of every logical CPU, as glibc from 2.40 on prints them:
 *
 *     x86.processor[0x0].requested=0x0
 *     x86.processor[0x0].cpuid.eax[0x1].ecx=0xfffa3203
 *     x86.processor[0x0].cpuid.subleaf_eax[0xd].ecx[0x2].eax=0x100
 *     x86.processor[0x0].xgetbv.ecx[0x0]=0xe7
 *
 * An answer that is zero isn't printed, and a CPU after the first has only what differs from the one
 * before; what that one had and it hasn't is printed as zeros. "until_ecx" is the last of subleaves with
 * one answer, "ecx_query_mask" says that ECX repeats the subleaf's number in these bits.
 * Source: glibc sysdeps/x86/dl-diagnostics-cpu.c.
 */
import { subleafRule } from '../catalogue/subleaves.js';
import { InputError } from '../model/errors.js';
import { groupCpus } from '../model/group-cpus.js';
import type { Cpu } from '../model/host.js';
import { type LeafRow, type LeafTable, leafTable, readRegister } from '../model/leaves.js';
import { ALL_KNOWN_64, hasBit, hex, NO_REGISTERS, type Register } from '../model/registers.js';
import { type Input, malformed } from './format.js';
import { MAX_LOGICAL_CPUS, quote } from './text-dump.js';

const LINE = /^0x([0-9a-f]{1,4})\]\.(.{1,80})$/;
const ANSWER =
  /^cpuid\.(?:eax\[0x([0-9a-f]{1,8})\]|subleaf_eax\[0x([0-9a-f]{1,8})\]\.ecx\[0x([0-9a-f]{1,4})\])\.(eax|ebx|ecx|edx|until_ecx|ecx_query_mask)$/;
const XCR0 = 'xgetbv.ecx[0x0]';

/** glibc itself stores 8192 answers at most; real CPUs have fewer than 200. */
const MAX_ANSWERS = 4096;
/** 8192 CPUs of which none is like another come nowhere near. */
const MAX_ROWS = 2_000_000;
/** All of an answer are printed, zero or not. */
const REGISTERS = 4;
/** Of leaf 1 ECX. */
const OSXSAVE = 27;
/** Where an answer is the same for further ones, they say nothing new. */
const MAX_SUBLEAVES = 64;

interface Answer extends Record<Register, number> {
  readonly leaf: number;
  readonly first: number;
  until: number;
  queryMask: number;
  /** How many of the four registers are here. */
  registers: number;
  /** Printed with a subleaf: others of the leaf have another answer. */
  readonly hasSubleaf: boolean;
}

interface Processor {
  readonly index: number;
  /** Linux's number, where it is told. */
  number: number;
  readonly answers: Map<string, Answer>;
  readonly changed: Set<string>;
  /** How many answers aren't zero, as it says itself. */
  count: number | undefined;
  /** Undefined: not printed so far, by this one or those before. */
  xcr0: bigint | undefined;
  readonly line: number;
}

export class ProcessorLines {
  readonly #input: Input;
  readonly #done: Cpu[] = [];
  readonly #numbers = new Set<number>();
  #current: Processor | undefined;
  #table: LeafTable | undefined;
  #rows = 0;

  constructor(input: Input) {
    this.#input = input;
  }

  get isEmpty(): boolean {
    return this.#current === undefined;
  }

  /** What stands behind "x86.processor[" and behind "=". */
  add(name: string, value: string, line: number): void {
    const [, digits, what] = LINE.exec(name) ?? [];
    if (digits === undefined || what === undefined) throw this.#damaged(name, line);
    const processor = this.#processor(Number.parseInt(digits, 16), line);
    if (what === 'requested') {
      processor.number = this.#number(what, value, line);
      return;
    }
    if (what === 'cpuid_leaves') {
      processor.count = this.#number(what, value, line);
      return;
    }
    if (what === XCR0) {
      if (!/^0x[0-9a-f]{1,16}$/.test(value)) throw this.#notNumber(what, value, line);
      processor.xcr0 = BigInt(value);
      return;
    }
    const answer = ANSWER.exec(what);
    if (answer !== null) this.#addAnswer(processor, answer as unknown as string[], value, line);
    else if (what.startsWith('cpuid.')) throw this.#damaged(name, line);
  }

  /** At least one CPU. `isCut`: the text ends in the middle of a line. */
  finish(isCut: boolean): Cpu[] {
    const last = this.#current as Processor;
    if (isCut)
      throw malformed(
        this.#input,
        `ends in the middle of processor ${last.index}`,
        {},
        'Give the whole output, with the end of its last line.',
      );
    this.#end();
    return groupCpus(this.#done);
  }

  #processor(index: number, line: number): Processor {
    const current = this.#current;
    if (current?.index === index) return current;
    if (index !== (current === undefined ? 0 : current.index + 1))
      throw malformed(
        this.#input,
        `processor ${index} doesn't follow ${current === undefined ? 'any' : current.index}`,
        { line },
        'Each one is printed as what differs from the one before; give all of them, in order.',
      );
    if (index >= MAX_LOGICAL_CPUS)
      throw new InputError('too-large', `more than ${MAX_LOGICAL_CPUS} logical CPUs`, {
        place: { file: this.#input.name, line },
        remedy: 'No Linux host has that many; give the output of one host.',
      });
    if (current !== undefined) this.#end();
    this.#current = {
      index,
      number: index,
      answers: current?.answers ?? new Map(),
      changed: new Set(),
      count: undefined,
      xcr0: current?.xcr0,
      line,
    };
    return this.#current;
  }

  #addAnswer(
    processor: Processor,
    [, whole, leafDigits, subleafDigits, register]: string[],
    value: string,
    line: number,
  ): void {
    const leaf = Number.parseInt(whole ?? (leafDigits as string), 16);
    const first = subleafDigits === undefined ? 0 : Number.parseInt(subleafDigits, 16);
    const key = `${leaf} ${first}`;
    let answer = processor.answers.get(key);
    // An answer is printed whole where anything of it differs.
    if (answer === undefined || !processor.changed.has(key)) {
      answer = {
        ...NO_REGISTERS,
        leaf,
        first,
        until: first,
        queryMask: 0,
        registers: 0,
        hasSubleaf: whole === undefined,
      };
      processor.answers.set(key, answer);
      processor.changed.add(key);
      if (processor.answers.size > MAX_ANSWERS)
        throw new InputError('too-large', `more than ${MAX_ANSWERS} leaves for one CPU`, {
          place: { file: this.#input.name, line },
          remedy: 'No CPU has that many; give the output as it was printed.',
        });
    }
    const number = this.#number(`leaf ${hex(leaf)}`, value, line);
    if (register === 'until_ecx') answer.until = number;
    else if (register === 'ecx_query_mask') answer.queryMask = number;
    else {
      answer[register as Register] = number;
      answer.registers++;
    }
  }

  #end(): void {
    const processor = this.#current as Processor;
    if (!processor.answers.has('0 0'))
      throw malformed(
        this.#input,
        `processor ${processor.index} has no leaf 0`,
        { line: processor.line },
        'Give the whole output of "ld.so --list-diagnostics".',
      );
    const answers = [...processor.answers.values()];
    const cut = answers.find(({ registers }) => registers !== REGISTERS);
    if (cut !== undefined)
      throw malformed(
        this.#input,
        `processor ${processor.index} has ${cut.registers} registers of leaf ${hex(cut.leaf)}, not ${REGISTERS}`,
        { line: processor.line },
        'Give the whole output of "ld.so --list-diagnostics", of one host.',
      );
    const count = answers.filter((answer) => !isZero(answer)).length;
    if (processor.count !== count)
      throw malformed(
        this.#input,
        processor.count === undefined
          ? `processor ${processor.index} doesn't say how many leaves it has`
          : `processor ${processor.index} has ${processor.count} leaves, and ${count} are here`,
        { line: processor.line },
        'A leaf that is missing would look like one that the CPU lacks: give the whole output.',
      );
    if (this.#numbers.has(processor.number))
      throw malformed(
        this.#input,
        `CPU ${processor.number} comes a second time`,
        { line: processor.line },
        'A file holds one host; split what was joined from several.',
      );
    this.#numbers.add(processor.number);
    if (this.#table === undefined || processor.changed.size > 0) {
      this.#table = leafTable(rowsOf(answers));
      this.#rows += this.#table.rows.length;
      if (this.#rows > MAX_ROWS)
        throw new InputError('too-large', `more than ${MAX_ROWS} answers of CPUID`, {
          place: { file: this.#input.name, line: processor.line },
          remedy: 'Give the output of one host.',
        });
    }
    const xcr0 = processor.xcr0 ?? (isOsxsaveClear(this.#table) ? 0n : undefined);
    this.#done.push({
      logical: [processor.number],
      leaves: this.#table,
      // It is the last line: a text may be cut before.
      ...(xcr0 === undefined ? {} : { xcr0: { value: xcr0, known: ALL_KNOWN_64 } }),
    });
  }

  #number(at: string, value: string, line: number): number {
    if (!/^0x[0-9a-f]{1,8}$/.test(value)) throw this.#notNumber(at, value, line);
    return Number.parseInt(value, 16);
  }

  #notNumber(at: string, value: string, line: number): InputError {
    return malformed(
      this.#input,
      `${quote(value)} is not a number`,
      { line, at },
      'Expected "0x" and hex digits; give the output as it was printed.',
    );
  }

  #damaged(name: string, line: number): InputError {
    return malformed(
      this.#input,
      `${quote(`x86.processor[${name}`)} is damaged`,
      { line },
      'Give the output as it was printed.',
    );
  }
}

function isZero({ eax, ebx, ecx, edx }: Answer): boolean {
  return (eax | ebx | ecx | edx) === 0;
}

/** Without CR4.OSXSAVE there is no XCR0 to read. */
function isOsxsaveClear(leaves: LeafTable): boolean {
  const { value, known } = readRegister(leaves, 1, 0, 'ecx');
  return hasBit(known, OSXSAVE) && !hasBit(value, OSXSAVE);
}

function rowOf(answer: Answer, subleaf: number): LeafRow {
  const { leaf, eax, ebx, ecx, edx, queryMask } = answer;
  return { leaf, subleaf, eax, ebx, ecx: ((ecx & ~queryMask) | (subleaf & queryMask)) >>> 0, edx };
}

/** Zero answers included: those of leaves up to the highest, and of subleaves that their leaf counts. */
function rowsOf(answers: readonly Answer[]): LeafRow[] {
  const rows = new Map<string, LeafRow>();
  const add = (row: LeafRow) => {
    const key = `${row.leaf} ${row.subleaf}`;
    if (!rows.has(key)) rows.set(key, row);
  };
  // What isn't there any more may lie within the range of what is there now.
  const ordered = [...answers.filter((one) => !isZero(one)), ...answers.filter(isZero)];
  for (const answer of ordered) {
    const { leaf, first, until, hasSubleaf } = answer;
    // Without subleaves of its own it stands for every one.
    const last = hasSubleaf ? Math.min(until, first + MAX_SUBLEAVES) : first;
    if (subleafRule(leaf) === undefined) {
      if (first === 0) add(rowOf(answer, 0));
    } else for (let subleaf = first; subleaf <= last; subleaf++) add(rowOf(answer, subleaf));
  }
  for (const start of [0, 0x80000000]) {
    const highest = rows.get(`${start} 0`)?.eax ?? 0;
    for (let leaf = start; leaf <= Math.min(highest, start + 0xff); leaf++)
      add({ ...NO_REGISTERS, leaf, subleaf: 0 });
  }
  const lastSubleaf = new Map<number, number>();
  for (const { leaf, subleaf, eax } of rows.values()) {
    const rule = subleafRule(leaf);
    if (rule === undefined) continue;
    const counted = rule === 'up-to-eax' && subleaf === 0 ? eax : subleaf;
    lastSubleaf.set(leaf, Math.max(lastSubleaf.get(leaf) ?? 0, counted));
  }
  // And the one behind the last, where lists end.
  for (const [leaf, last] of lastSubleaf)
    for (let subleaf = 1; subleaf <= Math.min(last, MAX_SUBLEAVES) + 1; subleaf++)
      add({ ...NO_REGISTERS, leaf, subleaf });
  return [...rows.values()];
}
