/** Whether a host can give a baseline: tasks under its mask must be able to do all that it shows. */
import type { Baseline } from '../baseline/baseline.js';
import { componentName, type FeatureName } from '../catalogue/index.js';
import type { Capabilities } from '../model/capabilities.js';
import { explainAbsence } from '../model/explain-absence.js';
import { bitsOf, hasBit64 } from '../model/registers.js';
import { PRESENT } from '../model/xsave.js';

export interface Misfit {
  readonly code: 'feature-missing' | 'avx10-version' | 'xsave-area' | 'state-layout';
  readonly reason: string;
  readonly remedy: string;
}

const REMAKE =
  'Start the program on another host, or make a new baseline that includes this one: cpugate baseline ' +
  'HOST... localhost -o FILE.';

function describeMissing(here: Capabilities, name: FeatureName): string {
  const why = explainAbsence(here, name);
  return why === undefined ? name : `${name} (${why})`;
}

function missingFeatures(baseline: Baseline, here: Capabilities): Misfit[] {
  const missing = baseline.features.filter((name) => here.effective(name) !== PRESENT);
  if (missing.length === 0) return [];
  const list = missing.map((name) => describeMissing(here, name)).join(', ');
  return [
    {
      code: 'feature-missing',
      reason: `this host lacks what the baseline shows: ${list}`,
      remedy: REMAKE,
    },
  ];
}

function lowerAvx10({ avx10Version }: Baseline, here: Capabilities): Misfit[] {
  if (avx10Version === undefined) return [];
  const version = here.fieldValue('avx10_version');
  if (version !== undefined && version >= avx10Version) return [];
  return [
    {
      code: 'avx10-version',
      reason: `this host has AVX10 version ${version ?? 'unknown'}, the baseline shows ${avx10Version}`,
      remedy: REMAKE,
    },
  ];
}

/** Features whose state ends behind the area that tasks will have seen. */
function behind(here: Capabilities, area: number): string {
  const names = here.xsave.components
    .filter(({ size, offset }) => (size ?? 0) + (offset ?? 0) > area)
    .map(({ name }) => name);
  return names.length === 0 ? '' : ` (${names.join(', ')})`;
}

function areaText(whose: string, bytes: number | undefined): string {
  return bytes === undefined
    ? `the size of ${whose} XSAVE area is unknown`
    : `${whose} XSAVE area has ${bytes} bytes`;
}

/** CPUID can be masked, what XSAVE writes can't: buffers sized by the baseline must hold it. */
function largerArea({ xcr0, areaBytes }: Baseline, here: Capabilities): Misfit[] {
  if (xcr0 === 0n) return [];
  const real = here.xsave.areaBytes;
  if (areaBytes !== undefined && real !== undefined && real <= areaBytes) return [];
  return [
    {
      code: 'xsave-area',
      reason:
        `${areaText("this host's", real)}, ${areaText("the baseline's", areaBytes)}: programs that size ` +
        `their buffers by the mask would overrun them here${behind(here, areaBytes ?? 0)}`,
      remedy: `Boot the host with clearcpuid= and the features that make its area larger. Or: ${REMAKE}`,
    },
  ];
}

function otherLayout({ components, xcr0 }: Baseline, here: Capabilities): Misfit[] {
  const moved = components.filter(({ bit, size, offset }) => {
    const place = here.xsave.components.find((one) => one.bit === bit);
    if (size === null || offset === null || place === undefined) return false;
    return place.size !== size || place.offset !== offset;
  });
  const off = bitsOf(xcr0).filter((bit) => !hasBit64(here.xsave.enabled.value, bit));
  if (moved.length === 0 && off.length === 0) return [];
  const names = [
    ...moved.map(({ name }) => name),
    ...off.map((bit) => `${componentName(bit)} (off)`),
  ];
  return [
    {
      code: 'state-layout',
      reason: `the XSAVE layout of this host differs from the baseline's: ${names.join(', ')}`,
      remedy: REMAKE,
    },
  ];
}

/** All reasons against it; none: the host can give the baseline. */
export function findMisfits(baseline: Baseline, here: Capabilities): Misfit[] {
  return [
    ...missingFeatures(baseline, here),
    ...lowerAvx10(baseline, here),
    ...largerArea(baseline, here),
    ...otherLayout(baseline, here),
  ];
}
