/**
 * A custom CPU template of Firecracker: bits of the CPUID that KVM offers, cleared. What the baseline has
 * is left as KVM gives it, never set: KVM may know less than the host.
 *
 * Firecracker refuses a template that names a leaf which KVM on the host doesn't give
 * (src/vmm/src/cpu_config/x86_64/mod.rs, apply_template), and the flags of an entry replace KVM's.
 */
import { type Baseline, ownAreaBytes } from '../baseline/baseline.js';
import { featureRow, REGISTERS, type Register } from '../catalogue/index.js';
import { subleafRule } from '../catalogue/subleaves.js';

import type { FirecrackerTemplate, LeafModifier } from './firecracker-template.js';
import { supervisorComponents, xsaveSizeBits } from './firecracker-xsave.js';
import { hiddenFeatures, mayBeSomewhere } from './hidden-features.js';
import { type Bitmap, EVERYWHERE, featureBits, keyOf, type LeafPlace } from './register-bits.js';
import { condition, notExpressed, note, type Remark } from './remark.js';
import type { Exported, Target } from './target.js';
import { vendorConditions } from './virtual-model.js';

const XSAVE_SIZES: LeafPlace = { leaf: 0xd, subleaf: 0 };
const XSAVE_FEATURES: LeafPlace = { leaf: 0xd, subleaf: 1 };
/** KVM gives guests of Firecracker nothing there: enclaves, processor trace, Key Locker, Centaur. */
const EMPTY_LEAVES: ReadonlySet<number> = new Set([0x12, 0x14, 0x19, 0xc0000001]);
/** The leaves to change, ascending. */
function leavesOf(baseline: Baseline): readonly LeafPlace[] {
  const places = new Map(EVERYWHERE.map((place) => [keyOf(place), place]));
  if (mayBeSomewhere(baseline, 'xsave'))
    for (const place of [XSAVE_SIZES, XSAVE_FEATURES]) places.set(keyOf(place), place);
  for (const name of hiddenFeatures(baseline)) {
    const { leaf, subleaf } = featureRow(name);
    if (!EMPTY_LEAVES.has(leaf)) places.set(keyOf({ leaf, subleaf }), { leaf, subleaf });
  }
  return [...places.values()].sort((a, b) => a.leaf - b.leaf || a.subleaf - b.subleaf);
}

function bitsOfRegister(baseline: Baseline, place: LeafPlace, register: Register): Bitmap {
  if (keyOf(place) === keyOf(XSAVE_SIZES)) {
    return xsaveSizeBits(baseline, register);
  }
  if (keyOf(place) === keyOf(XSAVE_FEATURES) && register === 'ecx')
    return supervisorComponents(baseline);
  return featureBits(baseline, place, register);
}

function modifierOf(baseline: Baseline, place: LeafPlace): LeafModifier {
  return {
    leaf: `0x${place.leaf.toString(16)}`,
    subleaf: `0x${place.subleaf.toString(16)}`,
    // KVM_CPUID_FLAG_SIGNIFCANT_INDEX: without it KVM gives this answer for every subleaf.
    flags: subleafRule(place.leaf) === undefined ? 0 : 1,
    modifiers: REGISTERS.map((register) => ({
      register,
      bits: bitsOfRegister(baseline, place, register),
    }))
      .filter(({ bits }) => !bits.isIdle)
      .map(({ register, bits }) => ({ register, bitmap: `0b${bits}` })),
  };
}

function refusals(places: readonly LeafPlace[]): readonly string[] {
  const base = new Set([...EVERYWHERE, XSAVE_SIZES, XSAVE_FEATURES].map(keyOf));
  const rare = places.map(keyOf).filter((key) => !base.has(key));
  return rare.length === 0
    ? []
    : [
        `Firecracker refuses a template with a leaf that KVM on the host lacks. On hosts where it does so for ${rare.map((key) => `leaf ${key}`).join(', ')}, take those entries out: nothing is to hide there.`,
      ];
}

function write(baseline: Baseline): Exported {
  const places = leavesOf(baseline);
  const template: FirecrackerTemplate = {
    cpuid_modifiers: places
      .map((place) => modifierOf(baseline, place))
      .filter(({ modifiers }) => modifiers.length > 0),
  };
  const remarks: Remark[] = [
    note(
      "Bits that only the guest's kernel uses (page tables, mitigations) stay those of the host, and MSRs too.",
    ),
    ...refusals(places).map(condition),
    ...vendorConditions(baseline.vendors),
  ];
  if (baseline.features.includes('xsave') && ownAreaBytes(baseline) === undefined)
    remarks.push(
      notExpressed(
        "The largest XSAVE area (leaf 0xd.0 ECX) stays the host's: for some hosts it is unknown where all state lies.",
      ),
    );
  return { content: `${JSON.stringify(template, null, 2)}\n`, remarks };
}

export const firecracker: Target = {
  name: 'firecracker',
  file: 'firecracker-template.json',
  write,
};
