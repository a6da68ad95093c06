/** What a page about a fleet shows, as values: made of the matrix, the baseline, and what they were made of. */
import { type Baseline, costsOf, countHosts, levelOf } from '../../baseline/baseline.js';
import { kindOf } from '../../baseline/host-kind.js';
import { poolsOf } from '../../baseline/pools.js';
import { findingsOf, sidesUnder, weigh } from '../../judge/judge.js';
import type { Verdict } from '../../judge/verdict.js';
import type { MatrixView } from '../../matrix/view.js';
import type { Capabilities } from '../../model/capabilities.js';
import type { StateComponent } from '../../model/xsave.js';
import { SEVERITIES, type Severity } from '../../rules/finding.js';
import { advicesOf, codesBriefly, groupFindings } from '../../rules/group.js';
import { baselineJson } from '../baseline-json.js';
import { featureLabel, labelOf } from '../feature-label.js';
import { rankBetween } from '../matrix-marks.js';

/** More aren't looked at, and a table of them is no table any more: those with most hosts are shown. */
export const MOST_SHOWN_KINDS = 64;
/** In sentences: they are the same for many pairs but for the two hosts' names. Private to Unicode's users. */
export const FROM_MARK = '\ue000';
export const TO_MARK = '\ue001';

/** Several findings of one code that one sentence tells. */
export interface PageFinding {
  readonly severity: Severity;
  readonly code: string;
  readonly subjects: readonly string[];
  readonly effect: string;
}

/** What tasks of one kind find otherwise on another, by place in Fleet.findings and Fleet.advices. */
export interface PageMove {
  readonly findings: readonly number[];
  readonly advices: readonly number[];
  /** Place in Fleet.harmless; undefined: there is no harmless difference. */
  readonly harmless: number | undefined;
}

export interface PageKind {
  /** Its first host. */
  readonly name: string;
  readonly count: number;
  /** What the CPU calls itself; undefined: it doesn't. */
  readonly brand: string | undefined;
  readonly level: string | undefined;
  readonly xsave: {
    readonly areaBytes: number | undefined;
    readonly components: readonly StateComponent[];
  };
}

export interface Fleet {
  /** ISO 8601. */
  readonly made: string;
  readonly cpugate: string;
  /** With the place of their kind in `kinds`; undefined: it isn't among those shown. */
  readonly hosts: readonly { readonly name: string; readonly kind: number | undefined }[];
  /** How many there are; `kinds` may be fewer. */
  readonly kindCount: number;
  /** In the matrix's order. */
  readonly kinds: readonly PageKind[];
  readonly counts: Readonly<Record<Verdict, number>>;
  readonly moves: number;
  /** Places in VERDICTS, a row for each of `kinds`; undefined from a single host to itself. */
  readonly ranks: readonly (readonly (number | undefined)[])[];
  readonly findings: readonly PageFinding[];
  readonly advices: readonly string[];
  /** Codes of harmless differences, as `check` lists them. */
  readonly harmless: readonly string[];
  /** A row for each of `kinds`; undefined: there is no difference. */
  readonly reasons: readonly (readonly (PageMove | undefined)[])[];
  readonly baseline: {
    readonly level: string | undefined;
    readonly features: readonly string[];
    readonly areaBytes: number | undefined;
  };
  /** The baseline of all hosts as its file has it. */
  readonly file: object;
  /** Kinds of hosts without which the others would have more, most first. */
  readonly costs: readonly {
    readonly names: readonly string[];
    readonly count: number;
    readonly gained: readonly string[];
    readonly level: string | undefined;
  }[];
  /** What so many pools keep, of what a pool a kind would. */
  readonly pools: {
    readonly possible: number;
    readonly steps: readonly { readonly pools: number; readonly objective: number }[];
    readonly chosen: readonly {
      readonly count: number;
      readonly names: readonly string[];
      readonly level: string | undefined;
      readonly features: number;
    }[];
  };
}

const GRAVE = SEVERITIES.filter((severity) => severity !== 'info');

/** Each value once, by what it is as JSON. */
class Interned<T> {
  readonly values: T[] = [];
  readonly #places = new Map<string, number>();

  place(value: T): number {
    const key = JSON.stringify(value);
    let place = this.#places.get(key);
    if (place === undefined) {
      place = this.values.push(value) - 1;
      this.#places.set(key, place);
    }
    return place;
  }
}

function reasonsAmong(
  kinds: readonly Capabilities[],
  findings: Interned<PageFinding>,
  advices: Interned<string>,
  harmless: Interned<string>,
): (PageMove | undefined)[][] {
  const sources = kinds.map((kind) => ({ ...kind, name: FROM_MARK }));
  const targets = kinds.map((kind) => ({ ...kind, name: TO_MARK }));
  return sources.map((from) =>
    targets.map((to) => {
      const sides = sidesUnder(from, to);
      const { findings: all } = weigh(sides, findingsOf(sides));
      const counting = all.filter(({ severity }) => severity !== 'info');
      const others = all.filter(({ severity }) => severity === 'info');
      if (all.length === 0) return undefined;
      return {
        findings: GRAVE.flatMap((severity) =>
          groupFindings(counting.filter((one) => one.severity === severity)).map(
            ({ code, subjects, effect }) =>
              findings.place({ severity, code, subjects: subjects.map(labelOf), effect }),
          ),
        ),
        advices: advicesOf(counting).map((advice) => advices.place(advice)),
        harmless: others.length === 0 ? undefined : harmless.place(codesBriefly(others)),
      };
    }),
  );
}

function costsIn(baseline: Baseline): Fleet['costs'] {
  return costsOf(baseline.cluster, baseline.options)
    .filter(({ gained }) => gained.length > 0)
    .map(({ group, gained }) => ({
      names: group.names,
      count: group.count,
      gained: gained.map(featureLabel),
      level: levelOf([...baseline.features, ...gained]),
    }))
    .sort((a, b) => b.gained.length - a.gained.length || a.count - b.count);
}

function poolsIn(baseline: Baseline): Fleet['pools'] {
  const { possible, steps, pools } = poolsOf(baseline.cluster, {
    ...baseline.options,
    count: 'auto',
  });
  return {
    possible,
    steps: steps.map(({ pools: count, objective }) => ({ pools: count, objective })),
    chosen: pools.map(({ cluster, baseline: own }) => ({
      count: countHosts(cluster),
      names: [...cluster.values()].flatMap(({ names }) => names),
      level: own.level,
      features: own.features.length,
    })),
  };
}

/** Places in view.groups, in its order, of those with most hosts. */
function shownGroups({ groups }: MatrixView): number[] {
  const places = groups.map((_, place) => place);
  if (places.length <= MOST_SHOWN_KINDS) return places;
  const size = (place: number) => groups[place]?.hosts.length ?? 0;
  return places
    .sort((a, b) => size(b) - size(a) || a - b)
    .slice(0, MOST_SHOWN_KINDS)
    .sort((a, b) => a - b);
}

export interface FleetSources {
  readonly view: MatrixView;
  /** A host of each of view.groups. */
  readonly like: (group: number) => Capabilities;
  readonly baseline: Baseline;
  readonly made: string;
  readonly cpugate: string;
}

/** Pure. */
export function fleetOf({ view, like, baseline, made, cpugate }: FleetSources): Fleet {
  const shown = shownGroups(view);
  const kindOfHost = new Map<number, number>();
  for (const [kind, group] of shown.entries())
    for (const host of view.groups[group]?.hosts ?? []) kindOfHost.set(host, kind);
  const findings = new Interned<PageFinding>();
  const advices = new Interned<string>();
  const harmless = new Interned<string>();
  const reasons = reasonsAmong(shown.map(like), findings, advices, harmless);
  return {
    made,
    cpugate,
    hosts: view.names.map((name, host) => ({ name, kind: kindOfHost.get(host) })),
    kindCount: view.groups.length,
    kinds: shown.map((group): PageKind => {
      const { hosts } = view.groups[group] as MatrixView['groups'][number];
      const seen = like(group);
      const { features, areaBytes, components } = kindOf(seen);
      return {
        name: view.names[hosts[0] as number] as string,
        count: hosts.length,
        brand: seen.brand,
        level: levelOf(features),
        xsave: { areaBytes, components },
      };
    }),
    counts: view.counts,
    moves: view.moves,
    ranks: shown.map((from) => shown.map((to) => rankBetween(view, from, to))),
    findings: findings.values,
    advices: advices.values,
    harmless: harmless.values,
    reasons,
    baseline: {
      level: baseline.level,
      features: baseline.features.map(featureLabel),
      areaBytes: baseline.areaBytes,
    },
    file: baselineJson(baseline, { cpugate }),
    costs: costsIn(baseline),
    pools: poolsIn(baseline),
  };
}
