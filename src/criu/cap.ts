/**
 * The argument of CRIU's --cpu-cap, read exactly as CRIU reads it (parse_cpu_cap in its
 * criu/config.c).
 */
import { InputError } from '../model/errors.js';

/** What CRIU compares. */
export interface CriuCap {
  readonly fpu: boolean;
  readonly ins: boolean;
  readonly cpu: boolean;
}

const FPU = 1;
const CPU = 2;
const INS = 4;
const ALL = FPU | CPU | INS;
/** Without --cpu-cap. */
const DEFAULT = FPU | INS;

/** CRIU looks only at the first letters, so that "fpuins" is two of them. */
const WORDS: readonly (readonly [word: string, bits: number])[] = [
  ['fpu', FPU],
  ['all', ALL],
  ['none', 0],
  ['cpu', CPU],
  ['ins', INS],
];

function unknownWord(rest: string): InputError {
  return new InputError('usage', `CRIU has no CPU capability "${rest.slice(0, 40)}"`, {
    remedy: 'It takes fpu, ins, cpu, all and none, with commas between them and ^ for "not".',
  });
}

/**
 * The words add to what is on without the option, "cpu" meaning fpu, ins and cpu; ^ takes away and
 * stays in force until a comma; "none" empties the set, whatever came before. "default" stands for
 * no option at all. Throws InputError.
 */
export function parseCriuCap(text: string): CriuCap {
  let bits = DEFAULT;
  let inverse = false;
  let at = text === 'default' ? text.length : 0;
  while (at < text.length) {
    const letter = text[at];
    if (letter === '^' || letter === ',') {
      inverse = letter === '^' && !inverse;
      at++;
      continue;
    }
    const found = WORDS.find(([word]) => text.startsWith(word, at));
    if (found === undefined) throw unknownWord(text.slice(at));
    const [word, mask] = found;
    if (word === 'none') bits = inverse ? ALL : 0;
    else bits = inverse ? bits & ~mask : bits | mask;
    at += word.length;
  }
  return { fpu: (bits & FPU) !== 0, ins: (bits & INS) !== 0, cpu: (bits & CPU) !== 0 };
}

/** `criu cpuinfo check` takes an empty set for all; `criu restore` then checks nothing. */
export function capOfCheck(cap: CriuCap): CriuCap {
  return cap.fpu || cap.ins || cap.cpu ? cap : { fpu: true, ins: true, cpu: true };
}
