/**
 * The compacted format: components lie one behind the other, in the order of their bits, and those that
 * ask for it on the next multiple of 64. What is laid out is RFBM AND XCR0 of the CPU at hand; XSAVEC
 * writes only what isn't in its initial state, but leaves room for the rest.
 * Source: Intel SDM vol. 1, 13.4.3 and 13.10.
 */
import { componentRow, isLegacyState, LINUX_STATE } from '../catalogue/index.js';
import { bitsOf, hasBit64, type Known64 } from './registers.js';
import { LEGACY_AREA_BYTES, type StateComponent, type XsaveState } from './xsave.js';

const ALIGNMENT = 64;

export function alignUp(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

export interface PackedComponent {
  readonly bit: number;
  readonly size: number;
  readonly aligned: boolean;
}

/** Where each component ends, by its bit. Components without a subleaf (0 and 1) are passed over. */
export function packedEnds(components: readonly PackedComponent[]): ReadonlyMap<number, number> {
  const ends = new Map<number, number>();
  let end = LEGACY_AREA_BYTES;
  for (const { bit, size, aligned } of [...components].sort((a, b) => a.bit - b.bit)) {
    if (isLegacyState(bit)) continue;
    end = (aligned ? alignUp(end) : end) + size;
    ends.set(bit, end);
  }
  return ends;
}

/** Bytes up to the end of the last component. */
export function packedBytes(components: readonly PackedComponent[]): number {
  return Math.max(LEGACY_AREA_BYTES, ...packedEnds(components).values());
}

/** The same of components of which all has to be known; undefined: it isn't. */
export function compactedBytes(components: readonly StateComponent[]): number | undefined {
  const extended = components.filter(({ bit }) => !isLegacyState(bit));
  const known = extended.flatMap(({ bit, size, aligned }) =>
    size === undefined || aligned === undefined ? [] : [{ bit, size, aligned }],
  );
  return known.length === extended.length ? packedBytes(known) : undefined;
}

/**
 * What isn't known of a component that is there: its registers have one size on every CPU (Intel SDM
 * vol. 1, 13.5), and no CPU is known that reports another for those that programs pack.
 */
function packed({ bit, size, aligned }: Omit<StateComponent, 'name' | 'offset'>): PackedComponent {
  const row = componentRow(bit);
  return { bit, size: size ?? row?.size ?? 0, aligned: aligned ?? row?.aligned ?? true };
}

/** A buffer into which XSAVEC saves. */
export interface PackedBuffer {
  /** RFBM: the components that it is asked for. */
  readonly components: bigint;
  /** Bytes; from `least` to `most` where it isn't known what the buffer was sized by. */
  readonly least: number;
  readonly most: number;
}

/**
 * - fits: whatever is in use.
 * - behind: what the source's tasks can use fits; another component ends behind the buffer.
 * - overrun: what the source's tasks can use ends behind the buffer.
 * - unknown: it may.
 */
export type PackedFit = 'fits' | 'behind' | 'overrun' | 'unknown';

export interface PackedAnswer {
  readonly fit: PackedFit;
  /** The first component that ends behind the buffer, where one does. */
  readonly component?: number;
  /** Where it ends. */
  readonly written: number;
}

/** Layout with the components of `mask`, and the first of `among` that ends behind the buffer. */
function firstBehind(
  mask: bigint,
  among: bigint,
  places: readonly StateComponent[],
  bytes: number,
): { readonly component: number; readonly written: number } | undefined {
  const components = bitsOf(mask).map((bit) =>
    packed(places.find((one) => one.bit === bit) ?? { bit, size: undefined, aligned: undefined }),
  );
  for (const [component, written] of packedEnds(components))
    if (written > bytes && hasBit64(among, component)) return { component, written };
  return undefined;
}

function possible({ value, known }: Known64): bigint {
  return value | (LINUX_STATE & ~known);
}

/**
 * Whether a buffer that was sized at the source holds what XSAVEC writes at the target. `inUse`: the
 * components that tasks of the source can have brought out of their initial state.
 */
export function holdsPacked(
  { components: asked, least, most }: PackedBuffer,
  inUse: Known64,
  target: Pick<XsaveState, 'enabled' | 'components'>,
): PackedAnswer {
  const { enabled, components: places } = target;
  const surely = enabled.value & asked;
  const perhaps = possible(enabled) & asked;
  const used = firstBehind(surely, inUse.value, places, most);
  if (used !== undefined) return { fit: 'overrun', ...used };
  const maybeUsed = firstBehind(perhaps, possible(inUse), places, least);
  if (maybeUsed !== undefined) return { fit: 'unknown', ...maybeUsed };
  const behind = firstBehind(perhaps, perhaps, places, least);
  return behind === undefined ? { fit: 'fits', written: 0 } : { fit: 'behind', ...behind };
}
