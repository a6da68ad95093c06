/** What programs are built with, beside gcc and clang. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Baseline } from '../../src/baseline/baseline.js';
import { baselineOf } from '../../src/baseline/baseline.js';
import { type FeatureName, featureRow } from '../../src/catalogue/index.js';
import { gentoo as gentooTarget } from '../../src/export/gentoo.js';
import { go as goTarget, oci as ociTarget, spack as spackTarget } from '../../src/export/levels.js';
import { rust as rustTarget } from '../../src/export/rust.js';
import type { Target } from '../../src/export/target.js';
import { zig as zigTarget } from '../../src/export/zig.js';
import { baselineOfPlans, models } from '../baseline/clusters.js';
import { V1, V4 } from '../hosts.js';
import { MODEL_EXAMPLES } from './examples.js';
import { asFile, isHere, pythonYamlIsHere, readYaml } from './tools.js';

const body = (target: Target, baseline: Baseline) =>
  `${asFile(target).write(baseline, {}).content}`.replace(/^#.*\n/gm, '').trim();
const of = (...names: readonly string[]) => baselineOf(models(...names));
const BELOW = baselineOfPlans([{ features: V1.filter((name) => name !== 'sse2') }]);

describe('rustc', () => {
  it.each([
    [['x86-64-v1'], '-Ctarget-cpu=x86-64'],
    [['x86-64-v3'], '-Ctarget-cpu=x86-64-v3 -Ctarget-feature=+xsave'],
    [['nehalem'], '-Ctarget-cpu=x86-64-v2'],
    [
      ['haswell'],
      '-Ctarget-cpu=x86-64-v3 -Ctarget-feature=+pclmulqdq,+aes,+xsave,+rdrand,+xsaveopt',
    ],
  ])('of %j', (names, options) => expect(body(rustTarget, of(...names))).toBe(options));
  it('is refused below the first level', () =>
    expect(() => rustTarget.write(BELOW, {})).toThrow('below x86-64-v1'));
  it.skipIf(!isHere('rustc', '--version'))('takes the options without a warning', () => {
    // A device isn't written to: rustc puts a file in its place.
    const folder = mkdtempSync(join(tmpdir(), 'cpugate-rust-'));
    for (const [title, baseline] of MODEL_EXAMPLES) {
      const { status, stderr } = spawnSync(
        'rustc',
        [
          '-',
          '--crate-type=lib',
          '--emit=metadata',
          '-o',
          join(folder, 'out.rmeta'),
          ...body(rustTarget, baseline).split(' '),
        ],
        { input: '#![no_std]\n', encoding: 'utf8' },
      );
      expect([title, status, stderr]).toEqual([title, 0, '']);
    }
    rmSync(folder, { recursive: true });
  });
  it.skipIf(!isHere('rustc', '--version'))('knows the level by the same features', () => {
    const { stdout } = spawnSync('rustc', ['--print=cfg', '-Ctarget-cpu=x86-64-v3'], {
      encoding: 'utf8',
    });
    for (const name of ['avx2', 'bmi2', 'fma', 'lzcnt', 'movbe', 'f16c'])
      expect(stdout).toContain(`target_feature="${name}"`);
    expect(stdout).not.toContain('target_feature="aes"');
  });
});

/** Its features that another brings along, as lib/std/Target/x86.zig of Zig 0.15 has them. */
const ZIG_BRINGS: Readonly<Record<string, string>> = {
  aes: 'sse2',
  amx_bf16: 'amx_tile',
  amx_complex: 'amx_tile',
  amx_fp16: 'amx_tile',
  amx_int8: 'amx_tile',
  avx: 'sse4_2',
  avx2: 'avx',
  avx512bf16: 'avx512bw',
  avx512bitalg: 'avx512bw',
  avx512bw: 'avx512f',
  avx512cd: 'avx512f',
  avx512dq: 'avx512f',
  avx512f: 'avx2 f16c fma',
  avx512fp16: 'avx512bw',
  avx512ifma: 'avx512f',
  avx512vbmi: 'avx512bw',
  avx512vbmi2: 'avx512bw',
  avx512vl: 'avx512f',
  avx512vnni: 'avx512f',
  avx512vp2intersect: 'avx512f',
  avx512vpopcntdq: 'avx512f',
  avxifma: 'avx2',
  avxneconvert: 'avx2',
  avxvnni: 'avx2',
  avxvnniint16: 'avx2',
  avxvnniint8: 'avx2',
  cx16: 'cx8',
  f16c: 'avx',
  fma: 'avx',
  fma4: 'avx sse4a',
  gfni: 'sse2',
  kl: 'sse2',
  pclmul: 'sse2',
  sha: 'sse2',
  sha512: 'avx2',
  sm3: 'avx',
  sm4: 'avx2',
  sse2: 'sse',
  sse3: 'sse2',
  sse4_1: 'ssse3',
  sse4_2: 'sse4_1',
  sse4a: 'sse3',
  ssse3: 'sse3',
  vaes: 'aes avx2',
  vpclmulqdq: 'avx pclmul',
  widekl: 'kl',
  xop: 'fma4',
  xsavec: 'xsave',
  xsaveopt: 'xsave',
  xsaves: 'xsave',
};
/** Those that bring nothing along. */
const ZIG_ALONE =
  'adx amx_tile bmi bmi2 cldemote clflushopt clwb clzero cmov cmpccxadd cx8 enqcmd fsgsbase fxsr hreset lwp lzcnt mmx movbe movdir64b movdiri mwaitx pconfig pku popcnt prefetchi prfchw ptwrite raoint rdpid rdpru rdrnd rdseed rtm sahf serialize sgx shstk sse tbm tsxldtrk uintr usermsr waitpkg wbnoinvd x87 xsave'.split(
    ' ',
  );
const ZIG_NAMES = new Set([...Object.keys(ZIG_BRINGS), ...ZIG_ALONE]);

function zigBrings(name: string): string[] {
  return [name, ...(ZIG_BRINGS[name]?.split(' ') ?? []).flatMap(zigBrings)];
}

/** What is switched on by an option, in the catalogue's words; the parts before "+" are the CPU's name and features. */
function zigFeatures(option: string): string[] {
  const [, ...names] = option.replace('-mcpu=', '').split('+');
  return names.flatMap(zigBrings);
}

describe('Zig', () => {
  it.each([
    [['x86-64-v1'], '-mcpu=x86_64'],
    [['nehalem'], '-mcpu=x86_64_v2'],
    [['haswell'], '-mcpu=x86_64_v3+pclmul+aes+xsave+rdrnd+fsgsbase+xsaveopt'],
    [['opteron-g3'], '-mcpu=x86_64+sse3+cx16+popcnt+sahf+lzcnt+sse4a+prfchw'],
  ])('of %j', (names, option) => expect(body(zigTarget, of(...names))).toBe(option));
  it.each(MODEL_EXAMPLES)('of %s has its own names, and brings nothing along', (_, baseline) => {
    const option = body(zigTarget, baseline);
    const kept = new Set<string>(
      baseline.features.flatMap((name) => [
        name,
        (featureRow(name).names?.gcc ?? '').replace(/^-m/, '').replace(/[^a-z0-9]/g, '_'),
      ]),
    );
    for (const name of zigFeatures(option)) {
      expect(ZIG_NAMES, name).toContain(name);
      expect(kept, name).toContain(name);
    }
  });
  it('leaves out what would bring along more, and names what it has no name for', () => {
    const odd = baselineOfPlans([
      {
        features: [...V4.filter((one) => one !== 'avx2'), 'clflush'],
        mask: 0xe7n,
        areaBytes: 2688,
        places: { 2: [256, 576], 5: [64, 1088], 6: [512, 1152], 7: [1024, 1664] },
      },
    ]);
    expect(odd.features).toContain('avx512f');
    expect(body(zigTarget, odd)).not.toContain('avx512');
    expect(asFile(zigTarget).write(odd, {}).lost.join('\n')).toMatch(/avx512f.* left out: Zig/);
    const rich = asFile(zigTarget).write(of('graniterapids'), {}).lost.join('\n');
    expect(rich).toMatch(/Zig has no name, or none that lasts, for .*\w/);
  });
  it('is refused below the first level', () =>
    expect(() => zigTarget.write(BELOW, {})).toThrow('below x86-64-v1'));
  it.skipIf(!isHere('zig', 'version'))('takes the option', () => {
    for (const [title, baseline] of MODEL_EXAMPLES) {
      const { status, stderr } = spawnSync(
        'zig',
        ['build-obj', '-fno-emit-bin', '-target', 'x86_64-linux', body(zigTarget, baseline), '-'],
        { input: 'export fn f() void {}\n', encoding: 'utf8' },
      );
      expect([title, status, stderr]).toEqual([title, 0, '']);
    }
  });
});

/** Features of archspec's generic targets (cpu/microarchitectures.json, 2026), beyond those of the one before. */
const ARCHSPEC: Readonly<Record<string, readonly FeatureName[]>> = {
  x86_64: [],
  x86_64_v2: ['cx16', 'lahf_lm', 'mmx', 'sse', 'sse2', 'ssse3', 'sse4_1', 'sse4_2', 'popcnt'],
  x86_64_v3: ['avx', 'avx2', 'bmi1', 'bmi2', 'f16c', 'fma', 'abm', 'movbe', 'xsave'],
  x86_64_v4: ['avx512f', 'avx512bw', 'avx512cd', 'avx512dq', 'avx512vl'],
};

describe('Spack', () => {
  it.each([
    [['x86-64-v1'], 'x86_64'],
    [['nehalem'], 'x86_64_v2'],
    [['haswell', 'epyc-rome'], 'x86_64_v3'],
    [['skylake-sp'], 'x86_64_v4'],
  ])('of %j asks for the target %s', (names, target) =>
    expect(body(spackTarget, of(...names))).toBe(
      `packages:\n  all:\n    require:\n      - target=${target}`,
    ),
  );
  it.each(MODEL_EXAMPLES)('of %s asks for nothing that a host lacks', (_, baseline) => {
    const target = /target=(\S+)/.exec(body(spackTarget, baseline))?.[1] ?? '';
    const names = Object.keys(ARCHSPEC);
    expect(names).toContain(target);
    const asked = names.slice(0, names.indexOf(target) + 1).flatMap((name) => ARCHSPEC[name] ?? []);
    expect(baseline.features).toEqual(expect.arrayContaining(asked));
  });
  it('is refused below the first level', () =>
    expect(() => spackTarget.write(BELOW, {})).toThrow('below x86-64-v1'));
  it.skipIf(!pythonYamlIsHere)('is YAML', () =>
    expect(readYaml(`${asFile(spackTarget).write(of('haswell'), {}).content}`)).toEqual({
      packages: { all: { require: ['target=x86_64_v3'] } },
    }),
  );
});

describe('Go and OCI', () => {
  it.each([
    [['x86-64-v1'], 'v1', undefined],
    [['haswell', 'epyc-rome'], 'v3', 'v3'],
    [['skylake-sp'], 'v4', 'v4'],
  ] as const)('of %j is %s', (names, level, variant) => {
    expect(body(goTarget, of(...names))).toBe(`GOAMD64=${level}`);
    expect(JSON.parse(`${ociTarget.write(of(...names), {}).content}`)).toEqual({
      architecture: 'amd64',
      os: 'linux',
      ...(variant === undefined ? {} : { variant }),
    });
  });
  it.each([goTarget, ociTarget])('is refused below the first level', (target) =>
    expect(() => target.write(BELOW, {})).toThrow('below x86-64-v1'),
  );
  it.skipIf(!isHere('go', 'version'))('go takes it', () => {
    for (const [title, baseline] of MODEL_EXAMPLES) {
      const setting = body(goTarget, baseline).split('=')[1] ?? '';
      // Without a package to build, go still looks at its environment.
      const { stdout, stderr } = spawnSync('go', ['env', 'GOAMD64'], {
        encoding: 'utf8',
        env: { ...process.env, GOAMD64: setting, GOFLAGS: '', GOTOOLCHAIN: 'local' },
      });
      expect([title, stdout.trim(), stderr]).toEqual([title, setting, '']);
    }
  });
});

describe('CPU_FLAGS_X86', () => {
  it.each([
    ['x86-64-v1', 'mmx mmxext sse sse2'],
    ['nehalem', 'mmx mmxext popcnt sse sse2 sse3 sse4_1 sse4_2 ssse3'],
    [
      'haswell',
      'aes avx avx2 bmi1 bmi2 f16c fma3 mmx mmxext pclmul popcnt rdrand sse sse2 sse3 sse4_1 sse4_2 ssse3',
    ],
    ['opteron-g3', 'mmx mmxext popcnt sse sse2 sse3 sse4a'],
  ])('of %s is %s', (name, flags) => {
    const baseline = of(name);
    const has = /CPU_FLAGS_X86="([^"]*)"/.exec(body(gentooTarget, baseline))?.[1]?.split(' ');
    expect(has?.filter((flag) => !flag.startsWith('3dnow'))).toEqual(flags.split(' '));
  });
});
