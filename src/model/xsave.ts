/**
 * The XSAVE side of one CPU: which state components exist, which the OS enables, where each lies.
 * Source: Intel SDM vol. 1 ch. 13 and vol. 2A CPUID leaf 0xD; AMD APM vol. 2 ch. 11.
 */
import {
  CATALOGUED_STATE,
  COMPONENT,
  COMPONENTS,
  type ComponentRow,
  componentName,
  componentRow,
  type FeatureName,
  isLegacyState,
} from '../catalogue/index.js';
import type { Cpu, HostKind } from './host.js';
import { findLeaf, type LeafTable, readRegister } from './leaves.js';
import {
  ALL_KNOWN,
  ALL_KNOWN_64,
  and,
  bitsOf,
  hasBit,
  hasBit64,
  join64,
  type Known32,
  type Known64,
} from './registers.js';

/** x87 and SSE state with the XSAVE header: the smallest area there is. */
export const LEGACY_AREA_BYTES = 576;

export const ABSENT = 0;
export const UNKNOWN = 1;
export const PRESENT = 2;
/** Ordered so that the smaller of two is their logical AND. */
export type Presence = typeof ABSENT | typeof UNKNOWN | typeof PRESENT;

/** A user state component; what the source can't tell is undefined. */
export interface StateComponent {
  readonly bit: number;
  readonly name: string;
  readonly size: number | undefined;
  /** In the standard format. */
  readonly offset: number | undefined;
  /** To 64 bytes in the compacted format. */
  readonly aligned: boolean | undefined;
  /** The place wasn't read: it is the one of the model that a guest shows (capabilities.ts). */
  readonly isAssumed?: true;
}

/**
 * A user component whose subleaf CPUID shows, whatever the OS enabled. Programs that add up subleaves, as
 * glibc does, leave room for it.
 */
export interface ShownComponent {
  readonly bit: number;
  /** Bytes; where the source doesn't say, those of its registers. */
  readonly size: number;
  readonly aligned: boolean;
  /** In the standard format. */
  readonly offset: number | undefined;
  /** False: whether the subleaf is there, or how large it is, is not known. */
  readonly isKnown: boolean;
}

export interface XsaveState {
  /** Components that the CPU offers (leaf 0xD.0 EDX:EAX). */
  readonly offered: Known64;
  /** Components that the OS enabled, or that Linux would enable. */
  readonly enabled: Known64;
  /** Whether `enabled` was told ("read") or derived from what the CPU offers ("derived"). */
  readonly basis: 'read' | 'derived';
  /** Bytes of the standard format with all enabled components. */
  readonly areaBytes: number | undefined;
  /** The same on the CPU of the host that has the smallest: a task may have sized its buffers there. */
  readonly leastAreaBytes: number | undefined;
  /** Bytes of the standard format with all offered components (leaf 0xD.0 ECX). */
  readonly offeredBytes: number | undefined;
  /** Bytes of the compacted format with all enabled components and supervisor state (0xD.1 EBX). */
  readonly compactedBytes: number | undefined;
  /** Enabled components, by bit. */
  readonly components: readonly StateComponent[];
  /** By bit; those that may be shown, too. A component that isn't listed has no subleaf. */
  readonly shown: readonly ShownComponent[];
}

const NOTHING_KNOWN_64: Known64 = { value: 0n, known: 0n };
const KNOWN_NONE_64: Known64 = { value: 0n, known: ALL_KNOWN_64 };

export function presenceInMask(mask: Known64, bit: number): Presence {
  if (!hasBit64(mask.known, bit)) return UNKNOWN;
  return hasBit64(mask.value, bit) ? PRESENT : ABSENT;
}

/** Bits of a feature: of a field, any. */
export function presenceOfBits(answer: Known32, mask: number): Presence {
  if (and(answer.value, mask) !== 0) return PRESENT;
  return and(answer.known, mask) === mask ? ABSENT : UNKNOWN;
}

export function offeredMask(leaves: LeafTable): Known64 {
  const low = readRegister(leaves, 0xd, 0, 'eax');
  const high = readRegister(leaves, 0xd, 0, 'edx');
  return { value: join64(high.value, low.value), known: join64(high.known, low.known) };
}

/** Bytes 0-575 have one layout everywhere, and so has YMM state (Intel SDM vol. 1, 13.4). */
const FIXED: ReadonlyMap<number, { size: number; offset: number }> = new Map([
  [COMPONENT.x87, { size: 160, offset: 0 }],
  [COMPONENT.sse, { size: 256, offset: 160 }],
  [COMPONENT.ymm_hi128, { size: 256, offset: 576 }],
]);

/**
 * Where a component lies. A component that the CPU offers but whose subleaf is missing or all zero
 * was cut by the tool that made the dump: its size isn't 0 but unknown.
 */
export function stateComponent(leaves: LeafTable, bit: number): StateComponent {
  const name = componentName(bit);
  const fixed = FIXED.get(bit);
  const size = readRegister(leaves, 0xd, bit, 'eax');
  const offset = readRegister(leaves, 0xd, bit, 'ebx');
  const flags = readRegister(leaves, 0xd, bit, 'ecx');
  if (isLegacyState(bit) || size.value === 0) {
    return {
      bit,
      name,
      size: fixed?.size,
      offset: fixed?.offset,
      aligned: fixed === undefined ? undefined : false,
    };
  }
  return {
    bit,
    name,
    size: size.known === ALL_KNOWN ? size.value : undefined,
    offset: offset.known === ALL_KNOWN ? offset.value : undefined,
    aligned: hasBit(flags.known, 1) ? hasBit(flags.value, 1) : undefined,
  };
}

/**
 * A component that the CPU offers, or that is enabled, has its subleaf, though a dump may lack it; of one
 * that isn't offered CPUs answer zeros (Intel SDM vol. 2A, CPUID leaf 0xD), unless a hypervisor or a mask
 * leaves its room there.
 */
function shownComponent(
  leaves: LeafTable,
  { bit, size: rowSize, aligned: rowAligned }: ComponentRow,
  offered: Known64,
  enabled: Known64,
): ShownComponent | undefined {
  const row = findLeaf(leaves, 0xd, bit);
  const answer = readRegister(leaves, 0xd, bit, 'eax');
  const place = stateComponent(leaves, bit);
  const isThere = Math.max(presenceInMask(offered, bit), presenceInMask(enabled, bit)) as Presence;
  const isAnswered = answer.known === ALL_KNOWN && answer.value !== 0;
  if (!isAnswered && isThere === ABSENT && (row === undefined || answer.known === ALL_KNOWN))
    return undefined;
  return {
    bit,
    size: place.size ?? rowSize,
    aligned: place.aligned ?? rowAligned,
    offset: place.offset,
    isKnown: isAnswered || isThere === PRESENT,
  };
}

/** Components with a subleaf of their own. */
const WITH_SUBLEAF: readonly ComponentRow[] = COMPONENTS.filter(
  ({ bit, kind }) => !isLegacyState(bit) && kind === 'user',
);

function shownComponents(leaves: LeafTable, offered: Known64, enabled: Known64): ShownComponent[] {
  return WITH_SUBLEAF.flatMap((row) => shownComponent(leaves, row, offered, enabled) ?? []);
}

/**
 * What Linux enables of the components that a CPU offers: those that it manages and whose feature
 * bit is there (arch/x86/kernel/fpu/xstate.c, xsave_cpuid_features: AMD Zen 2 offers PKRU without
 * having protection keys, and Linux leaves it off). x87 and SSE are always on.
 */
function linuxWouldEnable(offered: Known64, hardware: (feature: FeatureName) => Presence): Known64 {
  let value = 0n;
  let known = 0n;
  for (let bit = 0; bit < 64; bit++) {
    const mask = 1n << BigInt(bit);
    const row = componentRow(bit);
    let presence = presenceInMask(offered, bit);
    if (row === undefined || row.kind === 'supervisor' || row.linux !== 'yes') presence = ABSENT;
    else if (!isLegacyState(bit))
      presence = Math.min(presence, Math.max(...row.enabledBy.map(hardware))) as Presence;
    if (presence !== UNKNOWN) known |= mask;
    if (presence === PRESENT) value |= mask;
  }
  return { value, known };
}

function enabledMask(
  cpu: Cpu,
  kind: HostKind,
  offered: Known64,
  hardware: (feature: FeatureName) => Presence,
): { mask: Known64; basis: 'read' | 'derived' } {
  const xsave = hardware('xsave');
  if (xsave === ABSENT) return { mask: KNOWN_NONE_64, basis: cpu.xcr0 ? 'read' : 'derived' };
  if (kind === 'system' && hardware('osxsave') === ABSENT)
    return { mask: KNOWN_NONE_64, basis: 'read' };
  if (cpu.xcr0 !== undefined) return { mask: cpu.xcr0, basis: 'read' };
  if (kind === 'system') return { mask: NOTHING_KNOWN_64, basis: 'read' };
  return { mask: linuxWouldEnable(offered, hardware), basis: 'derived' };
}

/** Size of the standard format that holds these components, if all places are known. */
export function standardAreaBytes(components: readonly StateComponent[]): number | undefined {
  let end = LEGACY_AREA_BYTES;
  for (const { size, offset } of components) {
    if (size === undefined || offset === undefined) return undefined;
    end = Math.max(end, offset + size);
  }
  return end;
}

/**
 * `hardware` answers for raw feature bits, before prerequisites.
 */
export function readXsave(
  cpu: Cpu,
  kind: HostKind,
  hardware: (feature: FeatureName) => Presence,
): XsaveState {
  const { leaves } = cpu;
  const offered = hardware('xsave') === ABSENT ? KNOWN_NONE_64 : offeredMask(leaves);
  const { mask: enabled, basis } = enabledMask(cpu, kind, offered, hardware);
  const components = bitsOf(enabled.value).map((bit) => stateComponent(leaves, bit));
  const size = (subleaf: number, register: 'ebx' | 'ecx') => {
    const answer = readRegister(leaves, 0xd, subleaf, register);
    return answer.known === ALL_KNOWN && answer.value !== 0 ? answer.value : undefined;
  };
  const offeredBytes = size(0, 'ecx');

  let areaBytes: number | undefined;
  if (enabled.known === ALL_KNOWN_64 && enabled.value === 0n) areaBytes = 0;
  else if (basis === 'read') areaBytes = size(0, 'ebx') ?? completeArea(enabled, components);
  else if (enabled.value === offered.value && offered.known === ALL_KNOWN_64)
    areaBytes = offeredBytes ?? completeArea(enabled, components);
  else areaBytes = completeArea(enabled, components);

  return {
    offered,
    enabled,
    basis,
    areaBytes,
    leastAreaBytes: areaBytes,
    offeredBytes,
    compactedBytes: size(1, 'ebx'),
    components,
    shown: hardware('xsave') === ABSENT ? [] : shownComponents(leaves, offered, enabled),
  };
}

export function isPlaceless({ size, offset }: StateComponent): boolean {
  return size === undefined || offset === undefined;
}

/** With the places that weren't read, from elsewhere; itself where none is added. */
export function withPlaces(
  xsave: XsaveState,
  placeOf: (bit: number) => Pick<StateComponent, 'size' | 'offset' | 'aligned'> | undefined,
): XsaveState {
  const components = xsave.components.map((component) => {
    const place = isPlaceless(component) ? placeOf(component.bit) : undefined;
    return place === undefined ? component : { ...component, ...place, isAssumed: true as const };
  });
  if (components.every((component, at) => component === xsave.components[at])) return xsave;
  const areaBytes = xsave.areaBytes ?? completeArea(xsave.enabled, components);
  return { ...xsave, components, areaBytes };
}

/** Only where every bit of the mask is known: an unknown component may lie behind the others. */
function completeArea(enabled: Known64, components: readonly StateComponent[]): number | undefined {
  const isKnown = (enabled.known & CATALOGUED_STATE) === CATALOGUED_STATE;
  return isKnown ? standardAreaBytes(components) : undefined;
}
