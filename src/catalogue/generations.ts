/**
 * When a feature first came, by the designs that the rows' `since` names, so that a CPU of an older
 * design is known not to have it. Years are those of the first product with the core, not of the product
 * that first showed a feature: early Alder Lake had AVX-512 FP16 of Sapphire Rapids, since both have the
 * same core.
 *
 * Only a year before counts. Designs of the same year may have it, and so may any of a vendor whose CPUs
 * follow others' (Zhaoxin, Centaur).
 */
import type { FEATURES, FeatureRow } from './features.js';
import type { Microarchitecture } from './microarchitectures.js';

/** Lines of designs that take features over from each other: Intel's large cores, small cores, Xeon Phi. */
type Line = 'core' | 'atom' | 'phi' | 'amd' | 'via';

/**
 * - any: came with microcode or is a hypervisor's, so that no design is too old for it.
 * - none: no CPU that was ever sold has it.
 */
type Generation = 'any' | 'none' | readonly [Line, year: number];

type Since = Extract<(typeof FEATURES)[number], { readonly since: string }>['since'];
/** What stands between the separators of a `since`: a name that is missing below is a compile error. */
type Parts<Text extends string> = Text extends `${infer First}/${infer Rest}`
  ? Parts<First> | Parts<Rest>
  : Text extends `${infer First},${infer Rest}`
    ? Parts<First> | Parts<Rest>
    : Text;

const GENERATIONS: Readonly<Record<Parts<Since>, Generation>> = {
  '486': ['core', 1989],
  Pentium: ['core', 1993],
  PentiumPro: ['core', 1995],
  PentiumMMX: ['core', 1997],
  PentiumII: ['core', 1997],
  PentiumIII: ['core', 1999],
  Pentium4: ['core', 2000],
  Itanium: ['core', 2001],
  PentiumM: ['core', 2003],
  Prescott: ['core', 2004],
  'Prescott-2M': ['core', 2004],
  Nocona: ['core', 2004],
  'Nocona-late': ['core', 2004],
  Core2: ['core', 2006],
  Penryn: ['core', 2007],
  Nehalem: ['core', 2008],
  Atom: ['atom', 2008],
  Westmere: ['core', 2010],
  SandyBridge: ['core', 2011],
  IvyBridge: ['core', 2012],
  Haswell: ['core', 2013],
  'Haswell (disabled by microcode on many)': ['core', 2013],
  'Haswell-EP': ['core', 2013],
  Silvermont: ['atom', 2013],
  Broadwell: ['core', 2014],
  'Broadwell-E': ['core', 2014],
  'Broadwell-EP': ['core', 2014],
  Skylake: ['core', 2015],
  'Skylake-to-CometLake': ['core', 2015],
  'Skylake-microcode': 'any',
  Goldmont: ['atom', 2016],
  KabyLake: ['core', 2016],
  KnightsLanding: ['phi', 2016],
  'KnightsLanding-only': ['phi', 2016],
  'Skylake-SP': ['core', 2017],
  KnightsMill: ['phi', 2017],
  'KnightsMill-only': ['phi', 2017],
  GoldmontPlus: ['atom', 2017],
  'Goldmont+': ['atom', 2017],
  Gemini: ['atom', 2017],
  CannonLake: ['core', 2018],
  CascadeLake: ['core', 2019],
  IceLake: ['core', 2019],
  'IceLake-SP': ['core', 2019],
  CooperLake: ['core', 2020],
  Lakefield: ['core', 2020],
  SnowRidge: ['atom', 2020],
  Tremont: ['atom', 2020],
  TigerLake: ['core', 2020],
  'TigerLake (never seen enabled in the dumps)': ['core', 2020],
  AlderLake: ['core', 2021],
  SapphireRapids: ['core', 2021],
  'SapphireRapids-microcode': 'any',
  RaptorLake: ['core', 2022],
  EmeraldRapids: ['core', 2022],
  MeteorLake: ['core', 2023],
  'GraniteRapids(1)': ['core', 2023],
  GraniteRapids: ['core', 2023],
  'GraniteRapids-D': ['core', 2023],
  SierraForest: ['atom', 2024],
  GrandRidge: ['atom', 2024],
  LunarLake: ['core', 2024],
  ArrowLake: ['core', 2024],
  'ArrowLake-S': ['core', 2024],
  PantherLake: ['core', 2026],
  DiamondRapids: ['core', 2026],
  'DiamondRapids(2)': ['core', 2026],
  K6: ['amd', 1997],
  'K6-2-to-K10': ['amd', 1998],
  K7: ['amd', 1999],
  'K7-to-K10': ['amd', 1999],
  K8: ['amd', 2003],
  'K8-rev-D': ['amd', 2003],
  'K8-rev-G': ['amd', 2003],
  'K8-F': ['amd', 2003],
  K10: ['amd', 2007],
  'K10-E': ['amd', 2007],
  'K10-to-Excavator': ['amd', 2007],
  Bulldozer: ['amd', 2011],
  'Bulldozer-to-Excavator': ['amd', 2011],
  Piledriver: ['amd', 2012],
  Jaguar: ['amd', 2013],
  Puma: ['amd', 2014],
  'Piledriver-to-Excavator': ['amd', 2012],
  Steamroller: ['amd', 2014],
  Excavator: ['amd', 2015],
  Zen: ['amd', 2017],
  Zen2: ['amd', 2019],
  Zen3: ['amd', 2020],
  'Zen3-EPYC': ['amd', 2020],
  Zen4: ['amd', 2022],
  Zen5: ['amd', 2024],
  Zen6: ['amd', 2026],
  'Zen6-planned': ['amd', 2026],
  // AMD announced a matrix engine for Zen 7. What matters is that no design up to Zen 5 has it.
  'Zen7-planned': ['amd', 2027],
  Nehemiah: ['via', 2003],
  Esther: ['via', 2005],
  Zhaoxin: ['via', 2017],
  microcode: 'any',
  virtual: 'any',
  'never-shipped': 'none',
  withdrawn: 'none',
  future: 'none',
};

const VENDORS: Readonly<Record<Line, NonNullable<FeatureRow['vendor']>>> = {
  core: 'intel',
  atom: 'intel',
  phi: 'intel',
  amd: 'amd',
  via: 'via',
};

function lineOf({ vendor, line }: Microarchitecture): Line | undefined {
  switch (vendor) {
    case 'GenuineIntel':
      return line ?? 'core';
    case 'AuthenticAMD':
    // AMD's first Zen under a licence.
    case 'HygonGenuine':
      return 'amd';
    default:
      return undefined;
  }
}

/** Later designs are known by announcements: what they have that nobody told of stays open. */
const LAST_KNOWN_YEAR = 2025;

function generationsOf(row: FeatureRow): readonly Generation[] {
  const parts = row.since?.split(/[/,]/) ?? [];
  return parts.map((part) => GENERATIONS[part as Parts<Since>]);
}

/**
 * Whether no CPU of the design has the feature. Where none of its line is said to have had it first, the
 * vendor's other lines count, and then all; but a bit that is another vendor's own is never there.
 */
export function isTooOldFor(design: Microarchitecture, row: FeatureRow): boolean {
  const line = lineOf(design);
  const { coreYear = design.year } = design;
  if (line === undefined || coreYear === 'unknown' || coreYear === undefined) return false;
  if (coreYear > LAST_KNOWN_YEAR) return false;
  const all = generationsOf(row);
  if (all.length === 0 || all.includes('any')) return false;
  if (row.vendor !== undefined && row.vendor !== VENDORS[line]) return true;
  const firsts = all.filter((one) => typeof one !== 'string');
  const own = [
    firsts.filter(([of]) => of === line),
    firsts.filter(([of]) => VENDORS[of] === VENDORS[line]),
    firsts,
  ].find((some) => some.length > 0);
  return own?.every(([, year]) => coreYear < year) ?? true;
}
