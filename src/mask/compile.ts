/**
 * A baseline compiled for enforcement. Feature bits pass where the baseline has them and the CPU
 * shows them; what a mask sets are numbers: sizes, the AVX10 version. Everything else is denied
 * unless live-leaves.ts or shown-bits.ts names it.
 */
import type { Baseline } from '../baseline/baseline.js';
import { type FeatureRow, REGISTERS, ROWS } from '../catalogue/index.js';
import { REPEATED_BITS } from '../catalogue/repeated-bits.js';
import { subleafRule } from '../catalogue/subleaves.js';
import { and, fieldMask } from '../model/registers.js';
import { shownNumber } from '../model/shown-number.js';
import { LIVE_LEAVES } from './live-leaves.js';
import { ALL_SUBLEAVES, type Mask, type MaskRow } from './mask.js';
import { RowBuilder, type Subleaves } from './row-builder.js';
import { isShown } from './shown-bits.js';
import { addXsaveRows, sizesOf } from './xsave-rows.js';

export interface CompiledMask {
  readonly mask: Mask;
  /** What was decided for lack of data; for people. */
  readonly remarks: readonly string[];
}

const EVERY: Subleaves = [0, ALL_SUBLEAVES];

const LIVE_IN_ALL_SUBLEAVES: ReadonlySet<number> = new Set(
  LIVE_LEAVES.filter(({ subleaves }) => subleaves === undefined).map(({ leaf }) => leaf),
);

/** A feature's own subleaf; all where the leaf ignores ECX, or where they have one row already. */
function subleavesOf({ leaf, subleaf }: FeatureRow): Subleaves {
  const isOneRow = subleafRule(leaf) === undefined || LIVE_IN_ALL_SUBLEAVES.has(leaf);
  return isOneRow ? EVERY : [subleaf, subleaf];
}

/** HWCAP2_FSGSBASE (Linux asm/hwcap2.h). Bit 0, ring-3 MWAIT of Knights Landing, is never shown. */
const HWCAP2_FSGSBASE = 2n;

function addFeatures(rows: RowBuilder, baseline: Baseline): void {
  const features = new Set(baseline.features);
  for (const row of ROWS.filter((one) => isShown(one, features))) {
    const at = subleavesOf(row);
    if (typeof row.bit === 'number') {
      const bit = fieldMask(row.bit, row.bit);
      rows.keep(row.leaf, at, row.reg, bit);
      const { leaf, reg, ofLeaf, ofReg, bits } = REPEATED_BITS;
      if (row.leaf === ofLeaf && row.reg === ofReg) rows.keep(leaf, EVERY, reg, and(bit, bits));
    } else
      rows.set(row.leaf, at, row.reg, (shownNumber(row.name, baseline) ?? 1) * 2 ** row.bit[1]);
  }
}

function addLive(rows: RowBuilder, baseline: Baseline): void {
  const features = new Set(baseline.features);
  for (const { leaf, subleaves = EVERY, registers, needs, perCpu } of LIVE_LEAVES) {
    if (needs !== undefined && !features.has(needs)) continue;
    for (const register of registers ?? REGISTERS) rows.keep(leaf, subleaves, register);
    if (perCpu) rows.markPerCpu(leaf, subleaves);
  }
}

/** AT_HWCAP is leaf 1 EDX (Linux arch/x86/include/asm/elf.h, ELF_HWCAP). */
function hwcapOf(rows: readonly MaskRow[]): bigint {
  const leaf1 = rows.find(({ leaf }) => leaf === 1);
  return BigInt(leaf1?.keep.edx ?? 0);
}

/** Pure. Throws InputError ("size-unknown") where the baseline tells too little to be safe. */
export function compileMask(baseline: Baseline): CompiledMask {
  const builder = new RowBuilder();
  const sizes = sizesOf(baseline);
  addFeatures(builder, baseline);
  addLive(builder, baseline);
  addXsaveRows(builder, baseline, sizes);
  const rows = builder.finish();
  return {
    mask: {
      rows,
      hwcap: { keep: hwcapOf(rows), set: 0n },
      hwcap2: { keep: baseline.features.includes('fsgsbase') ? HWCAP2_FSGSBASE : 0n, set: 0n },
      minSigStackBytes: sizes.minSigStackBytes,
      xcompPermitted: baseline.xcr0,
      xcr0: baseline.xcr0,
    },
    remarks: sizes.remarks,
  };
}
