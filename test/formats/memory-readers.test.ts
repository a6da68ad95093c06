/** Signal frames and glibc's trampolines in memory made by hand, by the kernel's and glibc's layout. */
import { describe, expect, it } from 'vitest';
import { openInput } from '../../src/formats/format.js';
import { AddressSpace } from '../../src/formats/images/address-space.js';
import { ElfFile } from '../../src/formats/images/elf.js';
import { findLazyBinding } from '../../src/formats/images/lazy-binding.js';
import { readMemoryMap, readPageMap } from '../../src/formats/images/memory-map.js';
import { findSignalFrames } from '../../src/formats/images/signal-frames.js';
import type { ImageThread } from '../../src/model/image-folder.js';
import { type MappingPlan, mm } from './image-bytes.js';
import { pagemapImage } from './image-pages.js';

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
  return new AddressSpace(readMemoryMap(openInput('mm', mm(parts))), map, (offset, length) =>
    offset + length <= pages.length ? pages.subarray(offset, offset + length) : undefined,
  );
}

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
  readonly pointer?: bigint;
  readonly closing?: number;
}

/** struct rt_sigframe and the XSAVE area above it (asm/sigframe.h, uapi/asm/sigcontext.h). */
function putFrame(bytes: Uint8Array, base: bigint, plan: FramePlan): void {
  const { at, areaBytes = 832, features = 7n, inUse = 7n, ymm = true, rsp = base + 0xf00n } = plan;
  const view = new DataView(bytes.buffer);
  const frame = at - 448;
  // pretcode, uc_flags, uc_link, uc_stack: 8 + 8 + 8 + 24; then r8 … r15, rdi, rsi, rbp, rbx, rdx, rax,
  // rcx, rsp: rsp is the sixteenth; the pointer is the twenty-fourth.
  view.setBigUint64(frame + 48 + 15 * 8, rsp, true);
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
    ];
    expect(answers.map((answer) => answer.known)).toEqual([false, false, false]);
  });
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
