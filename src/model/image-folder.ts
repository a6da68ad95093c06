/**
 * What a folder of CRIU images tells about the tasks in it: values only, read by formats/images and
 * enforce/image-folder. What can't be told says why.
 */
import type { DumpRecord } from './dump-record.js';
import type { Host } from './host.js';
import type { LeafTable } from './leaves.js';
import type { Known64 } from './registers.js';

/** Known, or the reason in words that end a sentence ("… can't be told: <reason>"). */
export type Told<T> =
  | { readonly known: true; readonly value: T }
  | { readonly known: false; readonly reason: string };

export interface ThreadXsave {
  /** As the kernel gave it: components that weren't in their initial state. */
  readonly xstateBv: bigint;
  /** Those of them whose content isn't the initial one; XSTATE_BV may name more. */
  readonly inUse: bigint;
  /** Those of them that the image has no content of: CRIU doesn't know them. */
  readonly lost: bigint;
}

export interface ImageThread {
  readonly tid: number;
  /** 32-bit code. */
  readonly compat: boolean;
  readonly rip: bigint;
  readonly rsp: bigint;
  /** Undefined: FXSAVE's state alone, of a host without XSAVE. */
  readonly xsave: ThreadXsave | undefined;
}

/** A signal frame with XSAVE state that lies in a stack: a handler is running. */
export interface SignalFrame {
  readonly tid: number;
  /** Bytes of its XSAVE area, as the kernel wrote them down (sw_reserved.xstate_size). */
  readonly areaBytes: number;
  /** Components that the kernel says it holds, and those that aren't in their initial state. */
  readonly features: bigint;
  readonly inUse: bigint;
}

/** An XSAVE image in a stack that code of the thread will load, whatever a mask has shown. */
export interface SavedState {
  readonly tid: number;
  readonly format: 'compacted' | 'standard';
  /** Components that it has content of. */
  readonly xstateBv: bigint;
  /** Components that it has a place for: of the standard format those with content. */
  readonly components: bigint;
}

/** One piece of glibc's code that saves registers on the stack. */
export interface SaveWay {
  readonly instruction: 'xsave' | 'xsavec';
  /** Room for an XSAVE area on the stack, by what glibc keeps of CPUID 0xD. */
  readonly areaBytes: number;
  /** Components that it asks the CPU to save. */
  readonly components: bigint;
}

/** What glibc in a process keeps of CPUID 0xD for one piece of its code that saves registers. */
export interface KeptSize extends SaveWay {
  /** Where the size is, in the memory of the process; several may share one. */
  readonly address: bigint;
  /** The size: bytes of stack that the code takes. */
  readonly bytes: number;
  /** Threads that have taken their stack by it, and haven't saved yet. */
  readonly between: readonly number[];
}

/** How the dynamic linker of a process saves registers while it binds a function. */
export type LazyBinding =
  /** No glibc there that could bind, or one that found no XSAVE and saves with FXSAVE. */
  | { readonly kind: 'none' }
  /** All that some object of the process has its address of. */
  | { readonly kind: 'chosen'; readonly ways: readonly SaveWay[] }
  /** No function of the process binds lazily now; what it loads later may, in one of these ways. */
  | { readonly kind: 'idle'; readonly ways: readonly SaveWay[] };

/** CPUID as a process's glibc (from 2.32 on) read it at the process's start, through a mask or not. */
export interface KeptCpuid {
  /** The leaves that glibc keeps; leaf 0 and the signature as it has decoded them. */
  readonly leaves: LeafTable;
  /** As far as glibc's choices tell it. */
  readonly xcr0: Known64;
}

/** What keeps an image from giving what it should. */
export interface ImageGap {
  /** Its name in the folder; in that of a dump before behind "parent/". */
  readonly file: string;
  /**
   * - size: it has not as many pages as its map says.
   * - form: it holds entries of a form that isn't known.
   * - base: it lacks pages that a later dump leaves to it.
   */
  readonly gap: 'missing' | 'size' | 'form' | 'base';
}

export interface ImageProcess {
  readonly pid: number;
  readonly comm: string;
  /** Zombies have no registers and no memory. */
  readonly isAlive: boolean;
  /** By SIGSTOP or the like, when it was dumped. */
  readonly isStopped: boolean;
  readonly threads: readonly ImageThread[];
  /** AT_… → value, as the process has seen it at its start. */
  readonly auxv: ReadonlyMap<number, bigint>;
  /** End of the highest mapping; 0 without memory. */
  readonly highestAddress: Told<bigint>;
  readonly signalFrames: Told<readonly SignalFrame[]>;
  readonly savedStates: Told<readonly SavedState[]>;
  readonly lazyBinding: Told<LazyBinding>;
  /** Of all of glibc's code, whether or not an object uses it. */
  readonly keptSizes: Told<readonly KeptSize[]>;
  readonly keptCpuid: Told<KeptCpuid>;
  /** Of the images of its memory. */
  readonly gaps: readonly ImageGap[];
}

/** Sizes of one process's glibc that are made larger while it stands still in its restore. */
export interface Repair {
  readonly pid: number;
  readonly comm: string;
  /** Each in its place once, in bytes. */
  readonly sizes: readonly {
    readonly address: bigint;
    readonly before: number;
    readonly after: number;
  }[];
}

export interface ImageFolder {
  /** As the user gave it. */
  readonly name: string;
  readonly rootPid: number;
  readonly processes: readonly ImageProcess[];
  /** cpuinfo.img: the CPU in the few words that CRIU has for it. */
  readonly cpuinfo: Host | undefined;
  /** What `cpugate dump` wrote beside the images, if it belongs to them. */
  readonly record: DumpRecord | undefined;
  /** Of images that all processes share. */
  readonly gaps: readonly ImageGap[];
  /** Fingerprint of the images, which a record has to name. */
  readonly fingerprint: string;
  /** What the reader noticed; for people. */
  readonly remarks: readonly string[];
}
