/**
 * A custom CPU template of Firecracker: bits of the CPUID that KVM offers, cleared. What the baseline has
 * is left as KVM gives it, never set: KVM may know less than the host.
 *
 * Firecracker refuses a template that names a leaf which KVM on the host doesn't give
 * (src/vmm/src/cpu_config/x86_64/mod.rs, apply_template), and the flags of an entry replace KVM's.
 */
import { type Baseline, ownAreaBytes } from '../baseline/baseline.js';
import { VISIBLE } from '../baseline/host-kind.js';
import {
  EVERY_64_BIT_CPU,
  type FeatureName,
  featureRow,
  REGISTERS,
  type Register,
  ROWS,
} from '../catalogue/index.js';
import { subleafRule } from '../catalogue/subleaves.js';
import { shownNumber } from '../model/shown-number.js';
import { Bitmap, type FirecrackerTemplate, type LeafModifier } from './firecracker-template.js';
import { supervisorComponents, xsaveSizeBits } from './firecracker-xsave.js';
import { hiddenFeatures, mayBeSomewhere } from './hidden-features.js';
import { condition, notExpressed, note, type Remark } from './remark.js';
import type { Exported, Target } from './target.js';
import { SET_BY_GUEST, vendorConditions } from './virtual-model.js';

interface LeafPlace {
  readonly leaf: number;
  readonly subleaf: number;
}

const XSAVE_SIZES: LeafPlace = { leaf: 0xd, subleaf: 0 };
const XSAVE_FEATURES: LeafPlace = { leaf: 0xd, subleaf: 1 };
/** Every host that runs Firecracker has them. */
const ALWAYS: readonly LeafPlace[] = [
  { leaf: 0x1, subleaf: 0 },
  { leaf: 0x7, subleaf: 0 },
  { leaf: 0x80000001, subleaf: 0 },
];
/** KVM gives guests of Firecracker nothing there: enclaves, processor trace, Key Locker, Centaur. */
const EMPTY_LEAVES: ReadonlySet<number> = new Set([0x12, 0x14, 0x19, 0xc0000001]);
/** In these, bits that nobody named are features to come, and cleared as well. */
const FEATURES_ONLY: ReadonlySet<string> = new Set(['0x7.0', '0x7.1']);

function keyOf({ leaf, subleaf }: LeafPlace): string {
  return `0x${leaf.toString(16)}.${subleaf.toString(16)}`;
}

/** The leaves to change, ascending. */
function leavesOf(baseline: Baseline): readonly LeafPlace[] {
  const places = new Map(ALWAYS.map((place) => [keyOf(place), place]));
  if (mayBeSomewhere(baseline, 'xsave'))
    for (const place of [XSAVE_SIZES, XSAVE_FEATURES]) places.set(keyOf(place), place);
  for (const name of hiddenFeatures(baseline)) {
    const { leaf, subleaf } = featureRow(name);
    if (!EMPTY_LEAVES.has(leaf)) places.set(keyOf({ leaf, subleaf }), { leaf, subleaf });
  }
  return [...places.values()].sort((a, b) => a.leaf - b.leaf || a.subleaf - b.subleaf);
}

const LEFT_ALONE: ReadonlySet<FeatureName> = new Set([...EVERY_64_BIT_CPU, ...SET_BY_GUEST]);

function clearUnnamed(bitmap: Bitmap, place: LeafPlace, register: Register): void {
  const rows = ROWS.filter(
    ({ leaf, subleaf, reg }) =>
      leaf === place.leaf && subleaf === place.subleaf && reg === register,
  );
  if (rows.length === 0) return;
  const named = new Set(rows.map(({ bit }) => bit));
  for (let bit = 0; bit < 32; bit++) if (!named.has(bit)) bitmap.set(bit, '0');
}

/** Features of this register that the baseline lacks are cleared, named or not. */
function featureBits(baseline: Baseline, place: LeafPlace, register: Register): Bitmap {
  const bitmap = new Bitmap();
  if (FEATURES_ONLY.has(keyOf(place))) clearUnnamed(bitmap, place, register);
  const kept = new Set(baseline.features);
  for (const name of VISIBLE) {
    const { leaf, subleaf, reg, bit } = featureRow(name);
    if (leaf !== place.leaf || subleaf !== place.subleaf || reg !== register) continue;
    if (typeof bit !== 'number') {
      bitmap.setNumber(bit, kept.has(name) ? (shownNumber(name, baseline) ?? 1) : 0);
    } else if (!kept.has(name) && !LEFT_ALONE.has(name)) bitmap.set(bit, '0');
  }
  return bitmap;
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
      .map(({ register, bits }) => ({ register, bitmap: `${bits}` })),
  };
}

function refusals(places: readonly LeafPlace[]): readonly string[] {
  const base = new Set([...ALWAYS, XSAVE_SIZES, XSAVE_FEATURES].map(keyOf));
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
