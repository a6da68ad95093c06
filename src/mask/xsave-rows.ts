/**
 * Leaf 0xD under a mask. Components go down with the features, sizes go up: the areas are the largest
 * of any host, and a component that some host enables or shows keeps its size though the baseline lacks
 * it, for glibc adds up subleaves without asking which are offered, and XSAVEC on a host that enables
 * it leaves room for it.
 * Source: Intel SDM vol. 1, 13.2 and 13.4.3; glibc sysdeps/x86/cpu-features.c (update_active).
 */
import type { Baseline } from '../baseline/baseline.js';
import { sizeRemedy } from '../baseline/limits.js';
import { isLegacyState, LEGACY_STATE } from '../catalogue/index.js';
import { InputError } from '../model/errors.js';
import { alignUp } from '../model/packed-area.js';
import { bitsOf, hasBit64, split64 } from '../model/registers.js';
import { LEGACY_AREA_BYTES } from '../model/xsave.js';
import type { RowBuilder } from './row-builder.js';

const LEAF = 0xd;
const ALIGNMENT = 64;
/** Component n of subleaf n ECX: it is aligned to 64 bytes in the compacted format. */
const ALIGNED = 2;

export interface MaskSizes {
  readonly areaBytes: number;
  readonly offeredBytes: number;
  readonly compactedBytes: number;
  readonly minSigStackBytes: number;
  /** What was decided for lack of data; for people. */
  readonly remarks: readonly string[];
}

/** What the kernel puts beside the state: registers, siginfo, padding; some 950 bytes. */
const FRAME_BESIDE_STATE_BYTES = 1024;

/**
 * Components don't overlap in the standard format, so the compacted one is larger only by what
 * aligns them. Supervisor state, which 0xD.1 EBX counts too, is for XSAVES alone: tasks can't.
 */
function compactedBound(areaBytes: number, enabled: bigint): number {
  return alignUp(areaBytes) + ALIGNMENT * bitsOf(enabled).length;
}

/** The baseline has XSAVE, and no size of its area is known to be enough on all hosts: no mask then. */
export function isAreaUnknown({ xcr0, areaBytes }: Pick<Baseline, 'xcr0' | 'areaBytes'>): boolean {
  return xcr0 !== 0n && areaBytes === undefined;
}

function refuseUnknownArea({ cluster }: Baseline): never {
  throw new InputError(
    'size-unknown',
    'the size of the XSAVE area is unknown for some hosts of the baseline, so no size is known to be safe',
    { remedy: sizeRemedy(cluster) },
  );
}

/** Sizes that tasks shall see. Throws InputError where a wrong one would let them overrun buffers. */
export function sizesOf(baseline: Baseline): MaskSizes {
  const remarks: string[] = [];
  const hasXsave = baseline.xcr0 !== 0n;
  if (isAreaUnknown(baseline)) refuseUnknownArea(baseline);
  const areaBytes = Math.max(baseline.areaBytes ?? 0, LEGACY_AREA_BYTES);
  // No host writes more than is enabled, whatever its CPU would offer.
  const offeredBytes = Math.max(baseline.offeredBytes ?? 0, areaBytes);
  let compactedBytes = baseline.compactedBytes;
  if (compactedBytes === undefined) {
    compactedBytes = compactedBound(areaBytes, baseline.enabledAnywhere);
    if (hasXsave)
      remarks.push(
        `The size of the compacted XSAVE area is unknown for some hosts: the mask shows ${compactedBytes} bytes, which no host exceeds.`,
      );
  }
  let { minSigStackBytes } = baseline;
  if (minSigStackBytes === undefined) {
    minSigStackBytes = (hasXsave ? areaBytes : 0) + FRAME_BESIDE_STATE_BYTES;
    remarks.push(
      `AT_MINSIGSTKSZ is unknown for some hosts: the mask shows at least ${minSigStackBytes} bytes, enough for the XSAVE area that it shows.`,
    );
  }
  return { areaBytes, offeredBytes, compactedBytes, minSigStackBytes, remarks };
}

/** Components that the baseline lacks, and some host enables or shows. */
function addHidden(rows: RowBuilder, { subleaves, xcr0 }: Baseline): void {
  for (const { bit, size, offset, aligned } of subleaves) {
    if (hasBit64(xcr0, bit)) continue;
    const at = [bit, bit] as const;
    rows.set(LEAF, at, 'eax', size ?? 0);
    rows.set(LEAF, at, 'ebx', offset ?? 0);
    rows.set(LEAF, at, 'ecx', aligned ? ALIGNED : 0);
  }
}

/** Adds leaf 0xD but for the instructions' bits in subleaf 1. Without XSAVE it answers zeros. */
export function addXsaveRows(rows: RowBuilder, baseline: Baseline, sizes: MaskSizes): void {
  if (!baseline.features.includes('xsave')) return;
  // A CPU with XSAVE offers the legacy state at least, enabled or not.
  const { low, high } = split64(baseline.xcr0 | LEGACY_STATE);
  rows.keep(LEAF, [0, 0], 'eax', low);
  rows.keep(LEAF, [0, 0], 'edx', high);
  rows.set(LEAF, [0, 0], 'ebx', sizes.areaBytes);
  rows.set(LEAF, [0, 0], 'ecx', sizes.offeredBytes);
  rows.set(LEAF, [1, 1], 'ebx', sizes.compactedBytes);
  for (const bit of bitsOf(baseline.xcr0))
    if (!isLegacyState(bit))
      for (const register of ['eax', 'ebx', 'ecx', 'edx'] as const)
        rows.keep(LEAF, [bit, bit], register);
  addHidden(rows, baseline);
}
