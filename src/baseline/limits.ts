/** What a baseline can't give, whoever enforces it. */
import type { DifferenceCode } from './agreements.js';
import { type Baseline, hiddenComponents } from './baseline.js';
import { type Cluster, type ClusterGroup, hardwareGroups } from './cluster.js';
import { isPlaceless } from './tally.js';

export interface Limit {
  readonly code:
    | 'xgetbv'
    | 'unasked-instructions'
    | DifferenceCode
    | 'layout-differs'
    | 'sizes-unknown';
  /** One sentence for people. */
  readonly effect: string;
}

/** XGETBV can't be intercepted (Intel SDM vol. 3C, 25.1.2 lists what can; no prctl exists). */
function xgetbv(baseline: Baseline): Limit {
  const hidden = hiddenComponents(baseline);
  const start = 'XGETBV always answers with the real XCR0';
  return {
    code: 'xgetbv',
    effect:
      hidden.length === 0
        ? `${start}; here no host enables state beyond the baseline's.`
        : `${start}: tasks that ask it instead of CPUID see ${hidden.join(', ')}, and XSAVE with all ` +
          'bits set writes them, so the sizes are those of the largest host.',
  };
}

function differing(baseline: Baseline): Limit[] {
  const limits: Limit[] = [];
  const { vendors, cacheLineBytes: lines, linearAddressBits: widths } = baseline.accepts;
  if (vendors.length > 1)
    limits.push({
      code: 'vendor-differs',
      effect:
        `The vendors stay ${vendors.join(' and ')}: approximate results (RCPPS, RSQRTPS, x87 ` +
        'transcendentals) differ in their last bits, and libraries choose code by vendor.',
    });
  if (lines.length > 1)
    limits.push({
      code: 'cache-line-differs',
      effect: `Cache lines have ${lines.join(' and ')} bytes; code that flushes line by line is wrong on one of them.`,
    });
  if (widths.length > 1)
    limits.push({
      code: 'address-width-differs',
      effect: `Linear addresses have ${widths.join(' and ')} bits; boot the wider hosts with no5lvl.`,
    });
  return limits;
}

/** Hosts whose area's size is unknown. */
export function sizelessGroups(cluster: Cluster): readonly ClusterGroup[] {
  return hardwareGroups(cluster).filter(({ kind }) => kind.areaBytes === undefined);
}

function isOfLevels(cluster: Cluster): boolean {
  return [...cluster.values()].every(({ kind }) => kind.onlyFeatures);
}

/** What gives a size to a baseline that has none. */
export function sizeRemedy(cluster: Cluster): string {
  return isOfLevels(cluster)
    ? 'A level leaves open where AVX-512 state lies, which differs by vendor. Give it together with your ' +
        'hosts, whose layout it takes: cpugate baseline HOST... x86-64-v4 -o FILE.'
    : 'Record the hosts with "cpugate probe", which leaves nothing out, and make the baseline of these records.';
}

export function limitsOf(baseline: Baseline): Limit[] {
  const placeless = baseline.components.filter(isPlaceless);
  const limits: Limit[] = [
    xgetbv(baseline),
    {
      code: 'unasked-instructions',
      effect: "A program that uses an instruction without asking CPUID isn't stopped.",
    },
    ...differing(baseline),
  ];
  if (placeless.length > 0)
    limits.push({
      code: 'layout-differs',
      effect: `The layout of ${placeless.map((one) => one.name).join(', ')} state is not known to be the same on all hosts.`,
    });
  const silent = sizelessGroups(baseline.cluster);
  if (silent.length > 0)
    limits.push({
      code: 'sizes-unknown',
      effect:
        `The size of the XSAVE area is unknown for ${silent.reduce((sum, { count }) => sum + count, 0)} of the ` +
        `hosts, so no size is known to be safe${isOfLevels(baseline.cluster) ? ': a level has none of its own' : '; record them with "cpugate probe"'}.`,
    });
  return limits;
}
