/**
 * Who can go where: the verdict for every ordered pair of hosts, the same as compareHosts gives in
 * mode portable, but by kinds of hosts and without saying why.
 */
import { VERDICTS, type Verdict } from '../judge/verdict.js';
import { meet } from '../model/bit-rows.js';
import type { Capabilities } from '../model/capabilities.js';
import { rankOf, rulesOn, TWIN_PARTS } from './facets.js';
import { NEEDS, WIDTH } from './feature-needs.js';
import { type FacetValues, KindFold, type MatrixKind } from './kinds.js';

export interface VerdictMatrix {
  /** How many kinds of hosts there are. Hosts of one kind have the same verdicts with all others. */
  readonly size: number;
  /**
   * Places in VERDICTS, a row of `size` for each kind as source. On the diagonal stands what one host
   * of the kind is to another.
   */
  readonly ranks: Uint8Array;
}

export interface HostMatrix extends VerdictMatrix {
  /** Number of each host's kind. */
  readonly kindOf: readonly number[];
}

export interface MatrixOptions {
  /** Told how many rows are done. */
  readonly tell?: (rows: number) => void;
}

export function verdictOf({ size, ranks }: VerdictMatrix, from: number, to: number): Verdict {
  return VERDICTS[ranks[from * size + to] as number] as Verdict;
}

/** Bits of all kinds in one array a set. */
function flatten(kinds: readonly MatrixKind[], pick: (kind: MatrixKind) => Uint32Array) {
  const words = new Uint32Array(kinds.length * WIDTH);
  for (const [place, kind] of kinds.entries()) words.set(pick(kind), place * WIDTH);
  return words;
}

function judgeFeatures(kinds: readonly MatrixKind[], ranks: Uint8Array, { tell }: MatrixOptions) {
  const size = kinds.length;
  const needs = NEEDS.map((need, place) => ({
    rank: need.rank,
    source: flatten(kinds, ({ features }) => features.needs[place] as Uint32Array),
    target: flatten(kinds, ({ features }) => features.shows[need.after] as Uint32Array),
  }));
  for (let from = 0; from < size; from++) {
    tell?.(from);
    const row = from * size;
    for (const { rank, source, target } of needs) {
      const start = from * WIDTH;
      // Most hosts tell everything: nothing to look for among what they don't tell.
      if (!meet(source, start, source, start, WIDTH)) continue;
      for (let to = 0; to < size; to++)
        if ((ranks[row + to] as number) < rank && meet(source, start, target, to * WIDTH, WIDTH))
          ranks[row + to] = rank;
    }
  }
}

function judgeFacet(
  { facet, values }: FacetValues,
  kinds: readonly MatrixKind[],
  place: number,
  ranks: Uint8Array,
) {
  const size = kinds.length;
  const classes = Uint32Array.from(kinds, (kind) => kind.classes[place] as number);
  const members: number[][] = values.map(() => []);
  for (const [kind, value] of classes.entries()) members[value]?.push(kind);
  const rules = rulesOn(facet.part);
  for (const [value, source] of values.entries()) {
    const found = Uint8Array.from(values, (target) =>
      rules.reduce(
        (worst, rule) => Math.max(worst, rankOf(rule.findings({ from: source, to: target }))),
        0,
      ),
    );
    if (found.every((rank) => rank === 0)) continue;
    for (const from of members[value] as number[])
      for (let to = 0; to < size; to++) {
        const rank = found[classes[to] as number] as number;
        if (rank > (ranks[from * size + to] as number)) ranks[from * size + to] = rank;
      }
  }
}

/** Of the parts so far, twins are judged as a whole. */
function judgeTwins(kinds: readonly MatrixKind[], ranks: Uint8Array) {
  const members = new Map<string, number[]>();
  for (const [place, { twin }] of kinds.entries()) {
    if (twin === undefined) continue;
    const known = members.get(twin.key);
    if (known === undefined) members.set(twin.key, [place]);
    else known.push(place);
  }
  for (const places of members.values())
    for (const from of places)
      for (const to of places)
        ranks[from * kinds.length + to] = (kinds[from] as MatrixKind).twin?.rank ?? 0;
}

/** Pure. Takes memory for a byte a pair of kinds. */
export function matrixOfKinds(
  { kinds, facets }: Pick<KindFold, 'kinds' | 'facets'>,
  options: MatrixOptions = {},
): VerdictMatrix {
  const ranks = new Uint8Array(kinds.length ** 2);
  judgeFeatures(kinds, ranks, options);
  const judgeFacets = (isAsked: (values: FacetValues) => boolean) => {
    for (const [place, values] of facets.entries())
      if (isAsked(values)) judgeFacet(values, kinds, place, ranks);
  };
  const isOfTwins = ({ facet }: FacetValues) => TWIN_PARTS.includes(facet.part);
  judgeFacets(isOfTwins);
  judgeTwins(kinds, ranks);
  judgeFacets((values) => !isOfTwins(values));
  return { size: kinds.length, ranks };
}

export function verdictMatrix(
  hosts: readonly Capabilities[],
  options: MatrixOptions = {},
): HostMatrix {
  const fold = new KindFold();
  const kindOf = hosts.map((host) => fold.add(host));
  return { ...matrixOfKinds(fold, options), kindOf };
}
