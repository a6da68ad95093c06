/** What many hosts have in common, kept as a file, and why it isn't more. */
import {
  baselineOf as baselineOfCluster,
  type BaselineOptions as InnerOptions,
} from '../baseline/baseline.js';
import { besideKind, type Cluster, ClusterFold, tooManyKinds } from '../baseline/cluster.js';
import { explainDrop } from '../baseline/explain-drop.js';
import { kindKey, kindOf } from '../baseline/host-kind.js';
import { joinOptions } from '../baseline/join-options.js';
import { maskable } from '../baseline/maskable.js';
import { featureIndex } from '../catalogue/index.js';
import { baseline as baselineFormat, readBaselineFile } from '../formats/baseline.js';
import { openInput } from '../formats/format.js';
import { describeHost } from '../model/capabilities.js';
import { InputError } from '../model/errors.js';
import { baselineFileText, baselineJson, whyJson } from '../report/baseline-json.js';
import { bytesOf, usage, visibleFeatureArgument } from './arguments.js';
import { frozenCopy, giveBaseline, innerBaseline, innerHost, isBaseline } from './handles.js';
import type {
  Baseline,
  BaselineOptions,
  Host,
  Pools,
  PoolsOptions,
  ReadOptions,
  WhyReport,
} from './shapes.js';
import { VERSION } from './version.js';

/** A baseline among the hosts joins with all of its own, and with what it was made with. */
function fold(hosts: readonly (Host | Baseline)[]): {
  readonly cluster: Cluster;
  readonly made: InnerOptions | undefined;
} {
  if (hosts.length === 0) throw usage('there is no host', 'A baseline needs at least one.');
  const folded = new ClusterFold();
  let made: InnerOptions | undefined;
  for (const one of hosts)
    if (isBaseline(one)) {
      const { cluster, options } = innerBaseline(one);
      made = joinOptions(made, options);
      for (const [key, group] of cluster) if (!folded.addGroup(group, key)) throw tooManyKinds();
    } else {
      const host = innerHost(one);
      const seen = describeHost(host);
      const kind = kindOf(seen);
      if (!folded.add(kind, kindKey(kind), host.name, besideKind(seen))) throw tooManyKinds();
    }
  return { cluster: folded.finish(), made };
}

function innerOptions(asked: BaselineOptions, made: InnerOptions | undefined): InnerOptions {
  const without = new Set([
    ...(made?.without ?? []),
    ...(asked.without ?? []).map((name) => maskable(visibleFeatureArgument(name))),
  ]);
  return {
    ...made,
    without: [...without].sort((a, b) => featureIndex(a) - featureIndex(b)),
    keepLayoutConflicts: asked.keepLayoutConflicts ?? made?.keepLayoutConflicts ?? false,
  };
}

/**
 * What all hosts have in common, with the XSAVE sizes that are safe on all of them; the answer of
 * `cpugate baseline --json`. The order of hosts doesn't matter. Throws InputError without a host.
 */
export function baselineOf(
  hosts: readonly (Host | Baseline)[],
  options: BaselineOptions = {},
): Baseline {
  const { cluster, made } = fold(hosts);
  return giveBaseline(baselineOfCluster(cluster, innerOptions(options, made)));
}

/**
 * Hosts grouped so that each group keeps more than all have in common. Rejects with InputError where
 * baselineOf would throw.
 */
export async function poolsOf(
  hosts: readonly (Host | Baseline)[],
  options: PoolsOptions,
): Promise<Pools> {
  const { count, ...asked } = options;
  if (count !== 'auto' && !(Number.isInteger(count) && count >= 1 && count <= 9999))
    throw usage(`there can't be ${count} pools`, 'count is "auto" or a number from 1 to 9999.');
  const { cluster, made } = fold(hosts);
  const { poolsOf: poolsOfCluster } = await import('../baseline/pools.js');
  const { pools, steps, possible } = poolsOfCluster(cluster, {
    ...innerOptions(asked, made),
    count,
  });
  return Object.freeze({
    pools: Object.freeze(pools.map(({ baseline }) => giveBaseline(baseline))),
    steps: frozenCopy(steps),
    possible,
  });
}

/**
 * A baseline out of its file. What it says must follow from the hosts in it. Throws InputError where
 * it doesn't, or is no baseline.
 */
export function readBaseline(
  input: Uint8Array | string,
  { name = 'baseline' }: ReadOptions = {},
): Baseline {
  const opened = openInput(name, bytesOf(input, name));
  if (!baselineFormat.recognise(opened))
    throw new InputError('not-a-baseline', 'is no baseline', {
      place: { file: name },
      remedy: 'Make one of any hosts with baselineOf.',
    });
  return giveBaseline(readBaselineFile(opened).baseline);
}

/** The text of a baseline's file, which `cpugate run --mask` and readBaseline take. */
export function writeBaseline(baseline: Baseline): string {
  return baselineFileText(baselineJson(innerBaseline(baseline), { cpugate: VERSION }));
}

/**
 * Why a baseline lacks a feature, in any project's spelling; the answer of `cpugate explain --why
 * --json`. Throws InputError where no baseline can have it.
 */
export function whyDropped(baseline: Baseline, feature: string): WhyReport {
  const why = explainDrop(innerBaseline(baseline), visibleFeatureArgument(feature));
  return frozenCopy(whyJson(why));
}
