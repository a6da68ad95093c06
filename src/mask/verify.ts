/**
 * What a program under a mask saw, held against what it should see. Pure.
 */
import { VISIBLE } from '../baseline/host-kind.js';
import { type FeatureName, REGISTERS } from '../catalogue/index.js';
import { PER_CPU_FIELDS } from '../catalogue/per-cpu-fields.js';
import { type Described, describeHost } from '../model/capabilities.js';
import type { Cpu, Host } from '../model/host.js';
import { findLeaf, type LeafRow, leafTable } from '../model/leaves.js';
import {
  ALL_KNOWN_64,
  NO_REGISTERS,
  type Register,
  type Registers,
  without,
} from '../model/registers.js';
import { PRESENT } from '../model/xsave.js';
import { maskedAnswer } from './apply.js';
import { type AuxvWord, auxvWords } from './auxv-words.js';
import { findLeaks, type Leak, type OtherRoads } from './leaks.js';
import { findMaskRow, type Mask } from './mask.js';

/** What the program under the mask printed. */
export interface SeenAnswers {
  readonly rows: readonly LeafRow[];
  readonly xcr0: bigint | undefined;
  readonly hwcap: bigint | undefined;
  readonly hwcap2: bigint | undefined;
  readonly minSigStackBytes: number | undefined;
}

export interface WrongAnswer {
  readonly leaf: number;
  readonly subleaf: number;
  readonly register: Register;
  readonly seen: number;
  readonly expected: number;
}

export interface WrongWord {
  readonly name: AuxvWord['name'];
  readonly seen: bigint;
  readonly expected: bigint;
}

export interface Verification {
  readonly answers: number;
  readonly wrong: readonly WrongAnswer[];
  readonly wrongWords: readonly WrongWord[];
  /** Features of the baseline that the program didn't see. */
  readonly missing: readonly FeatureName[];
  /** Features that it saw and the baseline lacks. */
  readonly shown: readonly FeatureName[];
  readonly leaks: readonly Leak[];
}

/** Bits that may be any CPU's own. */
function ownBits(leaf: number, register: Register): number {
  return PER_CPU_FIELDS.find((field) => field.leaf === leaf && field.reg === register)?.bits ?? 0;
}

function isSame(leaf: number, register: Register, a: Registers, b: Registers): boolean {
  const own = ownBits(leaf, register);
  return without(a[register], own) === without(b[register], own);
}

/** Each kind of CPU may have answered; where none fits, the first says what was expected. */
function wrongIn(mask: Mask, seen: LeafRow, cpus: readonly Cpu[]): WrongAnswer[] {
  const { leaf, subleaf } = seen;
  const expected = cpus.map(({ leaves }) => maskedAnswer(mask, leaves, leaf, subleaf));
  const fits = (answer: Registers) =>
    REGISTERS.every((register) => isSame(leaf, register, seen, answer));
  if (expected.some(fits)) return [];
  const first = expected[0] ?? NO_REGISTERS;
  return REGISTERS.filter((register) => !isSame(leaf, register, seen, first)).map((register) => ({
    leaf,
    subleaf,
    register,
    seen: seen[register],
    expected: first[register],
  }));
}

/**
 * A leaf that wasn't asked without the mask can't be judged unless the mask keeps nothing of it. No
 * probe asks such a leaf: masks offer fewer than CPUs.
 */
function isJudgeable(mask: Mask, { leaf, subleaf }: LeafRow, [first]: readonly Cpu[]): boolean {
  if (first !== undefined && findLeaf(first.leaves, leaf, subleaf) !== undefined) return true;
  const keep = findMaskRow(mask, leaf, subleaf)?.keep ?? NO_REGISTERS;
  return REGISTERS.every((register) => keep[register] === 0);
}

function wrongWords(mask: Mask, seen: SeenAnswers, { system }: Host): WrongWord[] {
  const { hwcap, hwcap2, minSigStackBytes: frame } = seen;
  const told = {
    AT_HWCAP: hwcap,
    AT_HWCAP2: hwcap2,
    AT_MINSIGSTKSZ: frame === undefined ? undefined : BigInt(frame),
  };
  return auxvWords(mask, system).flatMap(({ name, masked: expected }) => {
    const got = told[name];
    return got === undefined || got === expected ? [] : [{ name, seen: got, expected }];
  });
}

/** As a careful program reads it: CPUID's offer counts, whatever XGETBV adds. */
function featuresSeen(seen: SeenAnswers, mask: Mask, host: Host): Set<FeatureName> {
  const { xcr0: _, ...bare } = host.cpus[0] as Cpu;
  const cpu: Cpu = {
    ...bare,
    leaves: leafTable(seen.rows),
    ...(seen.xcr0 === undefined
      ? {}
      : { xcr0: { value: seen.xcr0 & mask.xcr0, known: ALL_KNOWN_64 } }),
  };
  const { hwcap2 } = seen;
  const system = { ...host.system, ...(hwcap2 === undefined ? {} : { hwcap2 }) };
  const capabilities = describeHost({ ...host, cpus: [cpu], system });
  return new Set(VISIBLE.filter((name) => capabilities.effective(name) === PRESENT));
}

/** `here`: the machine as it is without a mask. */
export function verifyMask(
  mask: Mask,
  baseline: readonly FeatureName[],
  here: Described,
  seen: SeenAnswers,
  roads: OtherRoads,
): Verification {
  const { host } = here;
  const judged = seen.rows.filter((row) => isJudgeable(mask, row, host.cpus));
  const features = new Set(baseline);
  const visible = featuresSeen(seen, mask, host);
  return {
    answers: judged.length,
    wrong: judged.flatMap((row) => wrongIn(mask, row, host.cpus)),
    wrongWords: wrongWords(mask, seen, host),
    missing: baseline.filter((name) => !visible.has(name)),
    shown: [...visible].filter((name) => !features.has(name)),
    leaks: findLeaks({ mask, features, here: here.seen, roads }),
  };
}

export function isKept({ wrong, wrongWords, missing, shown, answers }: Verification): boolean {
  const bad = wrong.length + wrongWords.length + missing.length + shown.length;
  return answers > 0 && bad === 0;
}
