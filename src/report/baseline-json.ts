/** Baselines and what changes them as JSON (schemas/baseline*.schema.json, why-report.schema.json). */
import { type Baseline, costsOf, countHosts, gainedIn } from '../baseline/baseline.js';
import type { Join, Leave } from '../baseline/change.js';
import { firstNames, NAMES_KEPT } from '../baseline/cluster.js';
import type { Requirement, Why } from '../baseline/explain-drop.js';
import { kindId } from '../baseline/host-kind.js';
import { limitsOf } from '../baseline/limits.js';
import type { Nearest } from '../baseline/nearest.js';
import type { HostPool, Pools } from '../baseline/pools.js';
import { storeBaseline } from '../baseline/stored.js';
import { hex } from '../model/registers.js';

export const SCHEMA_VERSION = 1;

export interface BaselineExtras {
  /** Version of the program. */
  readonly cpugate: string;
  readonly nearest?: Nearest | undefined;
  readonly required?: readonly Requirement[];
  readonly pools?: Pools | undefined;
}

function poolJson({ cluster, baseline: ofPool }: HostPool, ofAll: Baseline) {
  const { features, level, xsave } = storeBaseline(ofPool);
  const { enabledAnywhere: _, ...shown } = xsave;
  const groups = [...cluster.values()];
  return {
    hostCount: countHosts(cluster),
    hosts: groups.map(({ kind }) => kindId(kind)),
    names: firstNames(groups, NAMES_KEPT),
    features,
    level,
    xsave: shown,
    gained: gainedIn(ofPool, ofAll),
  };
}

/** The Baseline file, and `baseline --json`. */
export function baselineJson(baseline: Baseline, extras: BaselineExtras) {
  const { cpugate, nearest, required, pools } = extras;
  const gains = new Map(
    costsOf(baseline.cluster, baseline.options).map(({ group, gained }) => [
      kindId(group.kind),
      gained,
    ]),
  );
  const { hosts, ...stored } = storeBaseline(baseline);
  return {
    schemaVersion: SCHEMA_VERSION,
    kind: 'cpugate-baseline' as const,
    cpugate,
    ...stored,
    limits: limitsOf(baseline),
    ...(nearest === undefined ? {} : { nearest }),
    ...(required === undefined || required.length === 0 ? {} : { required }),
    ...(pools === undefined
      ? {}
      : {
          pools: pools.pools.map((pool) => poolJson(pool, baseline)),
          poolSteps: { possible: pools.possible, steps: pools.steps },
        }),
    hosts: hosts.map((one) => ({ ...one, gain: gains.get(one.id) ?? [] })),
  };
}

/** One entry a line, and one line a kind of hosts: people read these files, and there may be many. */
export function baselineFileText(json: ReturnType<typeof baselineJson>): string {
  const lines = Object.entries(json).map(([name, value]) => {
    const head = ` ${JSON.stringify(name)}: `;
    if (!Array.isArray(value) || typeof value[0] !== 'object') return head + JSON.stringify(value);
    return `${head}[\n${value.map((one) => `  ${JSON.stringify(one)}`).join(',\n')}\n ]`;
  });
  return `{\n${lines.join(',\n')}\n}\n`;
}

function brief(baseline: Baseline) {
  return {
    hosts: countHosts(baseline.cluster),
    features: baseline.features.length,
    level: baseline.level ?? null,
    xcr0: hex(baseline.xcr0),
    size: baseline.areaBytes ?? null,
  };
}

/** `baseline --add HOST --to BASELINE --json`. */
export function joinJson({
  accepted,
  verdict,
  findings,
  limits,
  lost,
  lostState,
  before,
  after,
}: Join) {
  return {
    schemaVersion: SCHEMA_VERSION,
    change: 'add',
    accepted,
    verdict,
    lost,
    lostState,
    findings,
    limits,
    before: brief(before),
    after: brief(after),
  };
}

/** `baseline --remove HOST --to BASELINE --json`. */
export function leaveJson({ gained, gainedState, before, after }: Leave) {
  return {
    schemaVersion: SCHEMA_VERSION,
    change: 'remove',
    gained,
    gainedState,
    before: brief(before),
    after: brief(after),
  };
}

/** `explain --why FEATURE BASELINE --json`. */
export function whyJson(why: Why) {
  return { schemaVersion: SCHEMA_VERSION, ...why };
}
