/**
 * The x86-64 psABI levels. Each includes the one before.
 * Sources: x86-64 psABI supplement 1.1.1 table 3.1; glibc sysdeps/x86/get-isa-level.h.
 *
 * SYSCALL is part of v1 in the psABI but not asked for here: Intel CPUs show the bit only to
 * 64-bit programs, so a dump taken by a 32-bit one would seem to have no level at all, and every
 * CPU with long mode has it. glibc doesn't check it either.
 */
import type { FeatureName } from './features.js';

export interface Level {
  readonly name: string;
  readonly features: readonly FeatureName[];
}

export const LEVELS = [
  {
    name: 'x86-64-v1',
    features: ['lm', 'fpu', 'cx8', 'cmov', 'fxsr', 'mmx', 'sse', 'sse2'],
  },
  {
    name: 'x86-64-v2',
    features: ['cx16', 'lahf_lm', 'popcnt', 'pni', 'ssse3', 'sse4_1', 'sse4_2'],
  },
  {
    name: 'x86-64-v3',
    features: ['avx', 'avx2', 'bmi1', 'bmi2', 'f16c', 'fma', 'abm', 'movbe', 'osxsave'],
  },
  {
    name: 'x86-64-v4',
    features: ['avx512f', 'avx512bw', 'avx512cd', 'avx512dq', 'avx512vl'],
  },
] as const satisfies readonly Level[];

export type LevelName = (typeof LEVELS)[number]['name'];

/** All that the level asks for, those of the levels before it included. */
export function featuresOfLevel(level: LevelName): ReadonlySet<FeatureName> {
  const place = LEVELS.findIndex(({ name }) => name === level);
  return new Set(LEVELS.slice(0, place + 1).flatMap(({ features }) => features));
}
