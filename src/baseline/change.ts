/** What a baseline would become with a host more, or one fewer. Tasks that run under it count. */
import { componentName, type FeatureName, featureRow } from '../catalogue/index.js';
import type { Report } from '../judge/judge.js';
import { refuses, VERDICTS, type Verdict } from '../judge/verdict.js';
import type { Capabilities } from '../model/capabilities.js';
import { lossSeverity } from '../model/loss-severity.js';
import { bitsOf } from '../model/registers.js';
import { type Baseline, baselineOf, gainedIn, maskOfComponents } from './baseline.js';
import { type Cluster, mergeClusters } from './cluster.js';
import type { Dropped } from './drop-reasons.js';
import { type Limit, limitsOf } from './limits.js';
import { judgeUnder } from './under-mask.js';

export interface Join {
  /** Nothing blocks it, nothing that decides is unknown, and no running task loses a feature. */
  readonly accepted: boolean;
  /** Of tasks under the baseline that go to the host; of several hosts the worst. */
  readonly verdict: Verdict;
  readonly findings: Report['findings'];
  readonly lost: readonly Dropped[];
  /** State components that the baseline would lose. */
  readonly lostState: readonly string[];
  /** What the baseline can't give with the host, and could without it. */
  readonly limits: readonly Limit[];
  readonly before: Baseline;
  readonly after: Baseline;
}

/** The baseline of a changed cluster; what tasks have seen stays, whatever hosts come and go. */
function changed(before: Baseline, cluster: Cluster): Baseline {
  const { options, floors } = before;
  return { ...baselineOf(cluster, { ...options, floors }), floors };
}

/** What no baseline hides, and was the same on all hosts until now. */
function newLimits(before: Baseline, after: Baseline): Limit[] {
  const known = new Set(limitsOf(before).map(({ code }) => code));
  return limitsOf(after).filter(({ code }) => !known.has(code));
}

/** What hosts that want to join are judged by, one after the other. */
export class JoinJudge {
  #verdict: Verdict = 'compatible';
  readonly #found = new Map<string, Report['findings'][number]>();
  readonly #name: string;
  readonly #before: Baseline;

  /** `name`: what reports call the baseline. */
  constructor(name: string, before: Baseline) {
    this.#name = name;
    this.#before = before;
  }

  add(host: Capabilities): void {
    const { verdict, findings } = judgeUnder(this.#name, this.#before, host);
    if (VERDICTS.indexOf(verdict) > VERDICTS.indexOf(this.#verdict)) this.#verdict = verdict;
    for (const finding of findings) this.#found.set(JSON.stringify(finding), finding);
  }

  /** `joining`: the hosts that were added, as a cluster. */
  finish(joining: Cluster): Join {
    const before = this.#before;
    const after = changed(before, mergeClusters([before.cluster, joining]));
    const lost = after.dropped.filter(({ feature }) => before.features.includes(feature));
    const state = new Set(after.components.map(({ bit }) => bit));
    const lostState = bitsOf(maskOfComponents(before.components))
      .filter((bit) => !state.has(bit))
      .map(componentName);
    // A later host is judged by the baseline as it is then: what running tasks use must be in it.
    const forgets =
      lostState.length > 0 ||
      lost.some(({ feature }) => lossSeverity(featureRow(feature)) === 'blocker');
    return {
      accepted: !refuses(this.#verdict, 'unknown') && !forgets,
      verdict: this.#verdict,
      findings: [...this.#found.values()],
      lost,
      lostState,
      limits: newLimits(before, after),
      before,
      after,
    };
  }
}

export interface Leave {
  readonly gained: readonly FeatureName[];
  readonly gainedState: readonly string[];
  readonly before: Baseline;
  readonly after: Baseline;
}

/** One host of the kind with this key leaves; its name, where given, goes too. Sizes stay. */
export function leaveCluster(before: Baseline, key: string, name?: string): Leave {
  const group = before.cluster.get(key);
  if (group === undefined) throw new Error('no such kind in the cluster');
  const rest = new Map(before.cluster);
  if (group.count === 1) rest.delete(key);
  else
    rest.set(key, {
      ...group,
      count: group.count - 1,
      names: group.names.filter((one) => one !== name),
    });
  const after = changed(before, mergeClusters([rest]));
  const bits = new Set(before.components.map(({ bit }) => bit));
  return {
    gained: gainedIn(after, before),
    gainedState: after.components.filter(({ bit }) => !bits.has(bit)).map((one) => one.name),
    before,
    after,
  };
}
