/** `cpugate verify --json` (schemas/verify-report.schema.json). */
import type { MeasuredCost } from '../mask/cost.js';
import { isKept, type Verification } from '../mask/verify.js';
import { hex, hex32 } from '../model/registers.js';
import { SCHEMA_VERSION } from './baseline-json.js';

export interface VerifyNames {
  readonly baseline: string;
  readonly host: string;
}

/** What is said beside the verdict. */
export interface VerifyNotes {
  readonly remarks: readonly string[];
  readonly cost: MeasuredCost;
}

function costJson(cost: MeasuredCost) {
  if (typeof cost === 'string') return { unmeasured: cost };
  return {
    unmaskedSwitch: cost.unmaskedSwitch ?? null,
    mixedSwitch: cost.mixedSwitch ?? null,
    maskedSwitch: cost.maskedSwitch ?? null,
    unmaskedCpuid: cost.unmaskedCpuid ?? null,
    trapOnOneCpu: cost.trapOnOneCpu ?? null,
    trapOnTwoCpus: cost.trapOnTwoCpus ?? null,
  };
}

export function verifyJson(
  result: Verification,
  names: VerifyNames,
  { remarks, cost }: VerifyNotes,
) {
  return {
    schemaVersion: SCHEMA_VERSION,
    ...names,
    verdict: isKept(result) ? 'kept' : 'broken',
    answers: result.answers,
    wrong: result.wrong.map(({ leaf, subleaf, register, seen, expected }) => ({
      leaf: hex(leaf),
      subleaf: hex(subleaf),
      register,
      seen: hex32(seen),
      expected: hex32(expected),
    })),
    wrongWords: result.wrongWords.map(({ name, seen, expected }) => ({
      name,
      seen: hex(seen),
      expected: hex(expected),
    })),
    missing: result.missing,
    shown: result.shown,
    leaks: result.leaks,
    cost: costJson(cost),
    remarks,
  };
}
