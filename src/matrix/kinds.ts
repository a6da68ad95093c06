/** Hosts, one after the other, sorted into kinds that no verdict can tell apart. */
import type { Capabilities } from '../model/capabilities.js';
import { ALL_KNOWN_64 } from '../model/registers.js';
import { isPlaceless, UNKNOWN } from '../model/xsave.js';
import { twinKey } from '../rules/twins.js';
import { BLANK } from './blank.js';
import { FACET_GROUPS, type Facet, hasOpenField, twinRank } from './facets.js';
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
  /** Where something is unknown of the kind: equal for twins, and what one is to another. */
  readonly twin?: { readonly key: string; readonly rank: number } | undefined;
}

/** Undefined where a twin is judged like any other host: nothing that it could have in common is open. */
function openTwinKey(host: Capabilities, features: string): string | undefined {
  const { enabled, areaBytes, components } = host.xsave;
  const isOpen =
    features.includes(`${UNKNOWN}`) ||
    hasOpenField(host) ||
    enabled.known !== ALL_KNOWN_64 ||
    areaBytes === undefined ||
    components.some(isPlaceless);
  return isOpen ? twinKey(host) : undefined;
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
    const features = featureKey(host);
    const twin = openTwinKey(host, features);
    const key = `${features} ${found.map(({ number }) => number).join()} ${twin ?? ''}`;
    const place = this.#byKey.get(key);
    if (place !== undefined) return place;
    this.#byKey.set(key, this.kinds.length);
    const classes = found.flatMap((one) => one.classes);
    return (
      this.kinds.push({
        features: featureBits(host),
        classes,
        twin: twin === undefined ? undefined : { key: twin, rank: twinRank(host) },
      }) - 1
    );
  }
}
