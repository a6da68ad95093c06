/** Clusters made by hand, of hosts from test/hosts.ts and of shipped CPU models. */
import { type Baseline, type BaselineOptions, baselineOf } from '../../src/baseline/baseline.js';
import { type Join, JoinJudge } from '../../src/baseline/change.js';
import { type Cluster, clusterOf } from '../../src/baseline/cluster.js';
import { type BaselineFile, readBaselineFile } from '../../src/formats/baseline.js';
import { openInput } from '../../src/formats/format.js';
import { type Capabilities, describeHost } from '../../src/model/capabilities.js';
import { baselineFileText, baselineJson } from '../../src/report/baseline-json.js';
import { AMD_AVX512, type HostPlan, INTEL_AVX512, seen, V4 } from '../hosts.js';
import { hostOf as modelOf } from '../profiles/load.js';

export function planned(...plans: readonly HostPlan[]): Cluster {
  return clusterOf(plans.map((plan) => seen(plan)));
}

export function models(...names: readonly string[]): Cluster {
  return clusterOf(names.map((name) => describeHost(modelOf(name))));
}

export function baselineOfPlans(plans: readonly HostPlan[], options?: BaselineOptions): Baseline {
  return baselineOf(planned(...plans), options);
}

/** As if the hosts had come with --add. */
export function joinHosts(before: Baseline, joining: readonly Capabilities[]): Join {
  const judge = new JoinJudge('cluster', before);
  for (const host of joining) judge.add(host);
  return judge.finish(clusterOf(joining));
}

export function joinPlans(before: Baseline, ...plans: readonly HostPlan[]): Join {
  return joinHosts(
    before,
    plans.map((plan) => seen(plan)),
  );
}

export function fileText(baseline: Baseline): string {
  return baselineFileText(baselineJson(baseline, { cpugate: 'test' }));
}

export function readText(text: string, name = 'cluster.json'): BaselineFile {
  return readBaselineFile(openInput(name, new TextEncoder().encode(text)));
}

/** AVX-512 servers with protection keys, as Intel and AMD lay their state out. */
export const INTEL_512: HostPlan = {
  name: 'intel-512',
  features: [...V4, 'pku', 'ospke'],
  mask: 0x2e7n,
  places: { ...INTEL_AVX512, 9: [8, 2688] },
  areaBytes: 2696,
};
export const AMD_512: HostPlan = {
  name: 'amd-512',
  vendor: 'AuthenticAMD',
  features: [...V4, 'pku', 'ospke', 'clzero'],
  mask: 0x2e7n,
  places: { ...AMD_AVX512, 9: [8, 2432] },
  areaBytes: 2440,
};
/** AVX-512 whose state has an untold place, as in a list of flags. */
export const PLACELESS_512: HostPlan = {
  name: 'flags-512',
  features: V4,
  mask: 0xe7n,
  places: { 2: [256, 576] },
};
