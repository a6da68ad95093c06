/**
 * The cpuid= of a domain of Xen, for xl: bits of what Xen gives by default, cleared, in the form of registers. It
 * has no names, which Xen's releases spell differently, and reaches bits that nobody named.
 *
 * Sources: xl.cfg(5), cpuid, "Xend format"; libxl_cpuid_parse_config_xend() of tools/libs/light/libxl_cpuid.c; and
 * xc_cpuid_xend_policy() of tools/libs/guest/xg_cpuid_x86.c, which refuses a leaf that Xen doesn't give and to which "x"
 * is Xen's default. State components and their sizes Xen makes of the features (recalculate_xstate() of
 * xen/arch/x86/cpu-policy.c).
 */
import type { Baseline } from '../baseline/baseline.js';
import { featureRow, REGISTERS } from '../catalogue/index.js';
import { subleafRule } from '../catalogue/subleaves.js';
import { hiddenFeatures } from './hidden-features.js';
import { EVERYWHERE, featureBits, keyOf, type LeafPlace } from './register-bits.js';
import { condition, notExpressed, note } from './remark.js';
import type { Exported, Target } from './target.js';
import { vendorConditions } from './virtual-model.js';

/** Of the other leaves (AVX10, APX, tiles, Key Locker …) Xen gives guests nothing. */
const GIVEN: ReadonlySet<string> = new Set([
  ...EVERYWHERE.map(keyOf),
  '0x7.1',
  '0xd.1',
  '0x80000007.0',
  '0x80000008.0',
]);

function leavesOf(baseline: Baseline): readonly LeafPlace[] {
  const places = new Map(EVERYWHERE.map((place) => [keyOf(place), place]));
  for (const name of hiddenFeatures(baseline)) {
    const { leaf, subleaf } = featureRow(name);
    const place = { leaf, subleaf };
    if (GIVEN.has(keyOf(place))) places.set(keyOf(place), place);
  }
  return [...places.values()].sort((a, b) => a.leaf - b.leaf || a.subleaf - b.subleaf);
}

/** A leaf that has no subleaves is named without one. */
function nameOf({ leaf, subleaf }: LeafPlace): string {
  const name = `0x${leaf.toString(16)}`;
  return subleafRule(leaf) === undefined ? name : `${name},0x${subleaf.toString(16)}`;
}

interface Line {
  readonly leaf: string;
  readonly registers: readonly string[];
}

function lineOf(baseline: Baseline, place: LeafPlace): Line {
  const registers = REGISTERS.map((register) => ({
    register,
    bits: featureBits(baseline, place, register),
  }))
    .filter(({ bits }) => !bits.isIdle)
    .map(({ register, bits }) => `${register}=${bits}`);
  return { leaf: nameOf(place), registers };
}

function write(baseline: Baseline): Exported {
  const lines = leavesOf(baseline)
    .map((place) => lineOf(baseline, place))
    .filter(({ registers }) => registers.length > 0);
  const ofSome = lines.map(({ leaf }) => leaf).filter((leaf) => leaf.includes(','));
  const list = lines.map(({ leaf, registers }) => `  "${leaf}:${registers.join(',')}",\n`);
  return {
    content: `cpuid = [\n${list.join('')}]\n`,
    remarks: [
      note('For the configuration of a domain (xl.cfg). It holds from the start of the domain on.'),
      condition(
        `Xen refuses a domain with a leaf that it doesn't give on the host. Where it does so ("Missing leaf"), take that line out (of ${ofSome.join(' and ')}): nothing is to hide there.`,
      ),
      condition(
        'What the baseline has and Xen gives no domain by default stays hidden: hold a record of the domain against the baseline.',
      ),
      condition(
        'The domain is HVM or PVH: in a PV domain programs see the CPU itself where Xen cannot make CPUID fault.',
      ),
      ...vendorConditions(baseline.vendors),
      notExpressed(
        "Bits that only the domain's kernel uses (mitigations, page tables) stay those of the host, and so does what Dom0 sees.",
      ),
    ],
  };
}

export const xen: Target = { name: 'xen', file: 'xl.cfg', comments: 'hash', write };
