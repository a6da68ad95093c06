/**
 * Counts over kinds of hosts: for every feature how many lack it, for every state component where it
 * lies. Kinds come and go one by one, so what a cluster would be without a kind is quickly known.
 */
import {
  COMPONENTS,
  componentRow,
  type FeatureName,
  featureIndex,
  featureRow,
  neededState,
  ROWS,
} from '../catalogue/index.js';
import { EDGE_PLACES } from '../model/prerequisites.js';
import { ABSENT, type StateComponent, UNKNOWN } from '../model/xsave.js';
import type { ClusterGroup } from './cluster.js';
import { type HostKind, presenceOf, VISIBLE_ORDER } from './host-kind.js';

/** How the hosts that enable a component have it. */
export type Layout = 'alike' | 'differs' | 'untold';

export interface ClosureOptions {
  /** Features to mask beside what hosts lack. */
  readonly without?: readonly FeatureName[];
  /** Keep components (and their features) that hosts lay out differently. */
  readonly keepLayoutConflicts?: boolean;
}

interface ComponentCount {
  kinds: number;
  hosts: number;
  untold: number;
  aligned: number;
  unaligned: number;
  readonly places: Map<string, number>;
}

interface Step {
  readonly name: FeatureName;
  readonly index: number;
  readonly needs: readonly number[];
  readonly components: readonly number[];
}

/** VISIBLE_ORDER with its edges as places in ROWS. */
const STEPS: readonly Step[] = VISIBLE_ORDER.map((name) => ({
  name,
  index: featureIndex(name),
  needs: EDGE_PLACES[featureIndex(name)] ?? [],
  components: neededState(featureRow(name)),
}));

export function isPlaceless({ size, offset }: StateComponent): boolean {
  return size === undefined || offset === undefined;
}

export class Tally {
  kinds = 0;
  hosts = 0;
  readonly #lacking = new Uint32Array(ROWS.length);
  readonly #untold = new Uint32Array(ROWS.length);
  readonly #components = new Map<number, ComponentCount>();

  add({ kind, count }: Pick<ClusterGroup, 'kind' | 'count'>): this {
    return this.#change(kind, 1, count);
  }

  /** The kind must have been added. */
  remove({ kind, count }: Pick<ClusterGroup, 'kind' | 'count'>): this {
    return this.#change(kind, -1, -count);
  }

  #change(kind: HostKind, kinds: number, hosts: number): this {
    this.kinds += kinds;
    this.hosts += hosts;
    const presence = presenceOf(kind);
    for (const { index } of STEPS) {
      const counts = presence[index] === ABSENT ? this.#lacking : this.#untold;
      if (presence[index] === ABSENT || presence[index] === UNKNOWN)
        counts[index] = (counts[index] as number) + kinds;
    }
    for (const component of kind.components)
      this.#changeComponent(component, kinds, hosts, kind.onlyFeatures);
    return this;
  }

  #changeComponent(
    component: StateComponent,
    kinds: number,
    hosts: number,
    onlyFeatures: boolean,
  ): void {
    let at = this.#components.get(component.bit);
    if (at === undefined) {
      at = { kinds: 0, hosts: 0, untold: 0, aligned: 0, unaligned: 0, places: new Map() };
      this.#components.set(component.bit, at);
    }
    at.kinds += kinds;
    if (onlyFeatures) return;
    at.hosts += hosts;
    if (isPlaceless(component)) {
      at.untold += kinds;
      return;
    }
    // Alignment matters in the compacted format; sources that tell the place alone contradict nobody.
    if (component.aligned === true) at.aligned += kinds;
    if (component.aligned === false) at.unaligned += kinds;
    const text = `${component.size}@${component.offset}`;
    const count = (at.places.get(text) ?? 0) + kinds;
    if (count === 0) at.places.delete(text);
    else at.places.set(text, count);
  }

  /**
   * Of the hosts that enable the component. A single host has it as it has it, told or not; of two,
   * one that doesn't tell may be unlike the other.
   */
  layout(bit: number): Layout {
    const at = this.#components.get(bit);
    if (at === undefined) return 'alike';
    if (at.places.size > 1 || (at.aligned > 0 && at.unaligned > 0)) return 'differs';
    return at.untold > 0 && at.hosts > 1 ? 'untold' : 'alike';
  }

  isEnabledOnAll(bit: number): boolean {
    return this.#components.get(bit)?.kinds === this.kinds;
  }

  isLackedBySome(feature: FeatureName): boolean {
    return this.#lacking[featureIndex(feature)] !== 0;
  }

  isLackedByAll(feature: FeatureName): boolean {
    return this.#lacking[featureIndex(feature)] === this.kinds;
  }

  isUntoldBySome(feature: FeatureName): boolean {
    return this.#untold[featureIndex(feature)] !== 0;
  }

  /** Some host is known to have it. */
  isOnSome(feature: FeatureName): boolean {
    const index = featureIndex(feature);
    return (this.#lacking[index] as number) + (this.#untold[index] as number) < this.kinds;
  }

  /** What all hosts have, closed: 1 by featureIndex. */
  kept({ without = [], keepLayoutConflicts = false }: ClosureOptions = {}): Uint8Array {
    const kept = new Uint8Array(ROWS.length);
    const asked = new Set(without.map(featureIndex));
    const conflicts = new Set(
      keepLayoutConflicts
        ? []
        : COMPONENTS.map((row): number => row.bit).filter((bit) => this.layout(bit) !== 'alike'),
    );
    for (const { index, needs, components } of STEPS)
      if (
        this.#lacking[index] === 0 &&
        this.#untold[index] === 0 &&
        !asked.has(index) &&
        needs.every((needed) => kept[needed] === 1) &&
        !components.some((bit) => conflicts.has(bit))
      )
        kept[index] = 1;
    return kept;
  }
}

/**
 * Whether a component is on where these features are kept: one that Linux enables for a kept feature,
 * or that a kept feature can't do without.
 */
export function isComponentUsed(bit: number, kept: Uint8Array): boolean {
  const row = componentRow(bit);
  if (row === undefined || row.kind !== 'user') return false;
  if (row.enabledBy.some((name) => kept[featureIndex(name)] === 1)) return true;
  return STEPS.some(({ index, components }) => kept[index] === 1 && components.includes(bit));
}
