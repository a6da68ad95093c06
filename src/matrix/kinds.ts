/** Hosts, one after the other, sorted into kinds that no verdict can tell apart. */
import type { Capabilities } from '../model/capabilities.js';
import { BLANK } from './blank.js';
import { FACET_GROUPS, type Facet } from './facets.js';
import { type FeatureBits, featureBits, featureKey } from './feature-needs.js';

/** The values that hosts have of a facet, each once. */
export interface FacetValues {
  readonly facet: Facet;
  readonly values: readonly Capabilities[];
}

/** What verdicts about hosts of a kind are made of. */
export interface MatrixKind {
  readonly features: FeatureBits;
  /** For each facet, place of the kind's value. */
  readonly classes: readonly number[];
}

class GrowingValues {
  readonly facet: Facet;
  readonly values: Capabilities[] = [];
  readonly #places = new Map<string, number>();

  constructor(facet: Facet) {
    this.facet = facet;
  }

  placeOf(host: Capabilities): number {
    const key = this.facet.key(host);
    const known = this.#places.get(key);
    if (known !== undefined) return known;
    this.#places.set(key, this.values.length);
    return this.values.push({ ...BLANK, ...this.facet.view(host) }) - 1;
  }
}

export class KindFold {
  readonly kinds: MatrixKind[] = [];
  readonly #byKey = new Map<string, number>();
  readonly #groups = FACET_GROUPS.map((group) => ({
    group,
    facets: group.facets.map((facet) => new GrowingValues(facet)),
    known: new Map<string, { readonly classes: readonly number[]; readonly number: number }>(),
  }));

  get facets(): readonly FacetValues[] {
    return this.#groups.flatMap(({ facets }) => facets);
  }

  /** The number of the host's kind. Nothing of the host is kept but what is new about it. */
  add(host: Capabilities): number {
    const found = this.#groups.map(({ group, facets, known }) => {
      const key = group.key(host);
      const met = known.get(key) ?? {
        classes: facets.map((one) => one.placeOf(host)),
        number: known.size,
      };
      known.set(key, met);
      return met;
    });
    const key = `${featureKey(host)} ${found.map(({ number }) => number).join()}`;
    const place = this.#byKey.get(key);
    if (place !== undefined) return place;
    this.#byKey.set(key, this.kinds.length);
    const classes = found.flatMap((one) => one.classes);
    return this.kinds.push({ features: featureBits(host), classes }) - 1;
  }
}
