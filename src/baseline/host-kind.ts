/**
 * Hosts of one kind show their tasks the same. A cluster of a million hosts has few kinds, so they
 * are what a baseline is made of: it doesn't matter in which order hosts come, or in which chunks.
 */
import {
  componentMask,
  componentName,
  componentRow,
  type FeatureName,
  featureIndex,
  isLegacyState,
  ROWS,
} from '../catalogue/index.js';
import type { Capabilities } from '../model/capabilities.js';
import { GLIBC_COMPONENTS } from '../model/glibc-saves.js';
import { CLOSURE_ORDER, isUserVisible } from '../model/prerequisites.js';
import { ALL_KNOWN_64, hasBit64, hex } from '../model/registers.js';
import { TILE_NUMBERS, type TileGeometry } from '../model/tile-geometry.js';
import {
  ABSENT,
  PRESENT,
  type ShownComponent,
  type StateComponent,
  UNKNOWN,
  type XsaveState,
} from '../model/xsave.js';
import { fingerprint } from './fingerprint.js';

/** What of a host matters to a baseline; undefined where it isn't known. */
export interface HostKind {
  /** Effective user-visible features, in the catalogue's order. */
  readonly features: readonly FeatureName[];
  /** Those that the source doesn't tell. */
  readonly unknown: readonly FeatureName[];
  readonly avx10Version: number | undefined;
  readonly vendor: string | undefined;
  readonly cacheLineBytes: number | undefined;
  readonly linearAddressBits: number | undefined;
  /** XCR0, hexadecimal; undefined where not every bit is known. */
  readonly xcr0: string | undefined;
  /** The standard format's; 0 without XSAVE. */
  readonly areaBytes: number | undefined;
  /** The standard format's with all that the CPU offers; 0 without XSAVE. */
  readonly offeredBytes: number | undefined;
  /** The compacted format's; 0 where no task can use it. */
  readonly compactedBytes: number | undefined;
  readonly minSigStackBytes: number | undefined;
  /** AMX's; undefined also without AMX. */
  readonly tiles: TileGeometry | undefined;
  /** Those that the hosts enable. */
  readonly components: readonly StateComponent[];
  /** Others that CPUID shows, of those that glibc leaves room for; none where a file doesn't say. */
  readonly shown: readonly StateComponent[];
  /** A level: no vendor, sizes or layouts of its own count (Host.onlyFeatures). */
  readonly onlyFeatures: boolean;
}

/** Features that baselines are made of, in the catalogue's order. */
export const VISIBLE: readonly FeatureName[] = ROWS.map((row) => row.name).filter(isUserVisible);
/** The same, prerequisites before what needs them. */
export const VISIBLE_ORDER: readonly FeatureName[] = CLOSURE_ORDER.filter(isUserVisible);

/** Those that a host's tasks can count on. */
export function visibleFeatures(host: Capabilities): FeatureName[] {
  return VISIBLE.filter((feature) => host.effective(feature) === PRESENT);
}

/**
 * Without an OS to tell what it enabled, all that the CPU offers stands for the area: whatever OS
 * runs there enables no more. Sizes may be too large, never too small.
 */
function safeAreaBytes({ basis, areaBytes, offeredBytes }: XsaveState): number | undefined {
  if (basis === 'read' || areaBytes === 0) return areaBytes;
  if (offeredBytes === undefined) return areaBytes;
  return Math.max(offeredBytes, areaBytes ?? 0);
}

function sizesOf(seen: Capabilities) {
  const { xsave } = seen;
  if (seen.hardware('xsave') === ABSENT)
    return { areaBytes: 0, offeredBytes: 0, compactedBytes: 0 };
  const compacts = [seen.effective('xsavec'), seen.effective('xsaves')];
  return {
    areaBytes: safeAreaBytes(xsave),
    offeredBytes: xsave.offeredBytes,
    compactedBytes: compacts.every((one) => one === ABSENT) ? 0 : xsave.compactedBytes,
  };
}

function shownBeyond({ components, shown }: XsaveState): StateComponent[] {
  const enabled = new Set(components.map(({ bit }) => bit));
  return shown
    .filter(({ bit, isKnown }) => isKnown && hasBit64(GLIBC_COMPONENTS, bit) && !enabled.has(bit))
    .map(({ bit, size, offset, aligned }) => ({
      bit,
      name: componentName(bit),
      size,
      offset,
      aligned,
    }));
}

export function kindOf(seen: Capabilities): HostKind {
  const { xsave } = seen;
  const hasAvx10 = seen.effective('avx10_version') === PRESENT;
  return {
    features: visibleFeatures(seen),
    unknown: VISIBLE.filter((name) => seen.effective(name) === UNKNOWN),
    avx10Version: hasAvx10 ? seen.fieldValue('avx10_version') : undefined,
    vendor: seen.vendor,
    cacheLineBytes: seen.cacheLineBytes,
    linearAddressBits: seen.linearAddressBits,
    xcr0: xsave.enabled.known === ALL_KNOWN_64 ? hex(xsave.enabled.value) : undefined,
    ...sizesOf(seen),
    minSigStackBytes: seen.system.minSigStackBytes,
    tiles: seen.effective('amx_tile') === PRESENT ? seen.tiles : undefined,
    components: xsave.components,
    shown: shownBeyond(xsave),
    onlyFeatures: seen.onlyFeatures,
  };
}

/** What hosts of a kind enable and show; of a kind that doesn't tell all of XCR0 only what it does. */
export function packedPartsOf({
  xcr0,
  components,
  shown,
}: HostKind): Pick<XsaveState, 'enabled' | 'components' | 'shown'> {
  const told = componentMask(components.map(({ bit }) => bit));
  return {
    enabled:
      xcr0 === undefined
        ? { value: told, known: told }
        : { value: BigInt(xcr0), known: ALL_KNOWN_64 },
    components,
    shown: [...components, ...shown]
      .filter(({ bit }) => !isLegacyState(bit))
      .map((one): ShownComponent => {
        const row = componentRow(one.bit);
        return {
          ...one,
          size: one.size ?? row?.size ?? 0,
          aligned: one.aligned ?? row?.aligned ?? true,
          isKnown: true,
        };
      }),
  };
}

const presences = new WeakMap<HostKind, Uint8Array>();

/** ABSENT, UNKNOWN or PRESENT by featureIndex. Not to be written to. */
export function presenceOf(kind: HostKind): Uint8Array {
  let presence = presences.get(kind);
  if (presence === undefined) {
    presence = new Uint8Array(ROWS.length).fill(ABSENT);
    for (const name of kind.features) presence[featureIndex(name)] = PRESENT;
    for (const name of kind.unknown) presence[featureIndex(name)] = UNKNOWN;
    presences.set(kind, presence);
  }
  return presence;
}

/**
 * What isn't known is null here, as in files, and the text as it always was where no more is shown than
 * is enabled: ids outlive a version.
 */
function layoutText({ components, shown }: HostKind): string {
  const text = (list: readonly StateComponent[]) =>
    list
      .map(
        ({ bit, size, offset, aligned }) =>
          `${bit},${size ?? null},${offset ?? null},${aligned ?? null}`,
      )
      .join(' ');
  return shown.length === 0 ? text(components) : `${text(components)} shown ${text(shown)}`;
}

function numbersText(kind: HostKind): string {
  const { tiles } = kind;
  return JSON.stringify([
    kind.avx10Version,
    kind.vendor,
    kind.cacheLineBytes,
    kind.linearAddressBits,
    kind.xcr0,
    kind.areaBytes,
    kind.offeredBytes,
    kind.compactedBytes,
    kind.minSigStackBytes,
    // Ids stand in files: without AMX they are what they were.
    ...(tiles === undefined ? [] : TILE_NUMBERS.map((name) => tiles[name])),
  ]);
}

/** Hosts have nothing here: the ids of their kinds are those of earlier versions. */
function claimText({ onlyFeatures }: HostKind): string {
  return onlyFeatures ? '\nonly features' : '';
}

/** Equal keys are hosts of one kind; within one run of the program. */
export function kindKey(kind: HostKind): string {
  return `${presenceOf(kind).join('')}\n${numbersText(kind)}\n${layoutText(kind)}${claimText(kind)}`;
}

/** What people call a kind by: the same for the same kind wherever, and whenever, it is met. */
export function kindId(kind: HostKind): string {
  const names = (list: readonly FeatureName[]) => [...list].sort().join(' ');
  return fingerprint(
    [names(kind.features), names(kind.unknown), numbersText(kind), layoutText(kind)].join('\n') +
      claimText(kind),
  );
}
