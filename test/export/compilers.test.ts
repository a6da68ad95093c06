import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { type Baseline, baselineOf } from '../../src/baseline/baseline.js';
import { VISIBLE } from '../../src/baseline/host-kind.js';
import { type FeatureName, featureRow, LEVELS } from '../../src/catalogue/index.js';
import {
  COMPILER_FLOOR,
  type Compiler,
  compilerOption,
} from '../../src/export/compiler-options.js';
import {
  clang as clangTarget,
  compilerOptions,
  gcc as gccTarget,
} from '../../src/export/compilers.js';
import { baselineOfPlans, models } from '../baseline/clusters.js';
import { HASWELL, V1, V3, V4 } from '../hosts.js';
import { corpusExamples, corpusIsHere, MODEL_EXAMPLES } from './examples.js';
import { asFile } from './tools.js';

const clang = asFile(clangTarget);
const gcc = asFile(gccTarget);

const TARGETS = { gcc, clang };

function optionsOf(compiler: Compiler, baseline: Baseline): readonly string[] {
  const text = `${TARGETS[compiler].write(baseline, {}).content}`;
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  expect(lines).toHaveLength(1);
  return (lines[0] ?? '').split(' ');
}

describe('options', () => {
  it.each([
    ['x86-64-v1', ['-march=x86-64']],
    ['x86-64-v2', ['-march=x86-64-v2']],
    ['x86-64-v3', ['-march=x86-64-v3', '-mxsave']],
    ['westmere', ['-march=x86-64-v2', '-mpclmul', '-maes']],
  ])('of %s are its level and what goes beyond', (name, options) => {
    expect(optionsOf('gcc', baselineOf(models(name)))).toEqual(options);
    expect(optionsOf('clang', baselineOf(models(name)))).toEqual(options);
  });
  it('stay at the level that all of is there', () => {
    const baseline = baselineOfPlans([{ ...HASWELL, features: V3.filter((one) => one !== 'fma') }]);
    const options = optionsOf('gcc', baseline);
    expect(options[0]).toBe('-march=x86-64-v2');
    expect(options).toEqual(expect.arrayContaining(['-mavx2', '-mbmi', '-mbmi2', '-mf16c']));
    expect(options).not.toContain('-mfma');
  });
  it('are left out where they bring along what is not there', () => {
    // AVX-512 code of either compiler is free to use AVX2.
    const baseline = baselineOfPlans([
      {
        name: 'odd',
        features: V4.filter((one) => one !== 'avx2'),
        mask: 0xe7n,
        areaBytes: 2688,
        places: { 2: [256, 576], 5: [64, 1088], 6: [512, 1152], 7: [1024, 1664] },
      },
    ]);
    expect(baseline.features).toContain('avx512f');
    expect(optionsOf('gcc', baseline).join(' ')).not.toContain('avx512');
    expect(gcc.write(baseline, {}).lost.join('\n')).toMatch(/avx512f.* left out: their options/);
  });
  it('of later compilers are told and not used', () => {
    const { content, lost } = gcc.write(baselineOf(models('sierraforest')), {});
    expect(content).not.toMatch(/^-march.*-mavxifma/m);
    expect(content).toMatch(/^# Not expressed: -m.* left out,/m);
    expect(lost.join('\n')).toMatch(/-mavxifma .*left out, for gcc 13 and later\./);
  });
  it.each(['gcc', 'clang'] as const)('of %s name what proves that they were kept to', (name) => {
    const { content } = TARGETS[name].write(baselineOf(models('haswell')), {});
    expect(content).toMatch(/^# .*cpugate audit PROGRAM --mask BASELINE$/m);
  });
  it('do not exist below the first level', () => {
    const baseline = baselineOfPlans([
      { name: 'i686', features: V1.filter((one) => one !== 'lm') },
    ]);
    expect(() => gcc.write(baseline, {})).toThrow('the baseline is below x86-64-v1');
  });
  it('say that programs can still look for themselves', () => {
    const { said } = clang.write(baselineOf(models('haswell')), {});
    expect(said.join('\n')).toContain('asks CPUID at run time');
  });
});

/** Macros that no option's name tells. */
const MACROS: Readonly<Record<string, string>> = {
  '-m3dnow': '__3dNOW__',
  '-m3dnowa': '__3dNOW_A__',
  '-m64': '__x86_64__',
  '-m80387': '__x86_64__',
  '-mapxf': '__APX_F__',
  '-mcx16': '__GCC_HAVE_SYNC_COMPARE_AND_SWAP_16',
  '-msahf': '__LAHF_SAHF__',
};

/** clang writes the AMX ones without the "_". */
function macrosOf(name: FeatureName): readonly string[] {
  const option = featureRow(name).names?.gcc;
  if (option === undefined) return [];
  const word = option.slice(2).toUpperCase().replace(/[-.]/g, '_');
  return [MACROS[option] ?? `__${word}__`, `__${word.replace('AMX_', 'AMX')}__`];
}

function compile(compiler: Compiler, ...args: readonly string[]) {
  return spawnSync(compiler, [...args, '-x', 'c', '/dev/null'], { encoding: 'utf8' });
}

/** The features whose macros are set. */
function usedBy(compiler: Compiler, options: readonly string[]): FeatureName[] {
  const { status, stdout, stderr } = compile(compiler, ...options, '-dM', '-E');
  expect(status, stderr).toBe(0);
  const set = new Set(stdout.split('\n').map((line) => line.split(' ')[1] ?? ''));
  return VISIBLE.filter((name) => macrosOf(name).some((macro) => set.has(macro)));
}

function releaseOf(compiler: Compiler): number | undefined {
  const { stdout } = spawnSync(compiler, ['-dumpversion'], { encoding: 'utf8' });
  return stdout ? Number.parseInt(stdout, 10) : undefined;
}

/** Instructions that any code for the level may use. */
function inLevel(level: string | undefined): readonly FeatureName[] {
  return LEVELS.filter(({ name }) => name <= (level ?? '')).flatMap(({ features }) => features);
}

const compilers: readonly Compiler[] = ['gcc', 'clang'];
describe.each(compilers)('%s', (compiler) => {
  const release = releaseOf(compiler);
  const usable = release !== undefined && release >= COMPILER_FLOOR[compiler];
  const examples = MODEL_EXAMPLES.filter(([, { level }]) => level !== undefined);

  it.skipIf(!usable)('takes each option in the release that is told', () => {
    const options = VISIBLE.map((name) => compilerOption(compiler, name)).filter(
      (option) => option !== undefined && option.since <= (release ?? 0),
    );
    const { status, stderr } = compile(
      compiler,
      ...options.map((option) => option?.option ?? ''),
      '-fsyntax-only',
    );
    expect(status, stderr).toBe(0);
  });
  it.skipIf(!usable).each(examples)('uses for %s the baseline and nothing else', (_, baseline) => {
    const options = optionsOf(compiler, baseline);
    const used = usedBy(compiler, options);
    expect(used.filter((name) => !baseline.features.includes(name))).toEqual([]);
    const { tooMuch } = compilerOptions(compiler, baseline);
    const wanted = baseline.features.filter(
      (name) =>
        (compilerOption(compiler, name)?.since ?? 99) <= COMPILER_FLOOR[compiler] &&
        !tooMuch.includes(name) &&
        !['hle', 'lm'].includes(name),
    );
    expect(used).toEqual(expect.arrayContaining(wanted));
  });
  it.skipIf(!usable || !corpusIsHere)(
    'uses nothing beyond the baseline of published dumps',
    () => {
      const tried = new Set<string>();
      for (const [title, baseline] of corpusExamples()) {
        if (baseline.level === undefined) continue;
        const options = optionsOf(compiler, baseline);
        if (tried.has(options.join(' '))) continue;
        tried.add(options.join(' '));
        const beyond = usedBy(compiler, options).filter(
          (name) => !baseline.features.includes(name) && !inLevel(baseline.level).includes(name),
        );
        expect(beyond, title).toEqual([]);
      }
      expect(tried.size).toBeGreaterThan(20);
    },
    120_000,
  );
});

describe.skipIf(releaseOf('gcc') === undefined)('gcc -Q --help=target', () => {
  const enabled = (options: readonly string[]) => {
    const { stdout } = spawnSync('gcc', [...options, '-Q', '--help=target'], { encoding: 'utf8' });
    return new Set([...stdout.matchAll(/^\s+(-m\S+)\s+\[enabled\]$/gm)].map((found) => found[1]));
  };
  it.each([['haswell'], ['cascadelake'], ['epyc-milan'], ['sapphirerapids']])(
    'has on for %s no option of a feature beyond the baseline',
    (name) => {
      const baseline = baselineOf(models(name));
      const on = enabled(optionsOf('gcc', baseline));
      expect(on).toContain('-mavx2');
      const beyond = VISIBLE.filter((one) => on.has(featureRow(one).names?.gcc ?? ''));
      expect(beyond.filter((one) => !baseline.features.includes(one))).toEqual([]);
    },
  );
});
