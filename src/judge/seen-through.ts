/**
 * A host as tasks saw it that were started under a mask: only what the mask shows, and the sizes that
 * it shows. What no mask covers (vendor, cache lines, widths) stays the host's.
 */
import {
  COMPONENTS,
  type ComponentRow,
  type FeatureName,
  isFeatureName,
  isLegacyState,
} from '../catalogue/index.js';
import type { Capabilities, CpuDifference } from '../model/capabilities.js';
import { isUserVisible } from '../model/prerequisites.js';
import { ALL_KNOWN_64, hasBit64 } from '../model/registers.js';
import { shownNumber } from '../model/shown-number.js';
import { ABSENT, type Presence, type ShownComponent, type XsaveState } from '../model/xsave.js';
import type { SeenMask } from '../rules/context.js';

/**
 * The subleaves that a mask showed its tasks. Of older masks only those of its own components are known;
 * of one that is the mask's only since hosts have left, whether all of its tasks have seen it is not.
 */
function maskShown({ xcr0, floors: { subleaves } }: SeenMask): ShownComponent[] {
  return COMPONENTS.flatMap(({ bit, kind, ...row }: ComponentRow): ShownComponent[] => {
    if (isLegacyState(bit) || kind === 'supervisor') return [];
    const place = subleaves?.find((one) => one.bit === bit);
    const isOwn = hasBit64(xcr0, bit);
    if (subleaves !== undefined && place === undefined && !isOwn) return [];
    return [
      {
        bit,
        size: place?.size ?? row.size,
        offset: place?.offset,
        aligned: place?.aligned ?? row.aligned,
        isKnown: place !== undefined || (subleaves === undefined && isOwn),
      },
    ];
  });
}

function maskXsave(xsave: XsaveState, mask: SeenMask): XsaveState {
  const { xcr0, floors } = mask;
  const { areaBytes, offeredBytes, compactedBytes } = floors;
  return {
    ...xsave,
    offered: { ...xsave.offered, value: xsave.offered.value & xcr0 },
    // What the mask hides is known to be hidden, told or not.
    enabled: {
      value: xsave.enabled.value & xcr0,
      known: xsave.enabled.known | (ALL_KNOWN_64 & ~xcr0),
    },
    areaBytes: xcr0 === 0n ? 0 : areaBytes,
    leastAreaBytes: xcr0 === 0n ? 0 : areaBytes,
    offeredBytes,
    compactedBytes,
    components: xsave.components.filter(({ bit }) => hasBit64(xcr0, bit)),
    shown: maskShown(mask),
  };
}

/** CPUs that disagree in what the mask hides have shown their tasks the same. */
export function maskDifferences(
  differences: readonly CpuDifference[],
  { features }: SeenMask,
): CpuDifference[] {
  const shown = new Set<string>(features);
  return differences.filter(({ what }) => !isFeatureName(what) || shown.has(what));
}

export function seenThrough(host: Capabilities, mask: SeenMask): Capabilities {
  const shown = new Set(mask.features);
  const hide =
    (presence: (name: FeatureName) => Presence) =>
    (name: FeatureName): Presence =>
      isUserVisible(name) && !shown.has(name) ? ABSENT : presence(name);
  const { minSigStackBytes, ...system } = host.system;
  const frame = mask.floors.minSigStackBytes ?? minSigStackBytes;
  return {
    ...host,
    system: { ...system, ...(frame === undefined ? {} : { minSigStackBytes: frame }) },
    hardware: hide(host.hardware),
    effective: hide(host.effective),
    // AT_HWCAP2's bit for it is hidden (mask/compile.ts).
    kernelFact: (fact) => (fact === 'ring3mwait' ? ABSENT : host.kernelFact(fact)),
    fieldValue: (name) => lower(shownNumber(name, mask), host.fieldValue(name)),
    xsave: maskXsave(host.xsave, mask),
    differences: maskDifferences(host.differences, mask),
    // A mask hides every bit without a name.
    unnamed: new Map(),
  };
}

function lower(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : Math.min(a, b);
}
