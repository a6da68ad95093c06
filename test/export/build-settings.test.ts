/** What programs are built with, beside gcc and clang. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Baseline } from '../../src/baseline/baseline.js';
import { baselineOf } from '../../src/baseline/baseline.js';
import { gentoo as gentooTarget } from '../../src/export/gentoo.js';
import { go as goTarget, oci as ociTarget } from '../../src/export/levels.js';
import { rust as rustTarget } from '../../src/export/rust.js';
import type { Target } from '../../src/export/target.js';
import { baselineOfPlans, models } from '../baseline/clusters.js';
import { V1 } from '../hosts.js';
import { MODEL_EXAMPLES } from './examples.js';
import { asFile, isHere } from './tools.js';

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
