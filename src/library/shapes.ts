/**
 * What programs are given and give. The compiler holds the reports of the rooms below to these shapes,
 * and schemas/ describes the same as JSON. Sizes are bytes, registers are unsigned 32-bit numbers,
 * 64-bit masks (XCR0) are hexadecimal text; null: the source doesn't tell. A minor release may add
 * fields, codes of findings, features, models and targets.
 */

import type { TargetName } from '../export/target-names.js';
import type { Mode } from '../rules/mode-names.js';

/**
 * - system: an operating system was there, and what it enabled is known.
 * - cpu: a CPU's answers alone; what Linux would enable is derived.
 * - model: a CPU model or level of x86-64; it has exactly what it lists.
 */
export type HostKind = 'system' | 'cpu' | 'model';

/** A level of the x86-64 psABI. */
export type Level = 'x86-64-v1' | 'x86-64-v2' | 'x86-64-v3' | 'x86-64-v4';

/** From good to bad; unknown is worse than at-risk, since it may hide a blocker. */
export type Verdict = 'compatible' | 'at-risk' | 'unknown' | 'incompatible';

export type Severity = 'blocker' | 'unknown' | 'risk' | 'info';

/** A host that was read. Only this library makes one; what it shows tells describeHost. */
export interface Host {
  /** What reports call it. */
  readonly name: string;
  /** The format that it was read from. */
  readonly format: string;
  readonly kind: HostKind;
  /** What its reader noticed, a sentence each. */
  readonly remarks: readonly string[];
}

export interface ReadOptions {
  /** What errors and reports call it; by default a profile's own name, or "input". */
  readonly name?: string;
}

/** The formats that writeHost takes. */
export type HostFormat = 'profile' | 'cpuid-raw' | 'criu' | 'libvirt-cpudata' | 'proc-cpuinfo';

export interface Written<Content = string | Uint8Array> {
  /** Bytes where the format is no text. */
  readonly content: Content;
  /** What of the host isn't in it, without harm; a sentence each. */
  readonly remarks: readonly string[];
}

/** A CPU model or level that readModel takes by its name or an alias. */
export interface Model {
  readonly name: string;
  readonly title: string;
  readonly aliases: readonly string[];
}

/** schemas/show-report.schema.json */
export interface HostReport {
  readonly schemaVersion: number;
  readonly name: string;
  readonly format: string;
  readonly kind: HostKind;
  readonly vendor: string | null;
  readonly family: number | null;
  readonly model: number | null;
  readonly stepping: number | null;
  readonly brand: string | null;
  /** Null: not even x86-64-v1, as far as is known. */
  readonly level: Level | null;
  /** A higher level can't be excluded for lack of data. */
  readonly levelMayBeHigher: boolean;
  /** Those that count: the bit, what it needs, and what the operating system must enable. */
  readonly features: readonly string[];
  /** Features that tasks would see, and of which the source doesn't tell. */
  readonly unknown: readonly string[];
  readonly xsave: {
    readonly xcr0: string | null;
    /** The area in the standard format with all that is enabled. */
    readonly size: number | null;
    readonly components: readonly {
      readonly bit: number;
      readonly name: string;
      readonly size: number | null;
      readonly offset: number | null;
    }[];
    /** Whether the source tells what the operating system enabled. */
    readonly basis: 'read' | 'derived';
    /** What Linux would make of it. */
    readonly linux: { readonly xcr0: string | null; readonly size: number | null };
    readonly compactedSize: number | null;
  };
  /** Logical CPUs. */
  readonly cpus: number;
  /** Lists of CPUs that answer alike: "0-15,32". */
  readonly cpuGroups: readonly string[];
  readonly cacheLineBytes: number | null;
  readonly addressBits: { readonly linear: number | null; readonly physical: number | null };
  /** Rate of the time stamp counter as CPUID has it. */
  readonly tscHz: number | null;
  /** AMX's tiles, by the names of schemas/show-report.schema.json. */
  readonly tiles: Readonly<Record<string, number>> | null;
  /** Hexadecimal: leaf 0 EAX, 7.0 EAX and 0x80000000 EAX. */
  readonly highestLeaves: Readonly<Record<string, string | null>>;
  /** What the kernel gives or does, and no bit of CPUID has; null: unknown. */
  readonly kernelFacts: Readonly<Record<string, boolean | null>>;
  readonly system: {
    readonly kernel: string | null;
    readonly microcode: string | null;
    readonly glibc: string | null;
    readonly glibcLevel: number | null;
    readonly hypervisor: string | null;
    readonly cpuidFaulting: { readonly works: boolean; readonly reason: string } | null;
    readonly hwcap: string | null;
    readonly hwcap2: string | null;
    /** AT_MINSIGSTKSZ. */
    readonly minSigStackBytes: number | null;
  };
  /** What is odd about it, a sentence each. */
  readonly odd: readonly string[];
}

export interface CompareOptions {
  /** What counts; default: portable. "criu:fpu,ins" predicts `criu --cpu-cap=fpu,ins`. */
  readonly mode?: Mode | `criu:${string}`;
  /** Features and state components whose blockers the user takes on himself. */
  readonly allow?: readonly string[];
  /** The tasks were started under it, and saw no more than it shows. */
  readonly mask?: Baseline;
  /** What the report calls the mask; default: "mask". */
  readonly maskName?: string;
}

export interface HostIdentity {
  readonly name: string;
  readonly kind: HostKind;
  readonly vendor: string | null;
  readonly family: number | null;
  readonly model: number | null;
  readonly stepping: number | null;
  readonly brand: string | null;
}

export type Fact = string | number | boolean | null | readonly Fact[];

export interface Finding {
  /** What was found: "instruction-missing"; docs/checking.md explains each. */
  readonly code: string;
  readonly severity: Severity;
  /** Canonical name, where it is about one feature. */
  readonly feature?: string;
  /** A state component, or "xsave" for the area as a whole. */
  readonly component?: string;
  /** Numbers and names that the sentence is made of; null: not known. They differ by code. */
  readonly facts: Readonly<Record<string, Fact>>;
  /** One sentence for people. */
  readonly effect: string;
  /**
   * What makes it harmless for tasks that start from now on: a mask, another boot (clearcpuid=, a
   * virtual machine's CPU model), records without gaps, another dump, a newer CRIU, that they stay on
   * hosts like their own; none: nothing is needed.
   */
  readonly remedy:
    | 'launch-mask'
    | 'boot'
    | 'record'
    | 'dump-again'
    | 'newer-criu'
    | 'stay'
    | 'none';
  /** The same in words, where something is needed. */
  readonly advice?: string;
  /** What it was until `allow` took it out. */
  readonly allowedFrom?: Severity;
}

/** schemas/check-report.schema.json */
export interface CheckReport {
  readonly schemaVersion: number;
  readonly verdict: Verdict;
  readonly mode: string;
  readonly mask?: string;
  readonly from: HostIdentity;
  readonly to: HostIdentity;
  /** All of them, worst first. */
  readonly findings: readonly Finding[];
  /** What `allow` named, and whether it took a finding out. */
  readonly allowed: readonly { readonly name: string; readonly used: boolean }[];
  /** In mode criu:CAP: what CRIU will answer. */
  readonly criu?: {
    readonly outcome: 'accepts' | 'refuses' | 'unknown';
    readonly exit?: number;
    readonly reason?: string;
    readonly lacking?: readonly string[];
    readonly added?: readonly string[];
    readonly missing?: readonly string[];
  };
  /** In mode criu:CAP: cpugate's own verdict. */
  readonly portableVerdict?: Verdict;
}

/** schemas/matrix-report.schema.json */
export interface MatrixReport {
  readonly schemaVersion: number;
  readonly mode: string;
  /** What the numbers in `verdicts` mean. */
  readonly verdictNames: readonly Verdict[];
  /** Ordered pairs of two hosts. */
  readonly moves: number;
  readonly counts: Readonly<Record<Verdict, number>>;
  /** In the order given; `kind` is a place in `kinds`. */
  readonly hosts: readonly { readonly name: string; readonly kind: number }[];
  /** Hosts that have the same verdicts; `hosts` are places in the hosts above. */
  readonly kinds: readonly {
    readonly count: number;
    readonly hosts: readonly number[];
    readonly family: number;
  }[];
  /** verdicts[from][to], by kind; a place in `verdictNames`. */
  readonly verdicts: readonly (readonly number[])[];
}

export interface BaselineOptions {
  /** Features to leave out although all hosts have them; what needs them goes too. */
  readonly without?: readonly string[];
  /** Keep state components that hosts lay out differently; default: false. */
  readonly keepLayoutConflicts?: boolean;
}

export interface BaselineComponent {
  readonly bit: number;
  readonly name: string;
  readonly size: number | null;
  readonly offset: number | null;
  readonly aligned: boolean | null;
}

/** Why a feature was given up. */
export interface DropReason {
  /**
   * lacking: hosts lack it. unknown: hosts don't tell. prerequisite: a feature that it needs fell.
   * layout: hosts lay out its state differently. layout-unknown: hosts don't tell how. asked: `without`.
   */
  readonly kind: 'lacking' | 'unknown' | 'prerequisite' | 'layout' | 'layout-unknown' | 'asked';
  /** Names of some of the hosts; `count` counts all. */
  readonly hosts?: readonly string[];
  readonly count?: number;
  /** The prerequisite. */
  readonly feature?: string;
  readonly component?: string;
  readonly places?: readonly {
    readonly size: number;
    readonly offset: number;
    readonly aligned: boolean | null;
    readonly hosts: readonly string[];
    readonly count: number;
  }[];
}

export interface Dropped {
  readonly feature: string;
  readonly because: readonly DropReason[];
}

/** Hosts of a baseline that no task can tell apart. */
export interface BaselineHosts {
  /** The same wherever such a host is met. */
  readonly id: string;
  readonly count: number;
  /** The first in alphabetical order. */
  readonly names: readonly string[];
  readonly vendor: string | null;
  /** Features beyond the baseline's. */
  readonly extra: readonly string[];
  /** Features that the others would have without these hosts. */
  readonly gain: readonly string[];
}

/**
 * What all hosts of a set have in common. Only this library makes one; its JSON is the baseline's file
 * (schemas/baseline.schema.json, which has more fields than are named here).
 */
export interface Baseline {
  readonly schemaVersion: number;
  readonly kind: 'cpugate-baseline';
  /** Version of cpugate that made it. */
  readonly cpugate: string;
  readonly hostCount: number;
  /** Canonical names. */
  readonly features: readonly string[];
  readonly avx10Version: number | null;
  readonly level: Level | null;
  readonly vendors: readonly { readonly vendor: string | null; readonly hosts: number }[];
  readonly cacheLineBytes: number | null;
  readonly linearAddressBits: number | null;
  readonly xsave: {
    readonly xcr0: string;
    /** The largest of any host, not what xcr0 alone would take. */
    readonly size: number | null;
    readonly offeredSize: number | null;
    readonly compactedSize: number | null;
    readonly components: readonly BaselineComponent[];
    readonly enabledAnywhere: string;
  };
  readonly minSigStackBytes: number | null;
  readonly without: readonly string[];
  readonly keepLayoutConflicts: boolean;
  /** What some hosts have, and why the baseline hasn't. */
  readonly dropped: readonly Dropped[];
  /** What no baseline can give, whoever enforces it. */
  readonly limits: readonly { readonly code: string; readonly effect: string }[];
  readonly hosts: readonly BaselineHosts[];
}

export interface PoolsOptions extends BaselineOptions {
  /** How many pools; "auto": as many as gain enough. */
  readonly count: number | 'auto';
}

export interface Pools {
  /** At most `count`, those with most hosts first: no more are made than keep anything more. */
  readonly pools: readonly Baseline[];
  /**
   * What so many pools keep: instruction-set features, counted once a host, and what the last of the
   * pools gains.
   */
  readonly steps: readonly {
    readonly pools: number;
    readonly objective: number;
    readonly gain: number;
  }[];
  /** The objective where every kind of hosts had a pool of its own. */
  readonly possible: number;
}

/** schemas/why-report.schema.json */
export interface WhyReport {
  readonly schemaVersion: number;
  readonly feature: string;
  /** In the baseline: there is nothing to explain then. */
  readonly kept: boolean;
  /** Hosts that have it. */
  readonly having: number;
  readonly hosts: number;
  readonly because: readonly DropReason[];
  /** The prerequisites among the reasons, explained. */
  readonly prerequisites: readonly Omit<WhyReport, 'schemaVersion'>[];
}

export interface Registers {
  readonly eax: number;
  readonly ebx: number;
  readonly ecx: number;
  readonly edx: number;
}

/** Under a mask CPUID shows (live & keep) | set. */
export interface MaskRow {
  readonly leaf: number;
  readonly firstSubleaf: number;
  /** Inclusive; 0xffffffff behind 0: the leaf doesn't depend on the subleaf. */
  readonly lastSubleaf: number;
  /** The answer differs from CPU to CPU, and is asked where the task runs. */
  readonly perCpu: boolean;
  readonly keep: Registers;
  readonly set: Registers;
}

export interface CompiledMask {
  /** By leaf and subleaf. What no row covers answers zeros. */
  readonly rows: readonly MaskRow[];
  /** What was decided for lack of data, a sentence each. */
  readonly remarks: readonly string[];
  /** The same, and the auxiliary vector's words, as native/include/cpugate_mask.h describes it. */
  readonly bytes: Uint8Array;
}

export interface Target {
  readonly name: TargetName;
  readonly title: string;
}

export interface ExportOptions {
  /** For glibc: its release ("2.36"); default: those of the hosts. */
  readonly glibc?: string;
  /** For glibc and runtimes, which write environment variables; default: env-file. */
  readonly format?: 'env-file' | 'shell' | 'systemd' | 'yaml';
}

/**
 * What is to be known of an export beside its content: what it is (note), what must hold for it to do
 * what it says (condition), what the baseline says and it can't (not-expressed).
 */
export interface Remark {
  readonly kind: 'note' | 'condition' | 'not-expressed';
  readonly text: string;
}

export interface Exported<Content = string | Uint8Array> {
  /** Usual name of the file. */
  readonly file: string;
  /** Bytes where the target reads no text. The remarks are in it where the format has comments. */
  readonly content: Content;
  readonly remarks: readonly Remark[];
}

/** schemas/explain-report.schema.json */
export interface FeatureReport {
  readonly schemaVersion: number;
  /** Linux's flag. */
  readonly feature: string;
  readonly title: string;
  /** isa, state and kernel_user can block a move; baselines hold these and hints. */
  readonly class: 'isa' | 'state' | 'kernel_user' | 'hint' | 'kernel' | 'security' | 'identity';
  readonly leaf: string;
  readonly subleaf: number;
  readonly register: 'eax' | 'ebx' | 'ecx' | 'edx';
  /** A bit, or the highest and lowest bit of a number. */
  readonly bit: number | readonly [number, number];
  readonly vendor: string | null;
  readonly since: string | null;
  readonly reason: string | null;
  /** Without it programs compute something else instead of failing. */
  readonly silent: boolean;
  readonly loss: { readonly severity: Severity; readonly effect: string } | null;
  /** What it means instead where the target has another feature. */
  readonly lossBeside: {
    readonly feature: string;
    readonly severity: Severity;
    readonly effect: string;
  } | null;
  /** Where the bit gives tasks nothing that they could use: what it forbids or changes. */
  readonly restriction: string | null;
  readonly components: readonly { readonly bit: number; readonly name: string }[];
  readonly needs: readonly {
    readonly on: string;
    readonly kind: string;
    readonly sources: string;
    readonly note?: string;
  }[];
  readonly neededBy: readonly string[];
  readonly level: string | null;
  /** By project, where it is called otherwise there. */
  readonly names: Readonly<Record<string, string | undefined>>;
  readonly glibcTunable: boolean;
  readonly criuInstruction: boolean;
}
