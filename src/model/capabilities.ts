/**
 * What tasks on a host can count on: every catalogued feature with its prerequisites and the OS's
 * part checked, the state components, and the few numbers of CPUID that tasks cache. A host counts
 * with what all of its logical CPUs have.
 */
import {
  EVERY_64_BIT_CPU,
  type FeatureName,
  featureIndex,
  featureRow,
  LEVELS,
  type LevelName,
  neededState,
  ROWS,
} from '../catalogue/index.js';
import { findXsaveDesign, placeInDesign } from '../catalogue/xsave-layouts.js';
import { addressBits } from './address-width.js';
import { type CpuNumber, readVendor, textOf } from './cpu-number.js';
import { type HighestLeaves, highestLeaves, lowestOf } from './highest-leaves.js';
import type { Cpu, Host, HostKind, SystemFacts } from './host.js';
import { KERNEL_FACTS, KERNEL_SAYS, type KernelFact, linearBitsUnder } from './kernel-gives.js';
import { type LeafTable, readField, readRegister } from './leaves.js';
import { CLOSURE_PLACES, EDGE_PLACES, USER_VISIBLE } from './prerequisites.js';
import { ALL_KNOWN, bitsMask, type Known64, NOTHING_KNOWN } from './registers.js';
import { type SeenSignature, seenSignature } from './signature.js';
import { type TileGeometry, tileGeometry } from './tile-geometry.js';
import { tscHz } from './tsc-rate.js';
import { type UnnamedWord, unnamedWords } from './unnamed-bits.js';
import {
  ABSENT,
  isPlaceless,
  PRESENT,
  type Presence,
  presenceInMask,
  presenceOfBits,
  readXsave,
  type ShownComponent,
  type StateComponent,
  UNKNOWN,
  withPlaces,
  type XsaveState,
} from './xsave.js';

/** One difference between the logical CPUs of a host. */
export interface CpuDifference {
  /** Feature, component or field. */
  readonly what: string;
  /** Logical CPUs that have it, and those that lack it or show something else. */
  readonly having: readonly number[];
  readonly others: readonly number[];
}

export interface Capabilities {
  readonly name: string;
  readonly kind: HostKind;
  /** See Host. */
  readonly onlyFeatures: boolean;
  readonly system: SystemFacts;
  /** "GenuineIntel"; undefined where the source doesn't tell. */
  readonly vendor: string | undefined;
  readonly signature: SeenSignature | undefined;
  readonly brand: string | undefined;
  /** The bit itself, or what long mode implies, on every logical CPU. */
  hardware(feature: FeatureName): Presence;
  /** The bit, its prerequisites and what the OS must enable. */
  effective(feature: FeatureName): Presence;
  /** A field's smallest value over the CPUs (the AVX10 version); undefined: not known. */
  fieldValue(feature: FeatureName): number | undefined;
  readonly xsave: XsaveState;
  /** Bytes that CLFLUSH works on. */
  readonly cacheLineBytes: number | undefined;
  readonly linearAddressBits: number | undefined;
  readonly physicalAddressBits: number | undefined;
  /** Rate of the time stamp counter. */
  readonly tscHz: number | undefined;
  /** AMX's; undefined also where CPUs of the host differ. */
  readonly tiles: TileGeometry | undefined;
  /** The lowest of all CPUs. */
  readonly highestLeaves: HighestLeaves;
  /** What the kernel does for tasks, or with them, and no bit of CPUID tells. */
  kernelFact(fact: KernelFact): Presence;
  readonly differences: readonly CpuDifference[];
  /** Set or unknown bits of feature registers that no row names, by register. */
  readonly unnamed: ReadonlyMap<string, UnnamedWord>;
  readonly logicalCpus: number;
  /** Whether it is a machine itself, not a guest of a hypervisor; undefined: not known. */
  readonly isBareMetal: boolean | undefined;
  /** Of a guest: what it calls itself, where the places of its state components are that model's. */
  readonly assumedCpu: CpuNumber | undefined;
}

/** By place in ROWS; of most rows none. */
const STATE: readonly (readonly number[])[] = ROWS.map(neededState);

const LONG_MODE = featureIndex('lm');
const SYSCALL = featureIndex('syscall');
const IN_LONG_MODE: readonly number[] = EVERY_64_BIT_CPU.map(featureIndex);

/** Raw bits of every row. A field counts as present where it isn't 0. */
function hardwarePresence({ leaves, xcr0 }: Cpu, kind: HostKind): Presence[] {
  // Rows of one register stand together.
  let last: (typeof ROWS)[number] | undefined;
  let answer = NOTHING_KNOWN;
  const raw = ROWS.map((row) => {
    if (row.leaf !== last?.leaf || row.subleaf !== last.subleaf || row.reg !== last.reg)
      answer = readRegister(leaves, row.leaf, row.subleaf, row.reg);
    last = row;
    return presenceOfBits(answer, bitsMask(row.bit));
  });
  if (kind === 'cpu') {
    // These two bits mirror what the OS under the dumping tool had set. Where that isn't the OS that
    // tasks will run on, or isn't told, they say nothing; Linux sets both.
    const mirror = (bit: FeatureName, of: FeatureName) => {
      const index = featureIndex(bit);
      if (xcr0 === undefined || raw[index] === UNKNOWN)
        raw[index] = raw[featureIndex(of)] as Presence;
    };
    mirror('osxsave', 'xsave');
    mirror('ospke', 'pku');
  }
  // A clear bit counts: emulators fault where they show none. But that of SYSCALL Intel CPUs show to
  // 64-bit programs alone, and no 64-bit system runs without.
  if (raw[LONG_MODE] === PRESENT)
    for (const index of IN_LONG_MODE) if (raw[index] === UNKNOWN) raw[index] = PRESENT;
  raw[SYSCALL] = Math.max(raw[SYSCALL] as Presence, raw[LONG_MODE] as Presence) as Presence;
  return raw;
}

function effectivePresence(
  raw: readonly Presence[],
  enabled: Known64,
  { kind, system = {} }: Host,
): Presence[] {
  const effective: Presence[] = new Array(raw.length).fill(UNKNOWN);
  for (const index of CLOSURE_PLACES) {
    let presence = raw[index] as Presence;
    for (const edge of EDGE_PLACES[index] as readonly number[])
      presence = Math.min(presence, effective[edge] as Presence) as Presence;
    for (const bit of STATE[index] as readonly number[])
      presence = Math.min(presence, presenceInMask(enabled, bit)) as Presence;
    effective[index] = presence;
  }
  if (kind === 'system')
    for (const { feature, gives, otherwise } of KERNEL_SAYS) {
      const index = featureIndex(feature);
      const given = gives(system);
      if (given === false) effective[index] = ABSENT;
      if (given === undefined && otherwise === 'unknown' && effective[index] === PRESENT)
        effective[index] = UNKNOWN;
    }
  return effective;
}

function readBrand(leaves: LeafTable): string | undefined {
  const values: number[] = [];
  for (const leaf of [0x80000002, 0x80000003, 0x80000004])
    for (const register of ['eax', 'ebx', 'ecx', 'edx'] as const) {
      const answer = readRegister(leaves, leaf, 0, register);
      if (answer.known !== ALL_KNOWN) return undefined;
      values.push(answer.value);
    }
  const text = textOf(values).replace(/\s+/g, ' ');
  return text === '' ? undefined : text;
}

interface OneCpu {
  readonly cpu: Cpu;
  /** What it calls itself, where places were taken from CPUs of that model. */
  readonly assumedCpu: CpuNumber | undefined;
  readonly raw: readonly Presence[];
  readonly effective: readonly Presence[];
  readonly xsave: XsaveState;
}

function describeCpu(cpu: Cpu, host: Host): OneCpu {
  const raw = hardwarePresence(cpu, host.kind);
  const read = readXsave(cpu, host.kind, (name) => raw[featureIndex(name)] as Presence);
  const guest =
    host.kind !== 'model' && raw[featureIndex('hypervisor')] !== ABSENT
      ? withPlacesOfModel(cpu, read)
      : undefined;
  const xsave = guest?.xsave ?? read;
  const effective = effectivePresence(raw, xsave.enabled, host);
  return { cpu, raw, xsave, effective, assumedCpu: guest?.number };
}

/**
 * What a hypervisor shows of a CPU proves no design, and isn't put among its answers. Places it passes on
 * as the CPU has them, since XSAVE writes there, and CPUs of one vendor agree in them (QEMU's TCG has
 * Intel's on every model): where they weren't read, those of the model are assumed. Undefined: nothing
 * was open, or no CPU of the model is known.
 */
function withPlacesOfModel({ leaves }: Cpu, xsave: XsaveState) {
  if (!xsave.components.some(isPlaceless)) return undefined;
  const vendor = readVendor(leaves);
  const signature = seenSignature(readRegister(leaves, 1, 0, 'eax'));
  if (vendor === undefined || signature === undefined) return undefined;
  const design = findXsaveDesign(vendor, signature.family, signature.model);
  if (design === undefined) return undefined;
  const filled = withPlaces(xsave, (bit) => placeInDesign(design, bit));
  return filled === xsave ? undefined : { xsave: filled, number: { vendor, signature } };
}

/** Bit by bit the smaller presence: a component counts where every CPU has it. */
function intersectMasks(masks: readonly Known64[]): Known64 {
  return masks.reduce((a, b) => {
    const zero = (a.known & ~a.value) | (b.known & ~b.value);
    return { value: a.value & b.value, known: (a.known & b.known) | zero };
  });
}

function extreme(
  of: (...values: number[]) => number,
  sizes: readonly (number | undefined)[],
): number | undefined {
  return sizes.some((size) => size === undefined) ? undefined : of(...(sizes as readonly number[]));
}

/** A task may have asked any of the CPUs: what they don't answer alike isn't known to have been seen. */
function joinShown(shown: readonly (readonly ShownComponent[])[]): ShownComponent[] {
  const joined = new Map<number, ShownComponent>();
  for (const one of shown.flat()) {
    const same = shown.every((list) =>
      list.some(
        ({ bit, size, aligned, isKnown }) =>
          bit === one.bit && size === one.size && aligned === one.aligned && isKnown,
      ),
    );
    const size = Math.max(one.size, joined.get(one.bit)?.size ?? 0);
    joined.set(one.bit, { ...one, size, isKnown: same });
  }
  return [...joined.values()].sort((a, b) => a.bit - b.bit);
}

/**
 * Components that all CPUs enable; a place that differs between them is unknown. Sizes are the largest,
 * since a task may be saved on any CPU, but for the one by which it may have sized its buffers.
 */
function joinXsave(states: readonly XsaveState[]): XsaveState {
  const first = states[0] as XsaveState;
  if (states.length === 1) return first;
  const enabled = intersectMasks(states.map((state) => state.enabled));
  const same = <K extends 'size' | 'offset' | 'aligned'>(bit: number, key: K) => {
    const values = states.map((state) => state.components.find((c) => c.bit === bit)?.[key]);
    return values.every((value) => value === values[0]) ? values[0] : undefined;
  };
  const components = first.components
    .filter(({ bit }) => presenceInMask(enabled, bit) === PRESENT)
    .map(
      ({ bit, name }): StateComponent => ({
        bit,
        name,
        size: same(bit, 'size'),
        offset: same(bit, 'offset'),
        aligned: same(bit, 'aligned'),
      }),
    );
  const largest = (key: 'areaBytes' | 'offeredBytes' | 'compactedBytes') =>
    extreme(
      Math.max,
      states.map((state) => state[key]),
    );
  return {
    offered: intersectMasks(states.map((state) => state.offered)),
    enabled,
    basis: first.basis,
    areaBytes: largest('areaBytes'),
    leastAreaBytes: extreme(
      Math.min,
      states.map((state) => state.leastAreaBytes),
    ),
    offeredBytes: largest('offeredBytes'),
    compactedBytes: largest('compactedBytes'),
    components,
    shown: joinShown(states.map((state) => state.shown)),
  };
}

function findDifferences(cpus: readonly OneCpu[]): CpuDifference[] {
  if (cpus.length < 2) return [];
  const differences: CpuDifference[] = [];
  const split = (what: string, has: (one: OneCpu) => boolean) => {
    const having = cpus.filter(has).flatMap((one) => one.cpu.logical);
    const others = cpus.filter((one) => !has(one)).flatMap((one) => one.cpu.logical);
    if (having.length > 0 && others.length > 0)
      differences.push({
        what,
        having: having.sort((a, b) => a - b),
        others: others.sort((a, b) => a - b),
      });
  };
  ROWS.forEach((row, index) => {
    if (!USER_VISIBLE.has(row.class)) return;
    const best = Math.max(...cpus.map((one) => one.effective[index] as Presence));
    // Unknown on one CPU and absent on another is a difference too: it may be there. But of a bit of
    // which the source says as much for all CPUs, only a prerequisite differs, which is listed itself.
    if (best === UNKNOWN && cpus.every((one) => one.raw[index] === cpus[0]?.raw[index])) return;
    split(row.name, (one) => one.effective[index] === best);
  });
  const first = cpus[0] as OneCpu;
  const layout = (one: OneCpu) => JSON.stringify([one.xsave.components, one.xsave.areaBytes]);
  split('XSAVE layout', (one) => layout(one) === layout(first));
  const numbers = ({ cpu: { leaves } }: OneCpu) =>
    [
      readField(leaves, 1, 0, 'ebx', [15, 8]),
      readField(leaves, 0x80000008, 0, 'eax', [15, 8]),
      readField(leaves, 0x24, 0, 'ebx', [7, 0]),
    ].join();
  split(
    'cache line, width of addresses or AVX10 version',
    (one) => numbers(one) === numbers(first),
  );
  const vendor = readVendor(first.cpu.leaves);
  split('vendor', (one) => readVendor(one.cpu.leaves) === vendor);
  return differences;
}

function bareMetalOf(hypervisor: Presence): boolean | undefined {
  return hypervisor === UNKNOWN ? undefined : hypervisor === ABSENT;
}

/** What all CPUs tell alike. */
function sameOf<T>(cpus: readonly Cpu[], read: (cpu: Cpu) => T | undefined): T | undefined {
  const [first, ...others] = cpus.map(read);
  const text = JSON.stringify(first);
  return others.every((other) => JSON.stringify(other) === text) ? first : undefined;
}

/** A host as its tasks see it. Pure; the cost is a few microseconds a distinct CPU. */
export function describeHost(host: Host): Capabilities {
  const cpus = host.cpus.map((cpu) => describeCpu(cpu, host));
  const first = host.cpus[0];
  if (first === undefined) throw new Error(`host ${host.name} has no CPU`);
  const least = (of: (one: OneCpu) => readonly Presence[]) => (name: FeatureName) => {
    const index = featureIndex(name);
    return Math.min(...cpus.map((one) => of(one)[index] as Presence)) as Presence;
  };
  const { leaves } = first;
  const signature = seenSignature(readRegister(leaves, 1, 0, 'eax'));
  const vendor = readVendor(leaves);
  const system = host.system ?? {};
  const hardware = least((one) => one.raw);
  const line = readField(leaves, 1, 0, 'ebx', [15, 8]);
  // A named profile makes no claim beyond its own.
  const la57 = host.kind === 'model' ? UNKNOWN : hardware('la57');
  const width = addressBits(leaves, { longMode: hardware('lm'), la57, pae: hardware('pae') });
  const underKernel = { kind: host.kind, system, vendor, signature, monitor: hardware('monitor') };
  return {
    name: host.name,
    kind: host.kind,
    onlyFeatures: host.onlyFeatures === true,
    system,
    vendor,
    signature,
    brand: readBrand(leaves),
    hardware,
    effective: least((one) => one.effective),
    fieldValue: (name) => smallestField(host.cpus, name),
    xsave: joinXsave(cpus.map((one) => one.xsave)),
    cacheLineBytes: hardware('clflush') === PRESENT && line ? line * 8 : undefined,
    physicalAddressBits: width.physical,
    linearAddressBits: linearBitsUnder(system, la57, width.linear),
    tscHz: sameOf(host.cpus, (one) => tscHz(one.leaves, hardware('hypervisor') === PRESENT)),
    tiles: sameOf(host.cpus, (one) => tileGeometry(one.leaves)),
    highestLeaves: lowestOf(host.cpus.map((one) => highestLeaves(one.leaves))),
    kernelFact: (fact) => KERNEL_FACTS[fact](underKernel),
    differences: findDifferences(cpus),
    unnamed: unnamedWords(host.cpus, host.kind),
    logicalCpus: host.cpus.reduce((sum, cpu) => sum + cpu.logical.length, 0),
    isBareMetal: bareMetalOf(hardware('hypervisor')),
    assumedCpu: cpus.find((one) => one.assumedCpu !== undefined)?.assumedCpu,
  };
}

/** A host and what counts there: what decisions are given, so that it is found out once. */
export interface Described {
  readonly host: Host;
  readonly seen: Capabilities;
}

export function described(host: Host): Described {
  return { host, seen: describeHost(host) };
}

/** The same host under another name. */
export function renamed({ host, seen }: Described, name: string): Described {
  return { host: { ...host, name }, seen: { ...seen, name } };
}

function smallestField(cpus: readonly Cpu[], name: FeatureName): number | undefined {
  const row = featureRow(name);
  if (typeof row.bit === 'number') throw new Error(`${name} is a bit, not a field`);
  let smallest = ALL_KNOWN;
  for (const { leaves } of cpus) {
    const value = readField(leaves, row.leaf, row.subleaf, row.reg, row.bit);
    if (value === undefined) return undefined;
    smallest = Math.min(smallest, value);
  }
  return smallest;
}

/** Whether an OS's choice of state components is told, not what Linux would choose or a model lists. */
export function isStateOfOs({ kind, xsave }: Capabilities): boolean {
  return kind === 'system' || (kind === 'cpu' && xsave.basis === 'read');
}

/** Canonical names of the features that are effective, in the catalogue's order. */
export function effectiveFeatures(host: Capabilities): FeatureName[] {
  return ROWS.filter((row) => host.effective(row.name) === PRESENT).map((row) => row.name);
}

/**
 * The highest x86-64 level whose features are all effective, and whether a higher one can't be
 * excluded for lack of data. Undefined: not even v1.
 */
export function x86Level(host: Capabilities): {
  readonly level: LevelName | undefined;
  readonly maybeHigher: boolean;
} {
  let level: LevelName | undefined;
  for (const next of LEVELS) {
    const presence = Math.min(...next.features.map((name) => host.effective(name)));
    if (presence !== PRESENT) return { level, maybeHigher: presence === UNKNOWN };
    level = next.name;
  }
  return { level, maybeHigher: false };
}
