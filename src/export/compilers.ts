/**
 * Options by which gcc and clang make code that runs on every host of a baseline: the x86-64 level that
 * it reaches, and an option for each feature beyond.
 */
import type { Baseline } from '../baseline/baseline.js';
import { type FeatureName, featureRow, featuresOfLevel } from '../catalogue/index.js';
import { InputError } from '../model/errors.js';
import {
  COMPILER_FLOOR,
  type Compiler,
  type CompilerOption,
  compilerOption,
  impliedByOption,
} from './compiler-options.js';
import { notExpressed, note } from './remark.js';
import type { Exported, Target } from './target.js';

interface Options {
  readonly march: string;
  /** Beyond the level, in the catalogue's order. */
  readonly beyond: readonly CompilerOption[];
  /** Have an option that would switch on more than the baseline has. */
  readonly tooMuch: readonly FeatureName[];
  /** Instructions without an option. */
  readonly optionless: readonly FeatureName[];
}

/** "x86-64" is the first level's name to compilers. */
function marchOf(level: string): string {
  return level === 'x86-64-v1' ? 'x86-64' : level;
}

/** Throws an InputError, which names the program, where there is no level. */
export function compilerOptions(
  compiler: Compiler,
  baseline: Baseline,
  program: string = compiler,
): Options {
  const { level } = baseline;
  if (level === undefined)
    throw new InputError('not-expressible', 'the baseline is below x86-64-v1', {
      remedy: `64-bit code needs all of that level; what ${program} makes can't run on all hosts.`,
    });
  const kept = new Set(baseline.features);
  const inLevel = featuresOfLevel(level);
  const names = baseline.features.filter((name) => !inLevel.has(name));
  const withOption = names.filter((name) => compilerOption(compiler, name) !== undefined);
  const stays = (name: FeatureName) =>
    [...impliedByOption(name)].every(
      (implied) => kept.has(implied) || featureRow(implied).names?.gcc === undefined,
    );
  return {
    march: `-march=${marchOf(level)}`,
    beyond: withOption
      .filter(stays)
      .map((name) => compilerOption(compiler, name))
      .filter((option) => option !== undefined),
    tooMuch: withOption.filter((name) => !stays(name)),
    optionless: names.filter(
      (name) =>
        featureRow(name).class === 'isa' && !withOption.includes(name) && name !== 'clflush',
    ),
  };
}

function laterNotes(compiler: Compiler, beyond: readonly CompilerOption[]): readonly string[] {
  const releases = [...new Set(beyond.map(({ since }) => since))].sort((a, b) => a - b);
  return releases
    .filter((since) => since > COMPILER_FLOOR[compiler])
    .map((release) => {
      const options = beyond.filter(({ since }) => since === release).map(({ option }) => option);
      return `${[...new Set(options)].join(' ')} left out, for ${compiler} ${release} and later.`;
    });
}

const RUN_TIME =
  "Code that asks CPUID at run time (the C library's functions, function multiversioning) is not held back by compiler options.";

/** What options don't reach (assembly, pragmas, libraries from elsewhere) is in the program all the same. */
const PROOF = 'Whether what was built keeps to it: cpugate audit PROGRAM --mask BASELINE';

function write(compiler: Compiler, baseline: Baseline): Exported {
  const { march, beyond, tooMuch, optionless } = compilerOptions(compiler, baseline);
  const floor = COMPILER_FLOOR[compiler];
  const lost: string[] = [];
  if (optionless.length > 0)
    lost.push(`${compiler} has no option, or none that lasts, for ${optionless.join(', ')}.`);
  if (tooMuch.length > 0)
    lost.push(
      `${tooMuch.join(', ')} left out: their options may bring along what the baseline lacks.`,
    );
  lost.push(...laterNotes(compiler, beyond));
  const head = [
    `Options for code that runs on every host of the baseline; ${compiler} ${floor} and later.`,
    `${compiler} $(grep -v '^#' FILE) …`,
    RUN_TIME,
    PROOF,
  ];
  const now = beyond.filter(({ since }) => since <= floor).map(({ option }) => option);
  return {
    content: `${[march, ...now].join(' ')}\n`,
    remarks: [...head.map(note), ...lost.map(notExpressed)],
  };
}

export const gcc: Target = {
  name: 'gcc',
  file: 'gcc-options.txt',
  comments: 'hash',
  write: (baseline) => write('gcc', baseline),
};

export const clang: Target = {
  name: 'clang',
  file: 'clang-options.txt',
  comments: 'hash',
  write: (baseline) => write('clang', baseline),
};
