/**
 * Tasks under a baseline's mask, as a source: what they have seen is the baseline, and not the host that
 * they happened to start on. What no mask hides (vendor, cache line, width of addresses) was one of its
 * hosts'.
 */
import { findingsOf, type Report, sidesUnder, weigh } from '../judge/judge.js';
import { seenThrough } from '../judge/seen-through.js';
import type { Capabilities } from '../model/capabilities.js';
import { isUserVisible } from '../model/prerequisites.js';
import { ALL_KNOWN_64 } from '../model/registers.js';
import { ABSENT, PRESENT, type StateComponent } from '../model/xsave.js';
import type { SeenMask } from '../rules/context.js';
import type { Baseline } from './baseline.js';
import { hardwareGroups } from './cluster.js';
import type { HostKind } from './host-kind.js';

/** What tasks under the baseline see, and what was accepted when it was made. */
export function maskOf(name: string, baseline: Baseline): SeenMask {
  return { ...baseline, name };
}

type Numbers = Pick<HostKind, 'vendor' | 'cacheLineBytes' | 'linearAddressBits' | 'tiles'>;

function seenOn(
  { vendor, cacheLineBytes, linearAddressBits, tiles }: Numbers,
  baseline: Baseline,
  mask: SeenMask,
) {
  const shown = new Set(baseline.features);
  const presence: Capabilities['effective'] = (name) =>
    isUserVisible(name) && shown.has(name) ? PRESENT : ABSENT;
  const xcr0 = { value: baseline.xcr0, known: ALL_KNOWN_64 };
  const host: Capabilities = {
    name: mask.name,
    kind: 'model',
    onlyFeatures: false,
    system: {},
    vendor,
    signature: undefined,
    brand: undefined,
    hardware: presence,
    effective: presence,
    fieldValue: () => baseline.avx10Version,
    xsave: {
      offered: xcr0,
      enabled: xcr0,
      basis: 'read',
      areaBytes: baseline.floors.areaBytes,
      leastAreaBytes: baseline.floors.areaBytes,
      offeredBytes: baseline.floors.offeredBytes,
      compactedBytes: baseline.floors.compactedBytes,
      // The mask tells.
      shown: [],
      components: baseline.components,
    },
    cacheLineBytes,
    linearAddressBits,
    physicalAddressBits: undefined,
    tscHz: undefined,
    tiles,
    highestLeaves: { basic: undefined, structured: undefined, extended: undefined },
    kernelFact: () => ABSENT,
    differences: [],
    unnamed: new Map(),
    logicalCpus: 0,
    isBareMetal: undefined,
    assumedCpu: undefined,
  };
  return seenThrough(host, mask);
}

/** One for each that the baseline's hosts differ in and no mask hides. */
function sourcesUnder(baseline: Baseline, mask: SeenMask): Capabilities[] {
  const distinct = new Map<string, Numbers>();
  for (const { kind } of hardwareGroups(baseline.cluster)) {
    const { vendor, cacheLineBytes, linearAddressBits, tiles } = kind;
    distinct.set(JSON.stringify([vendor, cacheLineBytes, linearAddressBits, tiles]), kind);
  }
  return [...distinct.values()].map((numbers) => seenOn(numbers, baseline, mask));
}

/** A baseline as that which tasks under it see. */
export function shownUnder(name: string, baseline: Baseline): Capabilities {
  const [first] = sourcesUnder(baseline, maskOf(name, baseline));
  if (first === undefined) throw new Error('a baseline has a host');
  return first;
}

/** A level has its state where the baseline's hosts have it, and their sizes. */
function amongHosts(level: Capabilities, { floors, components }: Baseline): Capabilities {
  const { xsave } = level;
  const placed = xsave.components.map((one): StateComponent => {
    const { size, offset } = components.find(({ bit }) => bit === one.bit) ?? {};
    return { ...one, size: size ?? one.size, offset: offset ?? one.offset };
  });
  const { areaBytes, offeredBytes, compactedBytes } = xsave.areaBytes === 0 ? xsave : floors;
  return {
    ...level,
    xsave: { ...xsave, components: placed, areaBytes, offeredBytes, compactedBytes },
  };
}

/** May tasks that were started under the baseline, on any of its hosts, go on at `target`? */
export function judgeUnder(name: string, baseline: Baseline, target: Capabilities): Report {
  const mask = maskOf(name, baseline);
  const to = target.onlyFeatures ? amongHosts(target, baseline) : target;
  const contexts = sourcesUnder(baseline, mask).map((from) => sidesUnder(from, to, mask));
  const [first] = contexts;
  if (first === undefined) throw new Error('a baseline has a host');
  const found = new Map(
    contexts
      .flatMap((context) => findingsOf(context))
      .map((finding) => [JSON.stringify(finding), finding]),
  );
  return weigh(first, [...found.values()]);
}
