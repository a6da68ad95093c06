/**
 * Zig's -mcpu: the level of x86-64 and what goes beyond it. Zig makes code with LLVM, and its names are LLVM's, which
 * clang's options have, with "_" for whatever isn't a letter or a digit (lib/std/Target/x86.zig). Zig 0.13 has those of
 * LLVM 18.
 */
import type { Baseline } from '../baseline/baseline.js';
import { compilerOptions } from './compilers.js';
import { notExpressed, note } from './remark.js';
import type { Exported, Target } from './target.js';

const LLVM = 18;

/** "-msse4.1" is sse4_1. */
function featureOf(option: string): string {
  return option.replace(/^-m/, '').replace(/[^a-z0-9]/g, '_');
}

function write(baseline: Baseline): Exported {
  const { march, beyond, tooMuch, optionless } = compilerOptions('clang', baseline, 'Zig');
  const cpu = march.replace('-march=', '').replaceAll('-', '_');
  const now = beyond.filter(({ since }) => since <= LLVM).map(({ option }) => featureOf(option));
  const later = beyond.filter(({ since }) => since > LLVM).map(({ option }) => featureOf(option));
  const lost: string[] = [];
  if (optionless.length > 0)
    lost.push(`Zig has no name, or none that lasts, for ${optionless.join(', ')}.`);
  if (tooMuch.length > 0)
    lost.push(
      `${tooMuch.join(', ')} left out: Zig brings along with them what the baseline lacks.`,
    );
  if (later.length > 0) lost.push(`${later.join(', ')} left out, for later releases of Zig.`);
  return {
    content: `-mcpu=${[cpu, ...new Set(now)].join('+')}\n`,
    remarks: [
      note('Option for code that runs on every host of the baseline; Zig 0.13 and later.'),
      note("zig build-exe $(grep -v '^#' FILE) …; with a build.zig the same word is of -Dcpu=."),
      note('Without it Zig compiles for the CPU that it runs on.'),
      ...lost.map(notExpressed),
    ],
  };
}

export const zig: Target = { name: 'zig', file: 'zig-options.txt', comments: 'hash', write };
