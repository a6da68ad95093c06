/**
 * Signal frames, glibc's trampolines and what it keeps of CPUID, in memory made by hand by the kernel's
 * and glibc's layout; the last in this process's own memory, too.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { openInput } from '../../src/formats/format.js';
import { AddressSpace } from '../../src/formats/images/address-space.js';
import { ElfFile } from '../../src/formats/images/elf.js';
import { findKeptCpuid } from '../../src/formats/images/kept-cpuid.js';
import { readGlibc } from '../../src/formats/images/lazy-binding.js';
import { readPageMap } from '../../src/formats/images/memory-map.js';
import { findSavedStates } from '../../src/formats/images/saved-states.js';
import { findStacks } from '../../src/formats/images/signal-frames.js';
import type { ImageThread } from '../../src/model/image-folder.js';
import { findLeaf } from '../../src/model/leaves.js';
import { type MappingPlan, mm } from './image-bytes.js';
import { pagemapImage, wholeMap } from './image-pages.js';

interface Part extends MappingPlan {
  /** Content of the pages; absent: not dumped. */
  readonly content?: Uint8Array;
  readonly flags?: number;
}

function spaceOf(parts: readonly Part[]): AddressSpace {
  const dumped = parts.filter(({ content }) => content !== undefined);
  const pages = Buffer.concat(dumped.map(({ content }) => content as Uint8Array));
  const runs = dumped.map(({ start, content, flags = 4 }) => ({
    address: start,
    pages: (content as Uint8Array).length / 4096,
    flags,
  }));
  const map = readPageMap(openInput('pagemap', pagemapImage(1, runs)));
  if (map === undefined) throw new Error('no map');
  const read = (offset: number, length: number) =>
    offset + length <= pages.length ? pages.subarray(offset, offset + length) : undefined;
  return new AddressSpace(wholeMap(openInput('mm', mm(parts))), [{ map, read }]);
}

describe('memory of several dumps', () => {
  const page = (value: number) => Buffer.alloc(4096, value);
  const dumpOf = (runs: { address: bigint; pages: number; flags: number }[], pages: Buffer[]) => {
    const map = readPageMap(openInput('pagemap', pagemapImage(1, runs)));
    if (map === undefined) throw new Error('no map');
    const content = Buffer.concat(pages);
    const read = (offset: number, length: number) =>
      offset + length <= content.length ? content.subarray(offset, offset + length) : undefined;
    return { map, read };
  };
  const map = wholeMap(openInput('mm', mm([{ start: 0x1000n, end: 0x9000n }])));
  const last = dumpOf(
    [
      { address: 0x1000n, pages: 1, flags: 4 },
      { address: 0x2000n, pages: 3, flags: 1 },
      { address: 0x6000n, pages: 1, flags: 4 },
      { address: 0x7000n, pages: 1, flags: 2 },
    ],
    [page(1), page(6)],
  );
  const before = dumpOf(
    [
      { address: 0x1000n, pages: 2, flags: 4 },
      { address: 0x3000n, pages: 1, flags: 1 },
      { address: 0x4000n, pages: 3, flags: 4 },
    ],
    [page(91), page(2), page(4), page(95), page(96)],
  );
  const first = dumpOf([{ address: 0x3000n, pages: 1, flags: 4 }], [page(3)]);
  const space = new AddressSpace(map, [last, before, first]);

  it('is of each page what was dumped last, and zeros where nothing was written', () => {
    const bytes = space.read(0x1000n, 6 * 4096);
    const firstBytes = [0, 1, 2, 3, 4, 5].map((place) => [...(bytes ?? [])].at(place * 4096));
    expect(firstBytes).toEqual([1, 2, 3, 4, 0, 6]);
    expect([...(space.read(0x1ffen, 4) ?? [])]).toEqual([1, 1, 2, 2]);
    expect([...(space.read(0x4ffcn, 8) ?? [])]).toEqual([4, 4, 4, 4, 0, 0, 0, 0]);
  });

  it('is not known where no dump has it', () => {
    expect(space.read(0x7000n, 1)).toBeUndefined();
    expect(space.read(0x6fffn, 2)).toBeUndefined();
    expect(new AddressSpace(map, [last, before]).read(0x3000n, 1)).toBeUndefined();
  });
});

const STACK = 0x7ffd00000000n;
const ALTERNATE = 0x7f1100000000n;

interface FramePlan {
  /** Of the FPU's part, from the begin of the stack; a multiple of 64. */
  readonly at: number;
  readonly areaBytes?: number;
  readonly features?: bigint;
  readonly inUse?: bigint;
  readonly ymm?: boolean;
  readonly rsp?: bigint;
  readonly rip?: bigint;
  readonly pointer?: bigint;
  readonly closing?: number;
}

/** struct rt_sigframe and the XSAVE area above it (asm/sigframe.h, uapi/asm/sigcontext.h). */
function putFrame(bytes: Uint8Array, base: bigint, plan: FramePlan): void {
  const { at, areaBytes = 832, features = 7n, inUse = 7n, ymm = true, rsp = base + 0xf00n } = plan;
  const view = new DataView(bytes.buffer);
  const frame = at - 448;
  // pretcode, uc_flags, uc_link, uc_stack: 8 + 8 + 8 + 24; then r8 … r15, rdi, rsi, rbp, rbx, rdx, rax,
  // rcx, rsp: rsp is the sixteenth, and rip follows; the pointer is the twenty-fourth.
  view.setBigUint64(frame + 48 + 15 * 8, rsp, true);
  view.setBigUint64(frame + 48 + 16 * 8, plan.rip ?? 0n, true);
  view.setBigUint64(frame + 48 + 23 * 8, plan.pointer ?? base + BigInt(at), true);
  view.setUint32(at + 464, 0x46505853, true);
  view.setUint32(at + 468, areaBytes + 4, true);
  view.setBigUint64(at + 472, features, true);
  view.setUint32(at + 480, areaBytes, true);
  view.setBigUint64(at + 512, inUse, true);
  if (ymm) bytes.fill(0xab, at + 576, at + 592);
  view.setUint32(at + areaBytes, plan.closing ?? 0x46505845, true);
}

function stackWith(base: bigint, frames: readonly FramePlan[]): Part {
  const content = new Uint8Array(16384);
  for (const frame of frames) putFrame(content, base, frame);
  return { start: base, end: base + 16384n, content };
}

const thread = (rsp: bigint, compat = false): ImageThread => ({
  tid: 7,
  compat,
  rip: 0n,
  rsp,
  xsave: undefined,
});

/** Frames alone. */
function findSignalFrames(space: AddressSpace, of: ImageThread) {
  const stacks = findStacks(space, of);
  return stacks.known ? { known: true, value: stacks.value.frames } : stacks;
}

describe('a signal frame', () => {
  const found = (parts: readonly Part[], rsp: bigint) =>
    findSignalFrames(spaceOf(parts), thread(rsp));

  it('above the stack pointer is found, with what the kernel wrote into it', () => {
    const stack = stackWith(STACK, [{ at: 4096, areaBytes: 2696, features: 0x207n }]);
    expect(found([stack], STACK + 2048n)).toEqual({
      known: true,
      value: [{ tid: 7, areaBytes: 2696, features: 0x207n, inUse: 7n }],
    });
  });

  it('of a handler that has returned lies below, and does not count', () => {
    const stack = stackWith(STACK, [{ at: 4096 }]);
    expect(found([stack], STACK + 8192n)).toEqual({ known: true, value: [] });
  });

  it('over the border of two pages is found', () => {
    const stack = stackWith(STACK, [{ at: 4096 - 448 }]);
    expect(found([stack], STACK)).toMatchObject({ value: [{ areaBytes: 832 }] });
  });

  it('says AVX is in use only where the upper halves hold something', () => {
    const stack = stackWith(STACK, [{ at: 4096, ymm: false }]);
    expect(found([stack], STACK)).toMatchObject({ value: [{ inUse: 3n }] });
  });

  it('on an alternate stack leads to the stack that was interrupted, and to its frame', () => {
    const alternate = stackWith(ALTERNATE, [{ at: 4096, rsp: STACK + 1024n }]);
    const stack = stackWith(STACK, [{ at: 4096, areaBytes: 1088 }]);
    expect(found([alternate, stack], ALTERNATE + 512n)).toMatchObject({
      known: true,
      value: [{ areaBytes: 832 }, { areaBytes: 1088 }],
    });
  });

  it.each<[string, FramePlan]>([
    ['no pointer to it', { at: 4096, pointer: 0n }],
    ['no closing magic', { at: 4096, closing: 0 }],
    ['a size that no area has', { at: 4096, areaBytes: 500 }],
  ])('with %s is none', (_, plan) => {
    const stack = stackWith(STACK, [plan]);
    expect(found([stack], STACK)).toEqual({ known: true, value: [] });
  });

  it('is looked for in pages that were never written without harm', () => {
    const stack: Part = { start: STACK, end: STACK + 8192n };
    expect(found([stack], STACK)).toEqual({ known: true, value: [] });
  });

  it('cannot be looked for in 32-bit code, without the stack, or without its pages', () => {
    const stack = stackWith(STACK, [{ at: 4096 }]);
    const answers = [
      findSignalFrames(spaceOf([stack]), thread(STACK, true)),
      found([stack], 0x1000n),
      found([{ ...stack, flags: 1 }], STACK),
      // Shared memory is in images of its own.
      found([{ start: STACK, end: STACK + 8192n, status: 1 | (1 << 8) }], STACK),
    ];
    expect(answers.map((answer) => answer.known)).toEqual([false, false, false, false]);
  });
});

describe('registers that glibc will load again', () => {
  const LINKER = 0x7f3300000000n;
  const RETURN = LINKER + 0x130an;
  const code: Part = { start: LINKER, end: LINKER + 0x2000n, file: 2, prot: 5 };

  interface ImagePlan {
    /** The stack pointer of the code that saved them, from the begin of the stack; a multiple of 64. */
    readonly at?: number;
    readonly xstateBv?: bigint;
    readonly xcompBv?: bigint;
    readonly caller?: bigint;
    readonly reserved?: bigint;
    readonly mxcsrMask?: number;
  }

  /** The return address below it, 64 bytes, then FXSAVE's 512 and the header. */
  function stackOf(plan: ImagePlan): Part {
    const { at = 4096, xstateBv = 2n, xcompBv = (1n << 63n) | 0xe6n } = plan;
    const content = new Uint8Array(16384);
    const view = new DataView(content.buffer);
    view.setBigUint64(at - 8, plan.caller ?? RETURN, true);
    view.setUint32(at + 64 + 28, plan.mxcsrMask ?? 0xffff, true);
    view.setBigUint64(at + 576, xstateBv, true);
    view.setBigUint64(at + 584, xcompBv, true);
    view.setBigUint64(at + 600, plan.reserved ?? 0n, true);
    return { start: STACK, end: STACK + 16384n, content };
  }

  function found(parts: readonly Part[], rsp: bigint, rip = 0n) {
    const space = spaceOf([...parts, code].sort((a, b) => (a.start < b.start ? -1 : 1)));
    const stacks = findStacks(space, { ...thread(rsp), rip });
    return stacks.known ? findSavedStates(space, { tid: 7 }, stacks.value) : 'unknown';
  }

  const packed = { tid: 7, format: 'compacted', xstateBv: 2n, components: 0xe6n };

  it('are found behind the return address, with what the CPU laid out', () =>
    expect(found([stackOf({})], STACK + 2048n)).toEqual([packed]));

  it('of plain XSAVE have no compacted format: what is in use counts', () =>
    expect(found([stackOf({ xstateBv: 0xe7n, xcompBv: 0n })], STACK)).toEqual([
      { tid: 7, format: 'standard', xstateBv: 0xe7n, components: 0xe7n },
    ]));

  it('are found where the code itself stands between saving and loading', () => {
    const stack = stackOf({ caller: 0n });
    expect(found([stack], STACK + 4096n, RETURN)).toEqual([packed]);
    expect(found([stack], STACK + 4096n, 0x401000n)).toEqual([]);
  });

  it('are found below a handler that has interrupted that code, on another stack', () => {
    const stack = stackOf({ caller: 0n });
    const alternate = stackWith(ALTERNATE, [{ at: 4096, rsp: STACK + 4096n, rip: RETURN }]);
    expect(found([alternate, stack], ALTERNATE + 512n)).toEqual([packed]);
  });

  it.each<[string, ImagePlan]>([
    ['a caller that is no code', { caller: STACK }],
    ['no component', { xcompBv: 1n << 63n, xstateBv: 0n }],
    ['content without a place', { xstateBv: 0x207n }],
    ['a header that glibc has not cleared', { reserved: 1n }],
    ['another XCOMP_BV than there is', { xcompBv: 2n }],
    ['plain XSAVE without MXCSR_MASK', { xcompBv: 0n, mxcsrMask: 0 }],
    ['plain XSAVE with a mask that no CPU has', { xcompBv: 0n, mxcsrMask: 0xffff0000 }],
    ['a stack pointer that is no multiple of 64', { at: 4096 + 8 }],
  ])('are none with %s', (_, plan) => expect(found([stackOf(plan)], STACK)).toEqual([]));

  it('of a binding that is done lie below the stack pointer, and do not count', () =>
    expect(found([stackOf({})], STACK + 8192n)).toEqual([]));

  it("at a stack's end are cut off without harm", () =>
    expect(found([stackOf({ at: 16384 - 640 })], STACK)).toEqual([packed]));
});

const BASE = 0x7f2200000000n;
const CODE = 0x1000;
const DATA = 0x3000;
const GOT = 0x5000n;

type Way = 'xsave' | 'xsavec';

/** sub size(%rip),%rsp; mov $mask,%eax; xsave disp8(%rsp) */
function trampoline(at: number, way: Way, { sizeAt = DATA, mask = 0xee, areaAt = 0x40 } = {}) {
  const bytes = Buffer.alloc(64, 0x90);
  bytes.set([0xf3, 0x0f, 0x1e, 0xfa, 0x53, 0x48, 0x89, 0xe3, 0x48, 0x83, 0xe4, 0xc0]);
  bytes.set([0x48, 0x2b, 0x25], 12);
  bytes.writeInt32LE(sizeAt - (at + 19), 15);
  bytes.set([0xb8], 24);
  bytes.writeUInt32LE(mask, 25);
  bytes.set(way === 'xsave' ? [0x0f, 0xae, 0x64, 0x24] : [0x0f, 0xc7, 0x64, 0x24], 40);
  bytes.set([areaAt], 44);
  return bytes;
}

const XSAVE_AT = CODE + 256;
const XSAVEC_AT = CODE + 1024;

/** A linker of one code segment, with a table of dynamic symbols. */
function elf(symbol: string, code: readonly (readonly [number, Uint8Array])[]): ElfFile {
  const bytes = Buffer.alloc(0x2000);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  bytes.writeUInt16LE(62, 18);
  bytes.writeUInt32LE(64, 32);
  bytes.writeUInt32LE(0x200, 40);
  bytes.writeUInt16LE(56, 54);
  bytes.writeUInt16LE(1, 56);
  bytes.writeUInt16LE(64, 58);
  bytes.writeUInt16LE(3, 60);
  bytes.writeUInt32LE(1, 64);
  bytes.writeUInt32LE(5, 68);
  bytes.writeUInt32LE(CODE, 72);
  bytes.writeUInt32LE(CODE, 80);
  bytes.writeUInt32LE(0x1000, 96);
  // Sections: none, .dynsym with two entries, .dynstr.
  bytes.writeUInt32LE(11, 0x240 + 4);
  bytes.writeUInt32LE(0x400, 0x240 + 24);
  bytes.writeUInt32LE(48, 0x240 + 32);
  bytes.writeUInt32LE(2, 0x240 + 40);
  bytes.writeUInt32LE(0x500, 0x280 + 24);
  bytes.writeUInt32LE(1, 0x400 + 24);
  bytes.write(symbol, 0x501, 'latin1');
  for (const [at, part] of code) bytes.set(part, at);
  const file = ElfFile.open(new Uint8Array(bytes));
  if (file === undefined) throw new Error('no ELF');
  return file;
}

const GLIBC = elf('_rtld_global_ro', [
  [XSAVE_AT, trampoline(XSAVE_AT, 'xsave')],
  [XSAVEC_AT, trampoline(XSAVEC_AT, 'xsavec')],
]);

/** The linker's data with the size, and a program's GOT with the address of what was chosen. */
function processWith(size: bigint, chosen: number | undefined, dataIsDumped = true): AddressSpace {
  const data = new Uint8Array(4096);
  new DataView(data.buffer).setBigUint64(0, size, true);
  const got = new Uint8Array(4096);
  if (chosen !== undefined) new DataView(got.buffer).setBigUint64(16, BASE + BigInt(chosen), true);
  return spaceOf([
    { start: 0x400000n + GOT, end: 0x401000n + GOT, file: 1, content: got },
    { start: BASE, end: BASE + BigInt(DATA), file: 2, prot: 5 },
    {
      start: BASE + BigInt(DATA),
      end: BASE + BigInt(DATA) + 4096n,
      file: 2,
      ...(dataIsDumped ? { content: data } : {}),
    },
  ]);
}

function findLazyBinding(space: AddressSpace, base: bigint, linker: ElfFile) {
  return readGlibc(space, base, linker, []).lazyBinding;
}

describe("glibc's way to bind lazily", () => {
  const way = (instruction: Way) => ({ instruction, areaBytes: 832, components: 0xeen });

  it.each([
    ['plain XSAVE', XSAVE_AT, { kind: 'chosen', ways: [way('xsave')] }],
    ['XSAVEC', XSAVEC_AT, { kind: 'chosen', ways: [way('xsavec')] }],
    ['none yet', undefined, { kind: 'idle', ways: [way('xsave'), way('xsavec')] }],
  ] as const)('%s, by the address in the GOT and the size in memory', (_, chosen, value) => {
    const answer = findLazyBinding(processWith(896n, chosen), BASE, GLIBC);
    expect(answer).toEqual({ known: true, value });
  });

  it('is FXSAVE where glibc found no XSAVE', () => {
    const answer = findLazyBinding(processWith(0n, undefined), BASE, GLIBC);
    expect(answer).toEqual({ known: true, value: { kind: 'none' } });
  });

  it("is none with musl, and can't be told with others", () => {
    const space = processWith(896n, XSAVE_AT);
    const musl = findLazyBinding(space, BASE, elf('__libc_start_main', []));
    expect(musl).toEqual({ known: true, value: { kind: 'none' } });
    expect(findLazyBinding(space, BASE, elf('other', [])).known).toBe(false);
  });

  it("can't be told without the page that holds the size, or with code of another form", () => {
    expect(findLazyBinding(processWith(896n, XSAVE_AT, false), BASE, GLIBC).known).toBe(false);
    const empty = elf('_rtld_global_ro', []);
    expect(findLazyBinding(processWith(896n, XSAVE_AT), BASE, empty).known).toBe(false);
    expect(findLazyBinding(processWith(1n << 40n, XSAVE_AT), BASE, GLIBC).known).toBe(false);
  });
});

describe('what glibc keeps', () => {
  const sizes = (size: bigint, chosen: number | undefined, rips: readonly bigint[] = []) =>
    readGlibc(
      processWith(size, chosen),
      BASE,
      GLIBC,
      rips.map((rip, place) => ({ tid: place + 7, rip })),
    ).keptSizes;
  const kept = (instruction: Way, between: readonly number[] = []) => ({
    instruction,
    areaBytes: 832,
    components: 0xeen,
    address: BASE + BigInt(DATA),
    bytes: 896,
    between,
  });

  it('is found of all code, whichever is chosen, with its place', () => {
    for (const chosen of [XSAVE_AT, XSAVEC_AT, undefined])
      expect(sizes(896n, chosen)).toEqual({ known: true, value: [kept('xsave'), kept('xsavec')] });
    expect(sizes(0n, undefined)).toEqual({ known: true, value: [] });
  });

  // The code of trampoline() takes its stack at 12, in 7 bytes, and saves at 40.
  it.each([
    ['before it takes its stack', 12n, []],
    ['when it has taken its stack', 19n, [7]],
    ['when it is about to save', 40n, [7]],
    ['when it has saved', 45n, []],
  ] as const)('names a thread %s, or not', (_, place, between) => {
    const rip = BASE + BigInt(XSAVEC_AT) + place;
    expect(sizes(896n, XSAVEC_AT, [rip])).toEqual({
      known: true,
      value: [kept('xsave'), kept('xsavec', between)],
    });
  });

  it("can't be told where the way can't", () => {
    const memory = readGlibc(processWith(896n, XSAVE_AT, false), BASE, GLIBC, []);
    expect(memory.keptSizes.known).toBe(false);
  });
});

describe('an ELF file', () => {
  it.each<[string, (bytes: Uint8Array) => void]>([
    ['of 32 bits', (bytes) => bytes.set([1], 4)],
    ['of big-endian machines', (bytes) => bytes.set([2], 5)],
    ['of another machine', (bytes) => bytes.set([183], 18)],
    ['that is none', (bytes) => bytes.set([0], 0)],
  ])('%s is refused', (_, damage) => {
    const bytes = GLIBC.bytes.slice();
    damage(bytes);
    expect(ElfFile.open(bytes)).toBeUndefined();
  });

  it('that is cut off anywhere gives less, and no error', () => {
    for (let length = 0; length < GLIBC.bytes.length; length += 7) {
      const cut = ElfFile.open(GLIBC.bytes.slice(0, length));
      if (cut !== undefined) findLazyBinding(processWith(896n, XSAVE_AT), BASE, cut);
    }
  });
});

describe('CPUID as glibc keeps it', () => {
  const HOLD = 0x7f2200000000n;
  /** Of a Haswell: leaf 1 EAX, family 6, model 60, stepping 4. */
  const HASWELL_BASIC = [1, 13, 6, 60, 4];
  const LEAF_1 = [0x306c4, 0x00100800, 0x7fdafbff, 0xbfebfbff, 0, 0, 0x7ed83203, 0x17888110];
  const LEAF_7 = [0, 0x000027ab, 0, 0x9c000000, 0, 0x00000328, 0, 0];
  const KEPT = [...HASWELL_BASIC, ...LEAF_1, ...LEAF_7, ...Array.from({ length: 40 }, () => 0)];

  function words(at: number, list: readonly number[], bytes = 8192): Uint8Array {
    const content = new Uint8Array(bytes);
    const view = new DataView(content.buffer);
    for (const [place, word] of list.entries()) view.setUint32(at + place * 4, word, true);
    return content;
  }
  const library = (content?: Uint8Array, file = 2): Part[] => [
    { start: HOLD, end: HOLD + 4096n, file: 2, prot: 5 },
    {
      start: HOLD + 4096n,
      end: HOLD + 4096n + BigInt(content?.length ?? 4096),
      file,
      ...(content === undefined ? {} : { content }),
    },
  ];
  const found = (content?: Uint8Array, file?: number) =>
    findKeptCpuid(spaceOf(library(content, file)), HOLD);
  const changed = (place: number, value: number) => KEPT.with(place, value);

  it.each([0, 4, 3900, 4000, 7900])('is found %d bytes into the data', (at) => {
    const answer = found(words(at, KEPT));
    if (!answer.known) throw new Error(answer.reason);
    const { leaves, xcr0 } = answer.value;
    expect(findLeaf(leaves, 1, 0)).toEqual({
      leaf: 1,
      subleaf: 0,
      eax: 0x306c4,
      ebx: 0x100800,
      ecx: 0x7fdafbff,
      edx: 0xbfebfbff,
    });
    expect(findLeaf(leaves, 7, 0)?.ebx).toBe(0x27ab);
    // "Genu", "ineI", "ntel".
    expect(findLeaf(leaves, 0, 0)).toMatchObject({ eax: 13, ebx: 0x756e6547, edx: 0x49656e69 });
    // AVX is usable, so its state is enabled; AVX-512 isn't there.
    expect(xcr0.value).toBe(7n);
    expect(xcr0.known & 0xe4n).toBe(0xe4n);
    expect(findLeaf(leaves, 0x19, 0)).toBeUndefined();
  });

  it('is found behind a megabyte of other data', () => {
    const far = (1 << 20) - 60;
    expect(found(words(far, KEPT, 2 << 20)).known).toBe(true);
  });

  it.each<[string, readonly number[]]>([
    ['with another family than leaf 1 tells', changed(2, 15)],
    ['with another model', changed(3, 61)],
    ['with another stepping', changed(4, 5)],
    ['with another signature in leaf 1', changed(5, 0x306c3)],
    ['of a vendor without a decoded family', [5, 13, 0, 0, 0, ...KEPT.slice(5)]],
    ['with an unlikely highest leaf', changed(1, 0x80000008)],
    ['where more is usable than there is', changed(11, 0x80000000)],
    ['where an address is usable', changed(9, 1)],
    ['of zeros', KEPT.map(() => 0)],
  ])('is not what looks alike %s', (_, list) => {
    expect(found(words(64, list)).known).toBe(false);
  });

  it("isn't told by two answers, by another file's data, or where pages are missing", () => {
    const two = words(0, KEPT);
    two.set(words(0, changed(20, 7), 4096).subarray(0, 1000), 2000);
    expect(found(two)).toMatchObject({
      known: false,
      reason: 'its memory holds two answers of CPUID',
    });
    expect(found(words(0, KEPT), 3).known).toBe(false);
    expect(found().known).toBe(false);
    expect(findKeptCpuid(spaceOf(library(words(0, KEPT))), 0n).known).toBe(false);
  });

  const AT_BASE = 7n;
  /** Where the kernel has mapped this process's dynamic linker; 0n: none, or no Linux. */
  function ownLinker(): bigint {
    if (process.platform !== 'linux' || process.arch !== 'x64') return 0n;
    const bytes = readFileSync('/proc/self/auxv');
    const list = new BigUint64Array(new Uint8Array(bytes).buffer);
    for (let at = 0; at + 1 < list.length; at += 2)
      if (list[at] === AT_BASE) return list[at + 1] ?? 0n;
    return 0n;
  }
  const LINKER = '/lib64/ld-linux-x86-64.so.2';
  function diagnostics(): string {
    try {
      return execFileSync(LINKER, ['--list-diagnostics'], { encoding: 'utf8', stdio: 'pipe' });
    } catch {
      return '';
    }
  }

  it("in this process's own memory it is what its linker prints", (context) => {
    const base = ownLinker();
    const printed = diagnostics();
    if (base === 0n || !printed.includes('x86.cpu_features')) return context.skip();
    const maps = readFileSync('/proc/self/maps', 'utf8').trim().split('\n');
    const lines = maps.map((line) => /^(\w+)-(\w+) (....) \w+ \S+ (\d+)/.exec(line) ?? []);
    const first = lines.find(([, start]) => BigInt(`0x${start}`) === base);
    const memory = openSync('/proc/self/mem', 'r');
    const parts = lines
      .filter(([, , , , inode]) => inode === first?.[4])
      .map(([, from, to, rights = '']): Part => {
        const [start, end] = [BigInt(`0x${from}`), BigInt(`0x${to}`)];
        const content = new Uint8Array(Number(end - start));
        readSync(memory, content, { position: start });
        return { start, end, file: 2, prot: rights.includes('x') ? 5 : 1, content };
      });
    closeSync(memory);
    const answer = findKeptCpuid(spaceOf(parts), base);
    if (!answer.known) throw new Error(answer.reason);
    const word = (index: number, register: number) => {
      const name = `x86.cpu_features.features[0x${index}].cpuid[0x${register}]=`;
      const [, value] =
        new RegExp(`^${name.replace(/[[\].]/g, '\\$&')}0x(\\w+)$`, 'm').exec(printed) ?? [];
      return Number.parseInt(value ?? 'nothing', 16);
    };
    const { leaves } = answer.value;
    for (const [index, leaf] of [0x1, 0x7, 0x80000001].entries()) {
      const row = findLeaf(leaves, leaf, 0);
      expect([row?.eax, row?.ecx, row?.edx]).toEqual([
        word(index, 0),
        word(index, 2),
        word(index, 3),
      ]);
    }
    expect(findLeaf(leaves, 7, 0)?.ebx).toBe(word(1, 1));
    expect(findLeaf(leaves, 7, 1)?.eax).toBe(word(6, 0));
  });
});
