/**
 * The comparisons of CRIU's cpu_validate_features, in its order (criu/arch/x86/cpu.c). What an image
 * doesn't hold, CRIU takes from the host, so that it agrees.
 */
import { componentName, type FeatureName } from '../catalogue/index.js';
import {
  ALL_KNOWN,
  and,
  bitsOf,
  hex,
  type Known32,
  NOTHING_KNOWN,
  or,
  without,
} from '../model/registers.js';
import { ABSENT, PRESENT, type Presence, UNKNOWN } from '../model/xsave.js';
import { instructionMask } from './instruction-mask.js';
import { presenceInWords } from './probe.js';
import type { CriuView, Stored } from './record.js';
import { nameBits, nameUnknownBits } from './words.js';

export interface CheckResult {
  /** CRIU's own words, where it surely refuses. */
  readonly reason?: string;
  /** Names of what the image has and the host lacks. */
  readonly lacking?: readonly string[];
  /** Names of what only the host has, where that is a reason too. */
  readonly added?: readonly string[];
  /** What would have to be known for an answer. */
  readonly missing?: readonly string[];
}

export type Check = (image: CriuView, host: CriuView) => CheckResult;

const PASS: CheckResult = {};

/** Bits of the image's state that CRIU wants on the host too, in the order in which it lists them. */
const FPU_FEATURES: readonly FeatureName[] = ['fpu', 'fxsr', 'osxsave', 'xsaves'];

function lost(image: CriuView, host: CriuView, name: FeatureName): Presence {
  const before = presenceInWords(image.words, name);
  const after = presenceInWords(host.words, name);
  if (before === ABSENT || after === PRESENT) return ABSENT;
  return before === PRESENT && after === ABSENT ? PRESENT : UNKNOWN;
}

const fpuFeatures: Check = (image, host) => {
  const states = FPU_FEATURES.map((name) => ({ name, state: lost(image, host, name) }));
  const lacking = states.filter(({ state }) => state === PRESENT).map(({ name }) => name);
  const missing = states.filter(({ state }) => state === UNKNOWN).map(({ name }) => name);
  if (lacking.length === 0) return { missing };
  const flags = states.map(({ name, state }) => `${name}:${state === PRESENT ? 1 : 0}`);
  const reason = 'FPU feature required by image is not supported on host';
  return missing.length > 0
    ? { reason, lacking }
    : { reason: `${reason} (${flags.join(' ')})`, lacking };
};

const stateComponents: Check = ({ xfeaturesMask: image }, { xfeaturesMask: host }) => {
  if (image === 'not-stored') return PASS;
  const missing = ['the state components that CRIU finds'];
  if (image === undefined) return { missing };
  const maybe = image.value | BigInt.asUintN(64, ~image.known);
  // A host that was read from an old image tells no mask.
  if (host === undefined || host === 'not-stored') return maybe === 0n ? PASS : { missing };
  const gone = image.value & host.known & ~host.value;
  const unsure = (maybe & ~(host.known & host.value) & ~gone) !== 0n;
  if (gone === 0n) return unsure ? { missing } : PASS;
  const reason = 'CPU xfeatures has unsupported bits';
  return {
    reason: unsure ? reason : `${reason} (${hex(gone)})`,
    lacking: bitsOf(gone).map(componentName),
  };
};

function sameSize(what: string, title: string, sizeOf: (view: CriuView) => Stored<number>): Check {
  return (image, host) => {
    const [before, after] = [sizeOf(image), sizeOf(host)];
    if (before === 'not-stored') return PASS;
    if (before === undefined || typeof after !== 'number') return { missing: [title] };
    return before === after ? PASS : { reason: `CPU xsave ${what} mismatch (${before}/${after})` };
  };
}

function wordAt(view: CriuView, place: number): Known32 {
  return view.words[place] ?? NOTHING_KNOWN;
}

/** Words that the image holds; CRIU takes the rest from the host. */
function comparedWords(image: CriuView): number[] {
  return image.words.map((_, place) => place);
}

const instructions: Check = (image, host) => {
  const lacking: string[] = [];
  const missing: string[] = [];
  for (const place of comparedWords(image)) {
    const [before, after] = [wordAt(image, place), wordAt(host, place)];
    const mask = instructionMask()[place] ?? 0;
    const gone = and(mask, without(and(before.value, after.known), after.value));
    const surelyOff = without(before.known, before.value);
    const open = without(without(mask, or(surelyOff, and(after.known, after.value))), gone);
    lacking.push(...nameBits(place, and(gone, before.known)));
    missing.push(...nameUnknownBits(place, open));
  }
  if (lacking.length === 0) return { missing };
  return { reason: 'CPU instruction capabilities do not match run time', lacking };
};

/** Every bit of every word, those included that tell one machine from its twin. */
const sameWords: Check = (image, host) => {
  const lacking: string[] = [];
  const added: string[] = [];
  const missing: string[] = [];
  for (const place of comparedWords(image)) {
    const [before, after] = [wordAt(image, place), wordAt(host, place)];
    const known = and(before.known, after.known);
    lacking.push(...nameBits(place, and(known, without(before.value, after.value))));
    added.push(...nameBits(place, and(known, without(after.value, before.value))));
    missing.push(...nameUnknownBits(place, without(ALL_KNOWN, known)));
  }
  if (lacking.length + added.length === 0) return { missing };
  return { reason: 'CPU capabilities do not match run time', lacking, added };
};

export const FPU_CHECKS: readonly Check[] = [
  fpuFeatures,
  stateComponents,
  sameSize('size', "the XSAVE area's size", (view) => view.xsaveSize),
  sameSize('max size', "the XSAVE area's largest size", (view) => view.xsaveSizeMax),
];
export const INS_CHECKS: readonly Check[] = [instructions];
export const CPU_CHECKS: readonly Check[] = [sameWords];
