/**
 * How a dumped process's glibc saves registers when it binds a function lazily. ld.so holds a
 * trampoline for each way, all alike but for one instruction:
 *
 *     sub  size(%rip), %rsp      room on the stack: what CPUID 0xD said at start, and 64 bytes
 *     mov  $components, %eax
 *     xsave 0x40(%rsp)           or xsavec
 *
 * and puts the address of the one that it chose into every object's third GOT entry. So the code, in
 * the file of ld.so, tells where the size is kept; the dumped memory holds the size and the entries.
 * No offset in a structure of glibc's has to be known, and stripped files will do.
 * Source: glibc sysdeps/x86_64/dl-trampoline.h, sysdeps/x86_64/dl-machine.h.
 */
import type { KeptSize, LazyBinding, SaveWay, Told } from '../../model/image-folder.js';
import type { AddressSpace } from './address-space.js';
import type { ElfFile } from './elf.js';

/** sub disp32(%rip), %rsp */
const SUB_RSP = [0x48, 0x2b, 0x25] as const;
const SUB_BYTES = 7;
/** From there to the saving instruction, and back to the function's begin. */
const REACH = 256;
const PROLOGUE = 32;
const MOV_EAX = 0xb8;
const PROT_EXEC = 4;
const CHUNK = 1 << 20;
/** No CPU has an area of a megabyte. */
const LARGEST_SIZE = 0x100000n;

interface Trampoline {
  readonly instruction: SaveWay['instruction'];
  /** Of the sub instruction, in the file's addresses. */
  readonly at: number;
  /** Of the saving instruction. */
  readonly savesAt: number;
  /** Of the size. */
  readonly sizeAt: number;
  /** Of the area, from the stack pointer. */
  readonly areaAt: number;
  readonly components: bigint;
}

/** xsave or xsavec disp(%rsp): the displacement, and which. */
function savingInstruction(
  code: DataView,
  at: number,
): Pick<Trampoline, 'instruction' | 'areaAt'> | undefined {
  if (code.getUint8(at) !== 0x0f) return undefined;
  const opcode = code.getUint8(at + 1);
  if (opcode !== 0xae && opcode !== 0xc7) return undefined;
  const instruction = opcode === 0xae ? 'xsave' : 'xsavec';
  if (code.getUint8(at + 3) !== 0x24) return undefined;
  if (code.getUint8(at + 2) === 0x64) return { instruction, areaAt: code.getInt8(at + 4) };
  if (code.getUint8(at + 2) === 0xa4) return { instruction, areaAt: code.getInt32(at + 4, true) };
  return undefined;
}

function trampolineAt(code: DataView, at: number, address: number): Trampoline | undefined {
  const sizeAt = address + SUB_BYTES + code.getInt32(at + 3, true);
  let components: bigint | undefined;
  for (let next = at + SUB_BYTES; next < at + REACH && next + 8 <= code.byteLength; next++) {
    if (code.getUint8(next) === MOV_EAX && components === undefined)
      components = BigInt(code.getUint32(next + 1, true));
    const found = savingInstruction(code, next);
    if (found === undefined) continue;
    if (components === undefined || found.areaAt < 0) return undefined;
    return { ...found, at: address, savesAt: address + next - at, sizeAt, components };
  }
  return undefined;
}

/** All trampolines of a dynamic linker. */
function findTrampolines(linker: ElfFile): Trampoline[] {
  return linker.segments
    .filter(({ isExecutable }) => isExecutable)
    .flatMap(({ address, offset, fileBytes }) => {
      const part = linker.bytes.subarray(offset, offset + fileBytes);
      const code = new DataView(part.buffer, part.byteOffset, part.byteLength);
      const found: Trampoline[] = [];
      for (let at = part.indexOf(SUB_RSP[0]); at >= 0; at = part.indexOf(SUB_RSP[0], at + 1)) {
        if (part[at + 1] !== SUB_RSP[1] || part[at + 2] !== SUB_RSP[2]) continue;
        if (at + SUB_BYTES > part.length) break;
        const trampoline = trampolineAt(code, at, address + at);
        if (trampoline !== undefined) found.push(trampoline);
      }
      return found;
    });
}

/** Those that some GOT points to: to an address a little before the sub instruction. */
function findChosen(
  space: AddressSpace,
  base: bigint,
  trampolines: readonly Trampoline[],
): Set<Trampoline> | undefined {
  const chosen = new Set<Trampoline>();
  // Addresses fit into a number's 53 bits, and BigInts would take minutes for a large process.
  const ends = trampolines.map((trampoline) => ({
    trampoline,
    end: Number(base) + trampoline.at,
  }));
  for (const { start, end, kind, prot } of space.mappings) {
    if (kind !== 'file' || (prot & PROT_EXEC) !== 0) continue;
    for (const part of space.dumpedParts(start, end))
      for (let at = part.start; at < part.end; at += BigInt(CHUNK)) {
        const length = Number(part.end - at < BigInt(CHUNK) ? part.end - at : BigInt(CHUNK));
        const bytes = space.read(at, length);
        if (bytes === undefined) return undefined;
        const view = new DataView(bytes.buffer);
        for (let place = 0; place + 8 <= length; place += 8) {
          const value = view.getUint32(place + 4, true) * 2 ** 32 + view.getUint32(place, true);
          for (const { trampoline, end } of ends)
            if (value < end && value >= end - PROLOGUE) chosen.add(trampoline);
        }
      }
  }
  return chosen;
}

interface SizedWay extends SaveWay {
  readonly trampoline: Trampoline;
  readonly stackBytes: number;
}

/** With the sizes that were written at start; undefined: a page that isn't dumped should hold one. */
function readSizes(
  space: AddressSpace,
  base: bigint,
  trampolines: readonly Trampoline[],
): SizedWay[] | undefined {
  const ways: SizedWay[] = [];
  for (const trampoline of trampolines) {
    const { instruction, components, sizeAt, areaAt } = trampoline;
    const size = space.u64(base + BigInt(sizeAt));
    if (size === undefined || size > LARGEST_SIZE) return undefined;
    const areaBytes = Math.max(0, Number(size) - areaAt);
    ways.push({ trampoline, stackBytes: Number(size), instruction, areaBytes, components });
  }
  return ways;
}

/** Where a thread's code stands, or stood when a handler interrupted it. */
export interface ThreadAt {
  readonly tid: number;
  readonly rip: bigint;
}

function keptSize(
  { trampoline, stackBytes, ...way }: SizedWay,
  base: bigint,
  threads: readonly ThreadAt[],
): KeptSize {
  const first = base + BigInt(trampoline.at + SUB_BYTES);
  const last = base + BigInt(trampoline.savesAt);
  return {
    ...way,
    address: base + BigInt(trampoline.sizeAt),
    bytes: stackBytes,
    between: threads.filter(({ rip }) => rip >= first && rip <= last).map(({ tid }) => tid),
  };
}

function withoutPlace({ instruction, areaBytes, components }: SizedWay): SaveWay {
  return { instruction, areaBytes, components };
}

function unknown(reason: string): Told<never> {
  return { known: false, reason };
}

export interface GlibcMemory {
  readonly lazyBinding: Told<LazyBinding>;
  readonly keptSizes: Told<readonly KeptSize[]>;
}

export function bothUnknown(reason: string): GlibcMemory {
  return { lazyBinding: unknown(reason), keptSizes: unknown(reason) };
}

/** A process in which nothing binds. */
export const BINDS_NOTHING: GlibcMemory = {
  lazyBinding: { known: true, value: { kind: 'none' } },
  keptSizes: { known: true, value: [] },
};

/** `linker`: the file that is mapped at `base` (AT_BASE), known to be the one that was dumped. */
export function readGlibc(
  space: AddressSpace,
  base: bigint,
  linker: ElfFile,
  threads: readonly ThreadAt[],
): GlibcMemory {
  if (!linker.hasDynamicSymbol('_rtld_global_ro')) {
    // musl's linker is its libc, and binds everything at start.
    const isMusl = linker.hasDynamicSymbol('__libc_start_main');
    return isMusl ? BINDS_NOTHING : bothUnknown("the dynamic linker isn't glibc's");
  }
  const trampolines = findTrampolines(linker);
  if (trampolines.length === 0) return bothUnknown("this glibc's trampolines have another form");
  const ways = readSizes(space, base, trampolines);
  if (ways === undefined) return bothUnknown("the images lack the pages of glibc's own data");
  // Without XSAVE, or saved with FXSAVE.
  if (ways.every(({ stackBytes }) => stackBytes === 0)) return BINDS_NOTHING;
  const sizes = ways.map((way) => keptSize(way, base, threads));
  return {
    lazyBinding: bindingOf(ways, findChosen(space, base, trampolines)),
    keptSizes: { known: true, value: sizes },
  };
}

function bindingOf(
  ways: readonly SizedWay[],
  chosen: ReadonlySet<Trampoline> | undefined,
): Told<LazyBinding> {
  if (chosen === undefined)
    return unknown('the images lack pages that hold addresses of functions');
  const used = ways.filter(({ trampoline }) => chosen.has(trampoline)).map(withoutPlace);
  return {
    known: true,
    value:
      used.length > 0
        ? { kind: 'chosen', ways: used }
        : { kind: 'idle', ways: ways.map(withoutPlace) },
  };
}
