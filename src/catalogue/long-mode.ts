/**
 * What every CPU in long mode has. Programs use it without asking, or end where it is hidden: HotSpot
 * stops with "clflush is not supported" (vm_version_x86.cpp), Linux itself doesn't boot.
 * Sources: Linux arch/x86/Kconfig.cpufeatures, required for X86_64 (fpu, cx8, cmov, fxsr, sse, sse2, lm);
 * x86-64 psABI 1.1.1 table 3.1 (mmx, and syscall as SCE); the others, tsc, sep and clflush, are on each
 * CPU with long mode since the first ones, AMD's family 0xF and Intel's Nocona.
 */
import type { FeatureName } from './features.js';

export const EVERY_64_BIT_CPU: readonly FeatureName[] = [
  'fpu',
  'tsc',
  'cx8',
  'sep',
  'cmov',
  'clflush',
  'mmx',
  'fxsr',
  'sse',
  'sse2',
  'syscall',
  'lm',
];
