/**
 * Leaf 0xD of an OpenVZ table. Sizes are those of the largest host, since XSAVE with all bits set writes
 * all that the real host enables; a size of 0 where OSXSAVE is set breaks glibc, so without sizes there
 * are no lines. The subleaves stand for every component that some host enables, where all that have it
 * lay it out alike: a program that sizes a compacted area by them then has room everywhere.
 */
import type { Baseline } from '../baseline/baseline.js';
import { hardwareGroups } from '../baseline/cluster.js';
import { isPlaceless } from '../baseline/tally.js';
import { componentName, componentRow } from '../catalogue/index.js';
import { hostOfBaseline } from '../formats/baseline.js';
import { type LeafTable, leafTable, readRegister } from '../model/leaves.js';
import { type Registers, split64 } from '../model/registers.js';
import type { StateComponent } from '../model/xsave.js';

export interface OverrideLine extends Registers {
  readonly leaf: number;
  /** Undefined: the leaf has none. */
  readonly subleaf: number | undefined;
}

export interface XsaveLines {
  readonly lines: readonly OverrideLine[];
  /** What they can't say, a sentence each. */
  readonly lost: readonly string[];
}

/** The one place that all hosts with the component have it in; undefined where there is none. */
function placeOf(bit: number, baseline: Baseline): StateComponent | undefined {
  const places = hardwareGroups(baseline.cluster).flatMap(
    ({ kind }) => [...kind.components, ...kind.shown].find((one) => one.bit === bit) ?? [],
  );
  const [first] = places;
  const shape = ({ size, offset, aligned }: StateComponent) => `${size} ${offset} ${aligned}`;
  if (first === undefined || isPlaceless(first)) return undefined;
  return first.aligned !== undefined && places.every((one) => shape(one) === shape(first))
    ? first
    : undefined;
}

/** ECX: bit 1 aligned in the compacted format, bit 2 armed by XFD (Intel SDM vol. 2A, leaf 0xD). */
function componentLine({ bit, size, offset, aligned }: StateComponent): OverrideLine {
  const xfd = componentRow(bit)?.xfd === true;
  return {
    leaf: 0xd,
    subleaf: bit,
    eax: size ?? 0,
    ebx: offset ?? 0,
    ecx: (aligned === true ? 2 : 0) + (xfd ? 4 : 0),
    edx: 0,
  };
}

/** The compacted format has the same components without gaps, so it is never longer. */
function compactedBytes(baseline: Baseline, area: number): number {
  const compacts = baseline.features.some((name) => name === 'xsavec' || name === 'xsaves');
  return compacts ? (baseline.compactedBytes ?? area) : 0;
}

function mainLines(baseline: Baseline, area: number, leaves: LeafTable): OverrideLine[] {
  const { low, high } = split64(baseline.xcr0);
  const most = Math.max(area, baseline.offeredBytes ?? 0);
  return [
    { leaf: 0xd, subleaf: 0, eax: low, ebx: area, ecx: most, edx: high },
    {
      leaf: 0xd,
      subleaf: 1,
      eax: readRegister(leaves, 0xd, 1, 'eax').value,
      ebx: compactedBytes(baseline, area),
      ecx: 0,
      edx: 0,
    },
  ];
}

export function xsaveLines(baseline: Baseline): XsaveLines {
  const { areaBytes: area, xcr0 } = baseline;
  if (area === 0) return { lines: [], lost: [] };
  if (xcr0 === 0n)
    return {
      lines: [],
      lost: [
        'Leaf 0xD stays as it is on each host: OSXSAVE, in leaf 1, goes on saying that it counts.',
      ],
    };
  if (area === undefined)
    return {
      lines: [],
      lost: [
        'Leaf 0xD stays as it is on each host: the size of the XSAVE area is unknown for some hosts.',
      ],
    };
  const leaves = hostOfBaseline('baseline', baseline).cpus[0]?.leaves ?? leafTable([]);
  const bits = baseline.subleaves.map(({ bit }) => bit);
  const places = bits.map((bit) => placeOf(bit, baseline));
  const placeless = bits.filter((_, at) => places[at] === undefined);
  return {
    lines: [
      ...mainLines(baseline, area, leaves),
      ...places.filter((place) => place !== undefined).map(componentLine),
    ],
    lost:
      placeless.length === 0
        ? []
        : [
            `The place of ${placeless.map(componentName).join(', ')} state differs between hosts or is unknown, and stays each host's.`,
          ],
  };
}
