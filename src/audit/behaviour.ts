/**
 * What one function does about the CPU's answers: which of its branches depend on them, what it does behind
 * those branches only, where it keeps answers, whether it returns one.
 *
 * Answers are followed through registers, the stack frame and variables, in the order of the code. A piece of code is
 * *guarded* where some branch on an answer has to go its way: without that way nothing leads there. So what follows
 * both ways of a branch isn't guarded by it.
 */
import {
  Code,
  FlowControl,
  type Instruction,
  Mnemonic,
  OpKind,
  Register,
  RegisterExt,
} from 'iced-x86';
import type { FeatureName } from '../catalogue/index.js';
import { type CodeReader, featuresOfCode } from './decoder.js';
import type { CodeFunction } from './elf.js';
import { type Guard, guardedBlocks } from './guarded-blocks.js';

/** What is known of a file when a function is read. */
export interface Answers {
  /** Variables that hold answers, byte by byte. */
  isAnswer(address: number): boolean;
  /** A function, or a stub of the linker's, that gives answers back. */
  givesAnswer(address: number): boolean;
  /** The function there, or behind the stub, is known not to come back. */
  neverReturns(address: number): boolean;
  /** A place that holds such a function's address, or that of a variable with answers. */
  importsAnswer(slot: number): boolean;
  /** Arguments that callers pass answers in. */
  given(start: number): Iterable<number>;
  isVariable(address: number): boolean;
  isCode(address: number): boolean;
  /** Numbers in code may be addresses: the program isn't moved when it is loaded. */
  readonly isFixed: boolean;
}

export type EdgeKind = 'call' | 'address' | 'data';

export interface Edge {
  readonly kind: EdgeKind;
  readonly to: number;
  readonly isGuarded: boolean;
}

export interface Use {
  readonly at: number;
  readonly length: number;
  readonly features: readonly FeatureName[];
  readonly isGuarded: boolean;
}

export interface Behaviour {
  readonly executesCpuid: boolean;
  /** Some branch or choice depends on an answer. */
  readonly asks: boolean;
  readonly returnsAnswer: boolean;
  readonly edges: readonly Edge[];
  readonly uses: readonly Use[];
  /** Registers with answers in them where another function is called. */
  readonly passed: readonly { readonly to: number; readonly register: number }[];
  /** Bytes of variables that hold an answer, or what was chosen by one. */
  readonly kept: readonly { readonly address: number; readonly bytes: number }[];
}

const { RAX, RBX, RCX, RDX, RSI, RDI, R8, R9, R10, R11, RSP, RBP, RIP } = Register;
const CLOBBERED = [RAX, RCX, RDX, RSI, RDI, R8, R9, R10, R11];
const ARGUMENTS = [RDI, RSI, RDX, RCX, R8, R9];
const ALL_REGISTERS = Array.from({ length: 16 }, (_, place) => RAX + place);
const ANSWER_REGISTERS = [RAX, RBX, RCX, RDX];
/** How much an answer that is written through a pointer may take. */
const ANSWER_BYTES = 64;
/** Enough for any function that people or compilers write; generated ones aren't looked at so closely. */
const MAX_GUARDS = 512;
const MAX_WORK = 4_000_000;

const PURE_WRITES: ReadonlySet<number> = new Set([
  Mnemonic.Mov,
  Mnemonic.Movzx,
  Mnemonic.Movsx,
  Mnemonic.Movsxd,
  Mnemonic.Movd,
  Mnemonic.Movq,
  Mnemonic.Movaps,
  Mnemonic.Movups,
  Mnemonic.Movdqa,
  Mnemonic.Movdqu,
  Mnemonic.Pop,
]);
const NO_WRITES: ReadonlySet<number> = new Set([
  Mnemonic.Cmp,
  Mnemonic.Test,
  Mnemonic.Bt,
  Mnemonic.Push,
  Mnemonic.Nop,
  Mnemonic.Jmp,
  Mnemonic.Call,
]);

function isConditionalMove(mnemonic: number): boolean {
  return (
    (mnemonic >= Mnemonic.Cmova && mnemonic <= Mnemonic.Cmovs) ||
    (mnemonic >= Mnemonic.Seta && mnemonic <= Mnemonic.Sets)
  );
}

interface Line {
  /** Between pieces of code, to align the next. */
  readonly isPadding: boolean;
  readonly at: number;
  readonly next: number;
  readonly flow: number;
  /** Of a direct jump or call. */
  readonly target: number;
  readonly onAnswer: boolean;
  /** What stands behind it isn't reached by it. */
  readonly isEnd: boolean;
}

/** General registers and the first 16 vectors, as bits; 0: not followed. */
function bitOf(register: number): number {
  if (register >= RAX && register <= Register.R15) return 1 << (register - RAX);
  if (register >= Register.ZMM0 && register <= Register.ZMM15)
    return 1 << (16 + register - Register.ZMM0);
  return 0;
}

/**
 * Answers in registers, flags and the stack frame, while code is read in order. Registers are joined where ways
 * meet, by what was known at the jumps there; of jumps back that is known in the second reading.
 */
class Taint {
  registers = 0;
  readonly frame = new Set<string>();
  /** Registers that hold an address which is known. */
  readonly addresses = new Map<number, number>();
  /** Addresses of the frame that were taken, "base displacement". */
  readonly #taken = new Map<string, { readonly base: number; readonly displacement: number }>();
  flags = false;
  /** Frame slots are tainted from an answer that was written through a pointer. */
  isFrameWritten = false;
  readonly #atTargets = new Map<number, number>();
  #atTables = 0;
  #isBroughtBack = false;
  #isBehindEnd = false;

  has(register: number): boolean {
    return (this.registers & bitOf(register)) !== 0;
  }

  set(register: number, isAnswer: boolean): void {
    if (isAnswer) this.registers |= bitOf(register);
    else this.registers &= ~bitOf(register);
  }

  take(base: number, displacement: number): void {
    this.#taken.set(`${base} ${displacement}`, { base, displacement });
  }

  isInFrame(base: number, displacement: number): boolean {
    if (this.frame.has(`${base} ${displacement}`)) return true;
    if (!this.isFrameWritten) return false;
    for (const one of this.#taken.values())
      if (
        one.base === base &&
        displacement >= one.displacement &&
        displacement < one.displacement + ANSWER_BYTES
      )
        return true;
    return false;
  }

  /** Before the instruction there. */
  enter(at: number): void {
    const atTarget = this.#atTargets.get(at);
    if (this.#isBehindEnd) this.registers = atTarget ?? this.#atTables;
    else if (atTarget !== undefined) this.registers |= atTarget;
    this.#isBehindEnd = false;
  }

  /** `at`: of the jump. */
  jump(at: number, target: number): void {
    if (target <= at && this.registers !== 0) this.#isBroughtBack = true;
    this.#atTargets.set(target, (this.#atTargets.get(target) ?? 0) | this.registers);
  }

  jumpByTable(): void {
    this.#atTables |= this.registers;
  }

  end(): void {
    this.#isBehindEnd = true;
  }

  /** Whether a second reading would begin with more, or meet more on its way. */
  get bringsMore(): boolean {
    return (
      this.#isBroughtBack || this.#atTables !== 0 || this.isFrameWritten || this.frame.size > 0
    );
  }

  /** For the second reading. */
  restart(): void {
    this.registers = 0;
    this.flags = false;
    this.#isBehindEnd = false;
    this.addresses.clear();
  }
}

const full = (register: number) => RegisterExt.fullRegister(register);

export function readBehaviour(
  reader: CodeReader,
  fn: CodeFunction,
  answers: Answers,
  isResolver: boolean,
): Behaviour {
  const taint = new Taint();
  const passed: { to: number; register: number }[] = [];
  const pass = (to: number, registers: Iterable<number>) => {
    for (const register of registers) if (taint.has(register)) passed.push({ to, register });
  };
  const lines: Line[] = [];
  const edges: { index: number; kind: EdgeKind; to: number; choose: boolean }[] = [];
  const uses: { index: number; at: number; length: number; features: readonly FeatureName[] }[] =
    [];
  const stores: { index: number; address: number; bytes: number; isAnswer: boolean }[] = [];
  const kept: { address: number; bytes: number }[] = [];
  /** A register of an address that was just taken → its edge: a conditional move may choose it. */
  const held = new Map<number, number>();
  let executesCpuid = false;
  let asks = false;
  let returnsAnswer = false;

  const answered = () => {
    for (const register of ANSWER_REGISTERS) taint.set(register, true);
  };
  const afterCall = (givesAnswer: boolean) => {
    if (givesAnswer) {
      // Whatever it was given the address of may hold an answer now.
      for (const address of taint.addresses.values())
        if (answers.isVariable(address)) kept.push({ address, bytes: ANSWER_BYTES });
      taint.isFrameWritten = true;
      // Go's older convention gives back on the stack.
      taint.take(RSP, 0);
    }
    for (const register of CLOBBERED) {
      taint.set(register, false);
      taint.addresses.delete(register);
      held.delete(register);
    }
    taint.flags = false;
    if (givesAnswer) answered();
  };

  const visit = (instruction: Instruction, at: number) => {
    const index = lines.length;
    taint.enter(at);
    const { length, flowControl: flow, mnemonic, opCount } = instruction;
    const features = featuresOfCode(instruction);
    if (features.length > 0) uses.push({ index, at, length, features });
    let target = 0;
    let onAnswer = false;
    let isEnd =
      flow === FlowControl.UnconditionalBranch ||
      flow === FlowControl.IndirectBranch ||
      flow === FlowControl.Return ||
      flow === FlowControl.Exception;

    // What the operands bring.
    let memory = false;
    let address: number | undefined;
    let slot: { base: number; displacement: number } | undefined;
    let isIn = false;
    for (let place = 0; place < opCount; place++) {
      const kind = instruction.opKind(place);
      if (kind === OpKind.Memory) memory = true;
      else if (
        kind === OpKind.Register &&
        (place > 0 || !PURE_WRITES.has(mnemonic)) &&
        taint.has(full(instruction.opRegister(place)))
      )
        isIn = true;
    }
    if (memory) {
      const base = instruction.memoryBase;
      const indexRegister = instruction.memoryIndex;
      const displacement = Number(BigInt.asIntN(64, instruction.memoryDisplacement));
      if (base === RIP || (base === Register.None && indexRegister === Register.None))
        address = displacement;
      else {
        const known = taint.addresses.get(full(base));
        if (known !== undefined) address = known + displacement;
        else if (indexRegister === Register.None && (full(base) === RSP || full(base) === RBP))
          slot = { base: full(base), displacement };
      }
    }
    const isLea = mnemonic === Mnemonic.Lea;
    const writesMemory =
      memory &&
      instruction.opKind(0) === OpKind.Memory &&
      !NO_WRITES.has(mnemonic) &&
      flow === FlowControl.Next;
    const readsMemory = memory && !isLea && !(writesMemory && PURE_WRITES.has(mnemonic));
    if (readsMemory) {
      if (address !== undefined && (answers.isAnswer(address) || answers.importsAnswer(address)))
        isIn = true;
      if (slot !== undefined && taint.isInFrame(slot.base, slot.displacement)) isIn = true;
      const base = instruction.memoryBase;
      if (base !== Register.None && taint.has(full(base))) isIn = true;
    }
    if (memory && address !== undefined && !answers.isCode(address) && flow === FlowControl.Next)
      edges.push({ index, kind: 'data', to: address, choose: false });

    switch (flow) {
      case FlowControl.ConditionalBranch:
        target = Number(instruction.nearBranchTarget);
        onAnswer = taint.flags;
        taint.jump(at, target);
        if (target < fn.start || target >= fn.end) {
          edges.push({ index, kind: 'call', to: target, choose: onAnswer });
          // Hand-written code goes on elsewhere with all that it has.
          pass(target, ALL_REGISTERS);
        }
        break;
      case FlowControl.UnconditionalBranch:
        target = Number(instruction.nearBranchTarget);
        if (target < fn.start || target >= fn.end) {
          edges.push({ index, kind: 'call', to: target, choose: false });
          pass(target, ALL_REGISTERS);
        }
        taint.jump(at, target);
        taint.end();
        break;
      case FlowControl.Call:
        target = Number(instruction.nearBranchTarget);
        edges.push({ index, kind: 'call', to: target, choose: false });
        pass(target, ARGUMENTS);
        afterCall(answers.givesAnswer(target));
        isEnd = answers.neverReturns(target);
        if (isEnd) taint.end();
        break;
      case FlowControl.IndirectBranch:
        onAnswer = isIn;
        taint.jumpByTable();
        taint.end();
        break;
      case FlowControl.IndirectCall:
        afterCall(address !== undefined && answers.importsAnswer(address));
        break;
      case FlowControl.Return:
        if (taint.has(RAX)) returnsAnswer = true;
        taint.end();
        break;
      default: {
        if (instruction.code === Code.Cpuid) {
          executesCpuid = true;
          answered();
          break;
        }
        if (mnemonic === Mnemonic.Xgetbv) {
          taint.set(RAX, true);
          taint.set(RDX, true);
          break;
        }
        if (mnemonic === Mnemonic.Xchg) {
          for (const place of [0, 1])
            if (instruction.opKind(place) === OpKind.Register)
              taint.set(full(instruction.opRegister(place)), isIn);
          break;
        }
        const isChoice = isConditionalMove(mnemonic) && taint.flags;
        const own = opCount > 0 && instruction.opKind(0) === OpKind.Register;
        const register = own ? full(instruction.opRegister(0)) : Register.None;
        if (isChoice) {
          asks = true;
          isIn = true;
          for (let place = 0; place < opCount; place++)
            if (instruction.opKind(place) === OpKind.Register) {
              const edge = edges[held.get(full(instruction.opRegister(place))) ?? -1];
              if (edge !== undefined) edge.choose = true;
            }
        }
        if (instruction.rflagsModified !== 0) taint.flags = isIn;
        if (own && !NO_WRITES.has(mnemonic)) {
          const isCleared =
            (mnemonic === Mnemonic.Xor || mnemonic === Mnemonic.Sub) &&
            opCount === 2 &&
            instruction.opKind(1) === OpKind.Register &&
            instruction.opRegister(1) === instruction.opRegister(0);
          if (isLea) {
            taint.set(register, false);
            if (slot !== undefined) taint.take(slot.base, slot.displacement);
          } else taint.set(register, isIn && !isCleared);
          taint.addresses.delete(register);
          held.delete(register);
          if (isLea && address !== undefined) {
            taint.addresses.set(register, address);
            if (answers.isCode(address)) {
              held.set(register, edges.length);
              edges.push({ index, kind: 'address', to: address, choose: false });
            }
          } else if (opCount === 2 && mnemonic === Mnemonic.Mov) {
            const value = answers.isFixed ? immediateOf(instruction) : undefined;
            if (value !== undefined) {
              taint.addresses.set(register, value);
              if (answers.isCode(value)) {
                held.set(register, edges.length);
                edges.push({ index, kind: 'address', to: value, choose: false });
              }
            } else if (instruction.opKind(1) === OpKind.Register) {
              const from = full(instruction.opRegister(1));
              const known = taint.addresses.get(from);
              if (known !== undefined) taint.addresses.set(register, known);
              const edge = held.get(from);
              if (edge !== undefined) held.set(register, edge);
            }
          }
        } else if (writesMemory) {
          if (slot !== undefined) {
            const key = `${slot.base} ${slot.displacement}`;
            if (isIn) taint.frame.add(key);
            else if (PURE_WRITES.has(mnemonic)) taint.frame.delete(key);
          } else if (address !== undefined && answers.isVariable(address))
            stores.push({
              index,
              address,
              bytes: mnemonic === Mnemonic.Mov || mnemonic === Mnemonic.Or ? 8 : 16,
              isAnswer: isIn,
            });
          const value = opCount === 2 && answers.isFixed ? immediateOf(instruction) : undefined;
          if (value !== undefined && answers.isCode(value))
            edges.push({ index, kind: 'address', to: value, choose: false });
        }
      }
    }
    if (onAnswer) asks = true;
    lines.push({
      isPadding: mnemonic === Mnemonic.Nop || mnemonic === Mnemonic.Int3,
      at,
      next: at + length,
      flow,
      target,
      onAnswer,
      isEnd,
    });
  };
  // Once for what jumps back bring along, once for good.
  for (const isLast of [false, true]) {
    taint.restart();
    for (const register of answers.given(fn.start)) taint.set(register, true);
    for (const list of [lines, edges, uses, stores, kept, passed]) list.length = 0;
    held.clear();
    asks = false;
    returnsAnswer = false;
    reader.read(fn, visit);
    if (!isLast && ((!asks && !executesCpuid) || !taint.bringsMore)) break;
  }

  const isGuarded = asks
    ? guardedLines(lines, [...uses, ...edges.filter(({ kind }) => kind !== 'data')])
    : new Uint8Array(lines.length);
  for (const { index, address, bytes, isAnswer } of stores)
    if (isAnswer || isGuarded[index] === 1) kept.push({ address, bytes });
  return {
    executesCpuid,
    asks,
    returnsAnswer,
    edges: edges.map(({ index, kind, to, choose }) => ({
      kind,
      to,
      isGuarded: isResolver || choose || isGuarded[index] === 1,
    })),
    uses: uses.map(({ index, at, length, features }) => ({
      at,
      length,
      features,
      isGuarded: isGuarded[index] === 1,
    })),
    passed,
    kept,
  };
}

function immediateOf(instruction: Instruction): number | undefined {
  switch (instruction.opKind(1)) {
    case OpKind.Immediate32:
      return instruction.immediate32;
    case OpKind.Immediate64:
    case OpKind.Immediate32to64:
      return Number(BigInt.asUintN(64, instruction.immediate(1)));
    default:
      return undefined;
  }
}

interface Block {
  readonly first: number;
  readonly last: number;
  readonly followers: number[];
}

/** Place of the line that begins at an address; lines are in its order. */
function lineAt(lines: readonly Line[], address: number): number | undefined {
  let [low, high] = [0, lines.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((lines[middle] as Line).at < address) low = middle + 1;
    else high = middle;
  }
  return lines[low]?.at === address ? low : undefined;
}

function blocksOf(lines: readonly Line[]): Block[] {
  const isStart = new Uint8Array(lines.length + 1);
  isStart[0] = 1;
  for (const [index, { flow, target, isEnd }] of lines.entries()) {
    const isJump =
      flow === FlowControl.ConditionalBranch || flow === FlowControl.UnconditionalBranch;
    if (!isJump && !isEnd) continue;
    isStart[index + 1] = 1;
    const to = isJump ? lineAt(lines, target) : undefined;
    if (to !== undefined) isStart[to] = 1;
  }
  const firsts = [...lines.keys()].filter((index) => isStart[index] === 1);
  const blockAt = new Map(firsts.map((first, place) => [first, place]));
  const blocks: Block[] = firsts.map((first, place) => ({
    first,
    last: (firsts[place + 1] ?? lines.length) - 1,
    followers: [],
  }));
  const hasOrigin = new Set<number>([0]);
  const indirect: Block[] = [];
  for (const [place, block] of blocks.entries()) {
    const { flow, target, isEnd } = lines[block.last] as Line;
    const isJump =
      flow === FlowControl.ConditionalBranch || flow === FlowControl.UnconditionalBranch;
    const jump = isJump ? blockAt.get(lineAt(lines, target) ?? -1) : undefined;
    if (jump !== undefined) block.followers.push(jump);
    if (!isEnd && place + 1 < blocks.length) block.followers.push(place + 1);
    if (flow === FlowControl.IndirectBranch) indirect.push(block);
    for (const follower of block.followers) hasOrigin.add(follower);
  }
  // Where a table of jumps leads isn't read: to every block that nothing else leads to.
  const isPadding = ({ first, last }: Block) =>
    lines.slice(first, last + 1).every((line) => line.isPadding);
  const list = [...blocks.keys()].filter(
    (place) => !hasOrigin.has(place) && !isPadding(blocks[place] as Block),
  );
  if (indirect.length > 0) for (const block of indirect) block.followers.push(...list);
  // Landing pads of exceptions: as if the start led there.
  else blocks[0]?.followers.push(...list);
  return blocks;
}

/** 1: some branch on an answer has to go its way for the line to be reached. */
function guardedLines(
  lines: readonly Line[],
  wanted: readonly { readonly index: number }[],
): Uint8Array {
  const marks = new Uint8Array(lines.length);
  const blocks = blocksOf(lines);
  const guards = blocks.flatMap((block, place): Guard[] => {
    const { onAnswer, flow } = lines[block.last] as Line;
    if (!onAnswer) return [];
    // All ways of a table at once: there is none that isn't chosen.
    return flow === FlowControl.IndirectBranch
      ? [{ place, to: undefined }]
      : [...new Set(block.followers)].map((to) => ({ place, to }));
  });
  if (guards.length > MAX_GUARDS || guards.length * blocks.length > MAX_WORK) return marks;
  const isGuarded = guardedBlocks(
    blocks.map(({ followers }) => followers),
    guards,
  );
  for (const [number, { first, last }] of blocks.entries())
    if (isGuarded[number] === 1) marks.fill(1, first, last + 1);
  const places = [...new Set(guards.flatMap(({ place, to }) => (to === undefined ? [] : [place])))];
  if (places.length > MAX_JOINED_GUARDS || blocks.length > MAX_JOINED_BLOCKS) return marks;
  const always = reached(blocks, -1, undefined);
  const wantedLines = new Uint8Array(lines.length);
  for (const { index } of wanted) wantedLines[index] = 1;
  for (const [number, { first, last }] of blocks.entries())
    if (
      isGuarded[number] === 0 &&
      always[number] === 1 &&
      wantedLines.subarray(first, last + 1).includes(1) &&
      isCutOff(blocks, places, number)
    )
      marks.fill(1, first, last + 1);
  return marks;
}

/** Where several branches on answers lead to one piece of code; more is not looked at. */
const MAX_JOINED_GUARDS = 16;
const MAX_JOINED_BLOCKS = 300;

/**
 * Whether branches on answers keep the start from a block together: of each that leads there one way, and the other
 * way not without another question, that way is taken out.
 */
function isCutOff(blocks: readonly Block[], places: readonly number[], target: number): boolean {
  const asking = new Set(places);
  const rest = blocks.map((block) => ({ ...block, followers: [...block.followers] }));
  // Nothing goes on from a block that asks.
  const still = blocks.map((block, place) =>
    asking.has(place) && place !== target ? { ...block, followers: [] } : block,
  );
  for (const place of places) {
    const followers = [...new Set((blocks[place] as Block).followers)];
    const leading = followers.filter((to) => reached(still, -1, undefined, to)[target] === 1);
    if (leading.length === 1 && followers.length === 2) {
      const kept = followers.filter((to) => !leading.includes(to));
      (rest[place] as Block).followers.splice(0, Number.POSITIVE_INFINITY, ...kept);
    }
  }
  return reached(rest, -1, undefined)[target] === 0;
}

/** Blocks that the start, or another, leads to, without one way out of `place`, or without all. */
function reached(
  blocks: readonly Block[],
  place: number,
  to: number | undefined,
  from = 0,
): Uint8Array {
  const seen = new Uint8Array(blocks.length);
  const next = [from];
  seen[from] = 1;
  for (let block = next.pop(); block !== undefined; block = next.pop())
    for (const follower of (blocks[block] as Block).followers) {
      if (seen[follower] === 1) continue;
      if (block === place && (to === undefined || follower === to)) continue;
      seen[follower] = 1;
      next.push(follower);
    }
  return seen;
}

/** What a function does each time it is entered, whatever it finds. */
export interface Certain {
  readonly features: ReadonlySet<FeatureName>;
  /** Called, or the address taken and given on. */
  readonly to: readonly number[];
}

/** Enough for what programs begin with; of larger functions only the first block counts. */
const MAX_BLOCKS = 500;

export function readCertain(
  reader: CodeReader,
  fn: CodeFunction,
  neverReturns: (address: number) => boolean,
): Certain {
  const lines: Line[] = [];
  const uses: { index: number; features: readonly FeatureName[] }[] = [];
  const leads: { index: number; to: number }[] = [];
  reader.read(fn, (instruction, at) => {
    const index = lines.length;
    const { length, flowControl: flow, mnemonic } = instruction;
    const features = featuresOfCode(instruction);
    if (features.length > 0) uses.push({ index, features });
    const isDirect =
      flow === FlowControl.Call ||
      flow === FlowControl.UnconditionalBranch ||
      flow === FlowControl.ConditionalBranch;
    const target = isDirect ? Number(instruction.nearBranchTarget) : 0;
    if (isDirect && flow !== FlowControl.ConditionalBranch) leads.push({ index, to: target });
    else if (mnemonic === Mnemonic.Lea && instruction.isIpRelMemoryOperand)
      leads.push({ index, to: Number(instruction.ipRelMemoryAddress) });
    lines.push({
      isPadding: mnemonic === Mnemonic.Nop || mnemonic === Mnemonic.Int3,
      at,
      next: at + length,
      flow,
      target,
      onAnswer: false,
      isEnd:
        flow === FlowControl.UnconditionalBranch ||
        flow === FlowControl.IndirectBranch ||
        flow === FlowControl.Return ||
        flow === FlowControl.Exception ||
        (flow === FlowControl.Call && neverReturns(target)),
    });
  });
  const blocks = blocksOf(lines);
  const isLeft = ({ followers }: Block) => followers.length === 0;
  const isCertain = (place: number): boolean => {
    if (place === 0) return true;
    if (blocks.length > MAX_BLOCKS) return false;
    const without = reached(blocks, place, undefined);
    // Without what follows it, it is left only through itself.
    return !blocks.some((block, other) => other !== place && isLeft(block) && without[other] === 1);
  };
  const certain = new Map<number, boolean>();
  const inCertain = ({ index }: { index: number }): boolean => {
    const place = blocks.findIndex(({ first, last }) => index >= first && index <= last);
    let is = certain.get(place);
    if (is === undefined) {
      is = isCertain(place);
      certain.set(place, is);
    }
    return is;
  };
  return {
    features: new Set(uses.filter(inCertain).flatMap(({ features }) => features)),
    to: leads.filter(inCertain).map(({ to }) => to),
  };
}
