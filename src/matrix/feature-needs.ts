/**
 * The rules about features as sets of bits. A rule is asked what it says of each feature when the
 * source has it, lacks it or doesn't tell, and the target likewise; a pair of hosts is then a few
 * operations on words.
 */
import { type FeatureName, isFeatureName, ROWS } from '../catalogue/index.js';
import { putBit, wordsFor } from '../model/bit-rows.js';
import type { Capabilities } from '../model/capabilities.js';
import { ABSENT, PRESENT, type Presence, UNKNOWN } from '../model/xsave.js';
import { BLANK } from './blank.js';
import { rankOf, rulesOn, standsAlone } from './facets.js';

const PRESENCES: readonly Presence[] = [ABSENT, UNKNOWN, PRESENT];
const BITS = ROWS.filter(standsAlone).map((row) => row.name);

/** All features alike. */
function uniform(presence: Presence): Capabilities {
  return { ...BLANK, effective: () => presence, hardware: () => presence };
}

/** The worst that is said of each feature, as a place in VERDICTS. */
function ranksFor(before: Presence, after: Presence): Map<FeatureName, number> {
  const ranks = new Map<FeatureName, number>();
  for (const rule of rulesOn('features'))
    for (const finding of rule.findings({ from: uniform(before), to: uniform(after) }))
      if (finding.feature !== undefined && isFeatureName(finding.feature)) {
        const worst = ranks.get(finding.feature) ?? 0;
        ranks.set(finding.feature, Math.max(worst, rankOf([finding])));
      }
  return ranks;
}

interface Case {
  readonly before: Presence;
  readonly after: Presence;
  readonly ranks: ReadonlyMap<FeatureName, number>;
}

const CASES: readonly Case[] = PRESENCES.flatMap((before) =>
  PRESENCES.map((after) => ({ before, after, ranks: ranksFor(before, after) })),
);

/** Features that some case holds against a move. */
const DECISIVE = BITS.filter((name) => CASES.some(({ ranks }) => (ranks.get(name) ?? 0) > 0));
export const WIDTH = wordsFor(DECISIVE.length);

/** A verdict that follows where the target has `after` for a feature that the source needs otherwise. */
export interface Need {
  readonly rank: number;
  readonly after: Presence;
}

/** Worst verdicts first. */
export const NEEDS: readonly Need[] = [
  ...new Set(CASES.flatMap(({ ranks }) => [...ranks.values()])),
]
  .filter((rank) => rank > 0)
  .sort((a, b) => b - a)
  .flatMap((rank) => PRESENCES.map((after) => ({ rank, after })))
  .filter((need) => CASES.some((one) => DECISIVE.some((name) => follows(need, one, name))));

function follows({ rank, after }: Need, one: Case, name: FeatureName): boolean {
  return one.after === after && one.ranks.get(name) === rank;
}

/** Bits of a host: for each of NEEDS what it needs as a source, for each presence what it shows. */
export interface FeatureBits {
  readonly needs: readonly Uint32Array[];
  readonly shows: readonly Uint32Array[];
}

/** Equal for hosts of which featureBits are. */
export function featureKey(host: Capabilities): string {
  return DECISIVE.map((name) => host.effective(name)).join('');
}

export function featureBits(host: Capabilities): FeatureBits {
  const shown = DECISIVE.map((name) => host.effective(name));
  const setOf = (belongs: (name: FeatureName, presence: Presence) => boolean) => {
    const words = new Uint32Array(WIDTH);
    for (const [bit, name] of DECISIVE.entries())
      if (belongs(name, shown[bit] as Presence)) putBit(words, 0, bit);
    return words;
  };
  return {
    needs: NEEDS.map((need) =>
      setOf((name, presence) =>
        CASES.some((one) => one.before === presence && follows(need, one, name)),
      ),
    ),
    shows: PRESENCES.map((presence) => setOf((_, own) => own === presence)),
  };
}
