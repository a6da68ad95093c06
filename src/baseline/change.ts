/** What a baseline would become with a host more, or one fewer. Tasks that run under it count. */
import { componentName, componentRow, type FeatureName, featureRow } from '../catalogue/index.js';
import { lossSeverity } from '../model/loss-severity.js';
import { bitsOf } from '../model/registers.js';
import { type Baseline, baselineOf, gainedIn, maskOfComponents } from './baseline.js';
import { type Cluster, mergeClusters } from './cluster.js';
import type { Dropped } from './drop-reasons.js';
import { limitsOf } from './limits.js';

export interface JoinFinding {
  readonly code:
    | 'feature-lost'
    | 'state-lost'
    | 'avx10-version-falls'
    | 'xsave-area-grows'
    | 'size-unknown'
    | 'compacted-area-grows'
    | 'signal-frame-grows'
    | 'vendor-differs'
    | 'cache-line-differs'
    | 'address-width-differs';
  /** A blocker refuses the host. */
  readonly severity: 'blocker' | 'risk';
  readonly effect: string;
  readonly remedy: string;
}

export interface Join {
  readonly accepted: boolean;
  readonly lost: readonly Dropped[];
  /** State components that the baseline would lose. */
  readonly lostState: readonly string[];
  readonly findings: readonly JoinFinding[];
  readonly before: Baseline;
  readonly after: Baseline;
}

/** MINSIGSTKSZ of <signal.h>: no alternate stack is smaller (see signal-frame-grows). */
const SMALLEST_STACK = 2048;

const KEEP_OUT =
  'Keep the host out. Or make a new baseline with it for new tasks, and move the tasks that run now ' +
  'only among the hosts of the old baseline.';

const NO_WIDE_ADDRESSES =
  'Boot the hosts that have the wider addresses with the kernel option no5lvl. Tasks that never ask for addresses above 2^47 are safe without it.';

/** The baseline of a changed cluster; what tasks have seen stays, whatever hosts come and go. */
function changed(before: Baseline, cluster: Cluster): Baseline {
  const { options, floors } = before;
  return { ...baselineOf(cluster, { ...options, floors }), floors };
}

/** Features whose state makes the joiner's area end behind the floor; hiding them makes it fit. */
function featuresBehind(joiner: Baseline, floor: number): FeatureName[] {
  const found = [...joiner.cluster.values()].flatMap(({ kind }) =>
    kind.components
      .filter(({ size, offset }) => size !== null && offset !== null && size + offset > floor)
      .flatMap(({ bit }): readonly FeatureName[] => componentRow(bit)?.enabledBy ?? []),
  );
  return [...new Set(found)].filter((name) =>
    [...joiner.cluster.values()].some(({ kind }) => kind.features.includes(name)),
  );
}

function areaFindings(before: Baseline, joiner: Baseline): JoinFinding[] {
  // Tasks that don't see XSAVE have sized nothing by it.
  if (before.xcr0 === 0n || joiner.areaBytes === 0) return [];
  const [floor, area] = [before.floors.areaBytes, joiner.areaBytes];
  if (floor === undefined || area === undefined)
    return [
      {
        code: 'size-unknown',
        severity: 'blocker',
        effect:
          area === undefined
            ? "The size of the host's XSAVE area is unknown; it may be larger than running tasks expect."
            : 'The size of the XSAVE area is unknown for some hosts of the baseline, so no host is known to fit.',
        remedy: 'Record the hosts with "cpugate probe", which leaves nothing out.',
      },
    ];
  if (area <= floor) return [];
  const hide = featuresBehind(joiner, floor);
  return [
    {
      code: 'xsave-area-grows',
      severity: 'blocker',
      effect:
        `The host's XSAVE area has ${area} bytes; tasks started under this baseline have seen ` +
        `${floor}, and one that saves with plain XSAVE overruns its buffer there.`,
      remedy:
        (hide.length > 0
          ? `Boot the host with clearcpuid=${hide.join(',')}, or give tasks a VM on it whose CPU model lacks ${hide.length > 1 ? 'these' : 'this'}; record it again and add it then. `
          : 'Give tasks a VM on the host whose CPU model has a smaller area. ') +
        'Or make a new baseline with the host, and start the tasks again under it.',
    },
  ];
}

function growthFindings(before: Baseline, joiner: Baseline): JoinFinding[] {
  const findings: JoinFinding[] = [];
  const compacts = before.features.some((name) => name === 'xsavec' || name === 'xsaves');
  const [floor, size] = [before.floors.compactedBytes, joiner.compactedBytes];
  if (compacts && floor !== undefined && size !== undefined && size > floor)
    findings.push({
      code: 'compacted-area-grows',
      severity: 'risk',
      effect: `The compacted XSAVE area grows from ${floor} to ${size} bytes: programs that size a buffer by CPUID 0xD.1 and save all of it overrun it.`,
      remedy: KEEP_OUT,
    });
  const [frame, larger] = [before.floors.minSigStackBytes, joiner.minSigStackBytes];
  if (frame !== undefined && larger !== undefined && larger > frame && larger > SMALLEST_STACK)
    findings.push({
      code: 'signal-frame-grows',
      severity: 'risk',
      effect: `Signal frames grow from ${frame} to ${larger} bytes: an alternate signal stack that a running task sized may be too small.`,
      remedy: KEEP_OUT,
    });
  const vendors = joiner.vendors.filter(
    (vendor) => vendor !== 'unknown' && !before.vendors.includes(vendor),
  );
  if (vendors.length > 0 && before.vendors.some((vendor) => vendor !== 'unknown'))
    findings.push({
      code: 'vendor-differs',
      severity: 'risk',
      effect: `${vendors.join(', ')} joins ${before.vendors.join(', ')}: approximate results differ in their last bits.`,
      remedy: 'Nothing hides the vendor; keep such hosts in a cluster of their own if it matters.',
    });
  return findings;
}

/** How a sentence about many features begins. */
function listed(names: readonly string[]): string {
  const shown = names.slice(0, 8).join(' ');
  return names.length > 8 ? `${shown} … (${names.length})` : shown;
}

function lossFindings(
  before: Baseline,
  after: Baseline,
  lost: readonly Dropped[],
  lostState: readonly string[],
): JoinFinding[] {
  const findings: JoinFinding[] = [];
  const loss = (
    code: JoinFinding['code'],
    effect: string,
    severity: 'blocker' | 'risk' = 'blocker',
  ) => findings.push({ code, severity, effect, remedy: KEEP_OUT });
  // What only makes code faster, or is felt by nobody, stops no task: hints, UMIP.
  for (const severity of ['blocker', 'risk'] as const) {
    const felt = lost
      .map(({ feature }) => feature)
      .filter((feature) => lossSeverity(featureRow(feature)) === severity);
    if (felt.length > 0)
      loss(
        'feature-lost',
        `The baseline would lose ${listed(felt)}, which running tasks may use.`,
        severity,
      );
  }
  if (lostState.length > 0)
    loss('state-lost', `The baseline would lose the state ${listed(lostState)}.`);
  const [version, lower] = [before.avx10Version, after.avx10Version];
  if (version !== undefined && lower !== undefined && lower < version)
    loss('avx10-version-falls', `AVX10 would fall from version ${version} to ${lower}.`);
  return findings;
}

/** What no baseline hides, and was the same on all hosts until now. */
function limitFindings(before: Baseline, after: Baseline): JoinFinding[] {
  const known = new Set(limitsOf(before).map(({ code }) => code));
  return limitsOf(after).flatMap(({ code, effect }): JoinFinding[] => {
    if (known.has(code)) return [];
    if (code === 'cache-line-differs')
      return [{ code, severity: 'risk', effect, remedy: KEEP_OUT }];
    if (code === 'address-width-differs')
      return [{ code, severity: 'risk', effect, remedy: NO_WIDE_ADDRESSES }];
    return [];
  });
}

/** Whether hosts can join without loss to the tasks that run under the baseline. */
export function joinCluster(before: Baseline, joining: Cluster): Join {
  const joiner = baselineOf(joining);
  const after = changed(before, mergeClusters([before.cluster, joining]));
  const kept = new Set(after.features);
  const lost = after.dropped.filter(({ feature }) => before.features.includes(feature));
  const state = new Set(after.components.map(({ bit }) => bit));
  const lostState = bitsOf(maskOfComponents(before.components))
    .filter((bit) => !state.has(bit))
    .map(componentName);
  const findings = [
    ...lossFindings(before, after, lost, lostState),
    ...areaFindings(before, joiner),
    ...growthFindings(before, joiner),
    ...limitFindings(before, after),
  ];
  if (before.features.some((name) => !kept.has(name)) !== lost.length > 0)
    throw new Error('a feature was lost without a reason');
  return {
    accepted: findings.every(({ severity }) => severity !== 'blocker'),
    lost,
    lostState,
    findings,
    before,
    after,
  };
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
