import { execFileSync, spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { baselineOf } from '../../src/baseline/baseline.js';
import { runtimes as runtimesTarget } from '../../src/export/runtimes.js';
import { baselineOfPlans, models } from '../baseline/clusters.js';
import { HASWELL, type HostPlan, INTEL_AVX512, V2, V3, V4 } from '../hosts.js';
import { asFile, isHere, settingsOf } from './tools.js';

const runtimes = asFile(runtimesTarget);

const SERVER: HostPlan = {
  name: 'server',
  features: [...V4, 'vaes', 'aes', 'sha_ni'],
  mask: 0xe7n,
  places: INTEL_AVX512,
  areaBytes: 2688,
};
const noAvx512 = baselineOfPlans([{ ...HASWELL, features: V3 }, SERVER]);
const noAvx = baselineOfPlans([{ name: 'old', features: V2, areaBytes: 0 }, HASWELL]);
const none = baselineOfPlans([HASWELL]);

function set(baseline: typeof none, name: string): string | undefined {
  return settingsOf(runtimes.write(baseline, {}).content)[name];
}

describe('launch settings', () => {
  it('are none where the hosts have nothing beyond the baseline', () => {
    const { content } = runtimes.write(none, {});
    expect(settingsOf(content)).toEqual({});
    expect(content).toContain('nothing beyond the baseline');
  });
  // OPENSSL_ia32cap(3): LV0 is leaf 1 EDX and ECX, LV1 leaf 7 EBX and ECX; "~" clears.
  it('clear bits of OpenSSL', () => {
    const bit = (...places: number[]) =>
      `~0x${places.reduce((mask, place) => mask | (1n << BigInt(place)), 0n).toString(16)}`;
    expect(set(noAvx512, 'OPENSSL_ia32cap')?.split(':')).toEqual([
      bit(57),
      bit(16, 17, 28, 29, 30, 31, 41),
      '~0x0',
      '~0x0',
      '~0x0',
    ]);
  });
  it.each([
    [noAvx512, ['-XX:UseAVX=2', '-XX:-UseSHA', '-XX:-UseAES']],
    [noAvx, ['-XX:UseAVX=0', '-XX:-UseFMA', '-XX:-UseBMI2Instructions', '-XX:-UseCLMUL']],
  ])('lower the levels of HotSpot', (baseline, options) => {
    const value = set(baseline, 'JAVA_TOOL_OPTIONS')?.split(' ');
    expect(value?.[0]).toBe('-XX:+IgnoreUnrecognizedVMOptions');
    expect(value).toEqual(expect.arrayContaining(options));
    expect(value?.join(' ')).not.toContain('UseSSE');
  });
  it('switch off features of Go by its names', () => {
    expect(set(noAvx, 'GODEBUG')?.split(',')).toEqual(
      expect.arrayContaining(['cpu.avx=off', 'cpu.avx2=off', 'cpu.aes=off', 'cpu.fma=off']),
    );
  });
  it('name the AVX-512 switch of .NET as both generations do', () => {
    expect(set(noAvx512, 'DOTNET_EnableAVX512F')).toBe('0');
    expect(set(noAvx512, 'DOTNET_EnableAVX512')).toBe('0');
    expect(set(noAvx512, 'DOTNET_EnableAVX2')).toBeUndefined();
    expect(set(noAvx, 'DOTNET_EnableAVX2')).toBe('0');
    expect(set(noAvx, 'DOTNET_EnableHWIntrinsic')).toBeUndefined();
  });
  it('name levels of NumPy with all that stand on them', () => {
    expect(set(noAvx, 'NPY_DISABLE_CPU_FEATURES')?.split(' ')).toEqual(
      expect.arrayContaining(['AVX2', 'X86_V3', 'X86_V4', 'AVX512_ICL', 'AVX512_SPR']),
    );
  });
  it.each([
    [noAvx512, 'Haswell'],
    [noAvx, 'Nehalem'],
    [baselineOf(models('skylake-sp', 'cooperlake')), 'SkylakeX'],
    [baselineOf(models('skylake-sp', 'x86-64-v1')), undefined],
  ])('pin the kernels of OpenBLAS', (baseline, core) =>
    expect(set(baseline, 'OPENBLAS_CORETYPE')).toBe(core),
  );
  it("give Node.js's options for the command line", () =>
    expect(runtimes.write(noAvx, {}).content).toMatch(/^# node .*--no-enable-avx2/m));
  it('tell what they do not reach', () => {
    const text = runtimes.write(noAvx512, {}).said.join('\n');
    expect(text).toMatch(/Go: no setting for .*vaes/);
    expect(text).toContain('Other programs that ask CPUID themselves');
  });
});

describe('real programs under these settings', () => {
  const rich = baselineOf(models('nehalem', 'graniterapids'));
  const env = { ...process.env, ...settingsOf(runtimes.write(rich, {}).content) };
  const opensslTells = spawnSync('openssl', ['version', '-c'], { encoding: 'utf8' });

  it.skipIf(!/OPENSSL_ia32cap=0x/.test(opensslTells.stdout ?? ''))(
    'OpenSSL sees neither AVX nor AVX2',
    () => {
      const text = execFileSync('openssl', ['version', '-c'], { encoding: 'utf8', env });
      const [, low = '', high = ''] = /ia32cap=0x([0-9a-f]+):0x([0-9a-f]+)/.exec(text) ?? [];
      expect(BigInt(`0x${low}`) & (1n << 60n)).toBe(0n);
      expect(BigInt(`0x${high}`) & (1n << 5n)).toBe(0n);
    },
  );
  it.skipIf(!isHere('java', '-version'))('Java starts and has no AVX', () => {
    const result = spawnSync('java', ['-XX:+PrintFlagsFinal', '-version'], {
      encoding: 'utf8',
      env,
    });
    expect(result.status, result.stderr).toBe(0);
    expect(result.stdout).toMatch(/ UseAVX +:?= 0 /);
    expect(result.stdout).toMatch(/ UseBMI2Instructions +:?= false /);
  });
  it('Node.js takes its options', () => {
    const line = /^# node (.*) …$/m.exec(
      `${runtimes.write(noAvx, {}).content}`.replace(/\n# (?=--)/g, ' '),
    );
    const options = (line?.[1] ?? '').split(' ');
    expect(options.length).toBeGreaterThan(3);
    expect(execFileSync(process.execPath, [...options, '-p', '6*7'], { encoding: 'utf8' })).toBe(
      '42\n',
    );
  });
});
