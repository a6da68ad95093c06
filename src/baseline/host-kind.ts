/**
 * Hosts of one kind show their tasks the same. A cluster of a million hosts has few kinds, so they
 * are what a baseline is made of: it doesn't matter in which order hosts come, or in which chunks.
 */
import { type FeatureName, ROWS } from '../catalogue/index.js';
import type { Capabilities } from '../model/capabilities.js';
import { USER_VISIBLE } from '../model/prerequisites.js';
import { ALL_KNOWN_64, hex } from '../model/registers.js';
import { PRESENT, type StateComponent, UNKNOWN } from '../model/xsave.js';

/** What of a host matters to a baseline; plain data, as it stands in a Baseline file. */
export interface HostKind {
  /** Effective user-visible features, in the catalogue's order. */
  readonly features: readonly FeatureName[];
  /** Those that the source doesn't tell. */
  readonly unknown: readonly FeatureName[];
  readonly avx10Version: number | null;
  readonly vendor: string | null;
  readonly cacheLineBytes: number | null;
  readonly linearAddressBits: number | null;
  /** XCR0, hexadecimal; null where not every bit that matters is told. */
  readonly xcr0: string | null;
  readonly areaBytes: number | null;
  readonly compactedBytes: number | null;
  readonly minSigStackBytes: number | null;
  readonly components: readonly {
    readonly bit: number;
    readonly name: string;
    readonly size: number | null;
    readonly offset: number | null;
    readonly aligned: boolean | null;
  }[];
}

const VISIBLE = ROWS.filter((row) => USER_VISIBLE.has(row.class));

function placeOf({
  bit,
  name,
  size,
  offset,
  aligned,
}: StateComponent): HostKind['components'][number] {
  return { bit, name, size: size ?? null, offset: offset ?? null, aligned: aligned ?? null };
}

export function kindOf(seen: Capabilities): HostKind {
  const { xsave } = seen;
  const hasAvx10 = seen.effective('avx10_version') === PRESENT;
  return {
    features: VISIBLE.filter((row) => seen.effective(row.name) === PRESENT).map((row) => row.name),
    unknown: VISIBLE.filter((row) => seen.effective(row.name) === UNKNOWN).map((row) => row.name),
    avx10Version: hasAvx10 ? (seen.fieldValue('avx10_version') ?? null) : null,
    vendor: seen.vendor ?? null,
    cacheLineBytes: seen.cacheLineBytes ?? null,
    linearAddressBits: seen.linearAddressBits ?? null,
    xcr0: xsave.enabled.known === ALL_KNOWN_64 ? hex(xsave.enabled.value) : null,
    areaBytes: xsave.areaBytes ?? null,
    compactedBytes: xsave.compactedBytes ?? null,
    minSigStackBytes: seen.system.minSigStackBytes ?? null,
    components: xsave.components.map(placeOf),
  };
}

/** Equal keys are hosts of one kind. */
export function kindKey(kind: HostKind): string {
  return JSON.stringify(kind);
}
