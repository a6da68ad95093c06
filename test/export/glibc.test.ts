import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { baselineOf } from '../../src/baseline/baseline.js';
import { type FeatureName, LEVELS } from '../../src/catalogue/index.js';
import { glibc as glibcTarget, namesToHide } from '../../src/export/glibc.js';
import {
  parseGlibcVersion,
  tunableFeatures,
  tunableNames,
} from '../../src/export/glibc-tunables.js';
import { baselineOfPlans, models } from '../baseline/clusters.js';
import { HASWELL, type HostPlan, INTEL_AVX512, V1, V2, V3, V4, YMM } from '../hosts.js';
import { asFile, compilePicks, LINKER, linkerTells, settingsOf } from './tools.js';

const glibc = asFile(glibcTarget);

const OLD: HostPlan = { name: 'old', features: V2, areaBytes: 0 };
const SERVER: HostPlan = {
  name: 'server',
  features: [...V4, 'erms'],
  mask: 0xe7n,
  places: INTEL_AVX512,
  areaBytes: 2688,
};
const at = (version: string) => ({ glibc: { version } });

function hiddenAt(plans: readonly HostPlan[], version: string): readonly string[] {
  return namesToHide(baselineOfPlans(plans), parseGlibcVersion(version) ?? '');
}

describe('a version', () => {
  it.each([
    ['2.31', '2.31'],
    ['2.36-9+deb12u14', '2.36'],
    ['2.31.9000', '2.31'],
    [' 2.9', '2.9'],
    ['3.0', '3.0'],
  ])('%s is read', (text, version) => expect(parseGlibcVersion(text)).toBe(version));
  it.each(['', 'musl', '2', '2.', '2.361', '-2.36', 'glibc 2.36'])('%j is none', (text) =>
    expect(parseGlibcVersion(text)).toBeUndefined(),
  );
});

describe('names that a release takes', () => {
  // Read off each release's sysdeps/x86/cpu-tunables.c.
  it.each<[string, FeatureName, readonly string[]]>([
    ['2.25', 'avx2', []],
    ['2.26', 'avx2', ['AVX2', 'AVX2_Usable']],
    ['2.31', 'avx512f', ['AVX512F', 'AVX512F_Usable']],
    ['2.31', 'avx512vl', ['AVX512VL']],
    ['2.36', 'avx512f', ['AVX512F']],
    ['2.26', 'xsavec', []],
    ['2.31', 'xsavec', ['XSAVEC_Usable']],
    ['2.33', 'xsavec', ['XSAVEC']],
    ['2.33', 'xsave', []],
    ['2.34', 'xsave', ['XSAVE']],
    ['2.27', 'shstk', []],
    ['2.28', 'shstk', ['SHSTK']],
    ['2.36', 'abm', ['LZCNT']],
    ['2.43', 'avx512_vnni', []],
    ['2.43', 'fsrm', []],
  ])('glibc %s calls %s %j', (version, feature, names) =>
    expect(tunableNames(parseGlibcVersion(version) ?? '', feature)).toEqual(names),
  );
});

describe('what is hidden', () => {
  it('is in the namespace of the release', () => {
    const baseline = baselineOfPlans([HASWELL]);
    const tunable = (version: string) =>
      settingsOf(glibc.write(baseline, { glibc: version }).content).GLIBC_TUNABLES;
    expect(tunable('2.28')).toMatch(/^glibc\.tune\.hwcaps=-/);
    expect(tunable('2.29')).toMatch(/^glibc\.cpu\.hwcaps=-/);
  });
  it('names all that builds on AVX, for glibc does not conclude it', () => {
    expect(hiddenAt([HASWELL, OLD], '2.36')).toEqual(
      expect.arrayContaining(['AVX', 'AVX2', 'FMA', 'AVX512F', 'BMI1', 'BMI2', 'LZCNT', 'MOVBE']),
    );
  });
  it('stops memmove, which takes its AVX variant by a preference alone', () => {
    expect(hiddenAt([HASWELL, OLD], '2.36')).toContain('AVX_Fast_Unaligned_Load');
    expect(hiddenAt([HASWELL], '2.36')).not.toContain('AVX_Fast_Unaligned_Load');
  });
  it('gives up AVX2 where AVX512VL has no usable name and some host has it', () => {
    const names = ['AVX2', 'AVX2_Usable', 'AVX_Fast_Unaligned_Load'];
    expect(hiddenAt([HASWELL, SERVER], '2.31')).toEqual(expect.arrayContaining(names));
    for (const name of names) {
      expect(hiddenAt([HASWELL, SERVER], '2.36')).not.toContain(name);
      expect(hiddenAt([HASWELL], '2.31')).not.toContain(name);
      expect(hiddenAt([SERVER], '2.31')).not.toContain(name);
    }
  });
  it('is every name of what the baseline lacks and none of what it has', () => {
    const levels = [V1, V2, V3, V4];
    const version = fc.integer({ min: 33, max: 44 }).map((minor) => `2.${minor}`);
    fc.assert(
      fc.property(fc.subarray(levels, { minLength: 1 }), version, (features, release) => {
        const plans = features.map(
          (of, index): HostPlan => ({
            name: `${index}`,
            features: of,
            mask: of === V4 ? 0xe7n : of === V3 ? 7n : 0n,
            places: of === V4 ? INTEL_AVX512 : YMM,
          }),
        );
        const baseline = baselineOfPlans(plans);
        const kept = new Set(baseline.features);
        const hidden = new Set(namesToHide(baseline, release));
        for (const name of tunableFeatures(release))
          for (const spelled of tunableNames(release, name))
            expect(hidden.has(spelled), spelled).toBe(!kept.has(name));
      }),
    );
  });
  it('is reported where there is no name', () => {
    const { lost, said } = glibc.write(
      baselineOfPlans([HASWELL, { ...HASWELL, name: 'b', features: V3 }]),
      { glibc: '2.36' },
    );
    expect(lost[0]).toBe('glibc 2.36 has no name for pclmulqdq, aes, rdrand, fsgsbase.');
    expect(said.join('\n')).toContain('Only glibc itself obeys');
  });
  it('leaves library folders that no name stops, and says so', () => {
    const lacking = V3.filter((name) => name !== 'f16c');
    const { lost } = glibc.write(
      baselineOfPlans([HASWELL, { ...HASWELL, name: 'b', features: lacking }]),
      { glibc: '2.36' },
    );
    expect(lost.join('\n')).toContain('glibc-hwcaps/x86-64-v3');
    expect(
      glibc.write(baselineOfPlans([HASWELL, OLD]), { glibc: '2.36' }).lost.join('\n'),
    ).not.toContain('glibc-hwcaps');
  });
});

describe('the version', () => {
  it('is that of the hosts: the newest is set, the others are shown', () => {
    const plans = [
      { ...HASWELL, name: 'a', system: at('2.41') },
      { ...HASWELL, name: 'b', system: at('2.28-251.el8') },
      { ...HASWELL, name: 'c', system: at('2.41') },
    ];
    const { content, said } = glibc.write(baselineOfPlans(plans), {});
    expect(`${content}`.match(/^GLIBC_TUNABLES=.*$/gm)).toEqual([
      expect.stringMatching(/^GLIBC_TUNABLES=glibc\.cpu\.hwcaps=/),
    ]);
    expect(`${content}`.match(/^# GLIBC_TUNABLES=.*$/gm)).toEqual([
      expect.stringMatching(/^# GLIBC_TUNABLES=glibc\.tune\.hwcaps=/),
    ]);
    expect(`${content}`.match(/^# glibc 2\.\d+$/gm)).toEqual(['# glibc 2.28', '# glibc 2.41']);
    expect(said.join('\n')).toContain('what is set here is for glibc 2.41. For programs that');
  });
  it('given by the user goes before', () => {
    const { content } = glibc.write(baselineOfPlans([{ ...HASWELL, system: at('2.41') }]), {
      glibc: '2.31',
    });
    expect(content).toContain('# glibc 2.31\n');
    expect(content).not.toContain('# glibc 2.41');
  });
  it('is asked for where no host tells it', () => {
    expect(() => glibc.write(baselineOfPlans([HASWELL]), {})).toThrow(
      /glibc version of the baseline's hosts is unknown/,
    );
    expect(() => glibc.write(baselineOfPlans([HASWELL]), { glibc: 'new' })).toThrow(
      '"new" is no glibc version',
    );
  });
  it('before 2.26 gets no setting, and that is lost', () => {
    const { content, lost } = glibc.write(baselineOfPlans([HASWELL]), { glibc: '2.17' });
    expect(settingsOf(content)).toEqual({});
    expect(lost[0]).toContain('came with 2.26');
  });
});

describe('lazy binding', () => {
  const bindNow = (plans: readonly HostPlan[], version = '2.36') =>
    settingsOf(glibc.write(baselineOfPlans(plans), { glibc: version }).content).LD_BIND_NOW;
  const withPkru: HostPlan = {
    ...HASWELL,
    name: 'pkru',
    features: [...HASWELL.features, 'pku', 'ospke'],
    mask: 0x207n,
    places: { ...YMM, 9: [8, 2688] },
    areaBytes: 2696,
  };

  it('stays where all hosts have XSAVEC', () => {
    expect(
      bindNow([SERVER, { ...SERVER, name: 'b', features: [...V3, 'xsavec'] }]),
    ).toBeUndefined();
    expect(hiddenAt([SERVER], '2.36')).not.toContain('XSAVEC');
  });
  it('goes where XSAVEC lays state behind the room that another host made programs reserve', () => {
    const mpx = { 3: [64, 960], 4: [64, 1024] } as const;
    const places = { ...INTEL_AVX512, ...mpx };
    const withMpx: HostPlan = { ...SERVER, name: 'mpx', places, mask: 0xffn };
    expect(bindNow([SERVER, withMpx])).toBe('1');
    expect(bindNow([{ ...SERVER, places }, withMpx])).toBeUndefined();
    // 2.40 reserves 64 bytes more.
    expect(bindNow([SERVER, withMpx], '2.41')).toBeUndefined();
  });
  it('stays where all hosts enable the same state', () =>
    expect(bindNow([HASWELL, { ...HASWELL, name: 'b', features: V3 }])).toBeUndefined());
  it('stays where only protection keys enlarge the area: glibc does not save them', () =>
    expect(bindNow([HASWELL, withPkru])).toBeUndefined());
  it('goes where plain XSAVE writes more on one host than another made room for', () =>
    expect(bindNow([HASWELL, SERVER])).toBe('1'));
  it('goes where a host does not tell', () =>
    expect(bindNow([HASWELL, { ...HASWELL, name: 'b', maskUntold: true }])).toBe('1'));
  it('stays with FXSAVE where XSAVE can be hidden', () => {
    expect(bindNow([HASWELL, OLD], '2.34')).toBeUndefined();
    expect(hiddenAt([HASWELL, OLD], '2.34')).toEqual(
      expect.arrayContaining(['XSAVE', 'XSAVEC', 'OSXSAVE']),
    );
  });
  it('goes where XSAVE should be hidden and cannot', () => {
    expect(bindNow([HASWELL, OLD], '2.33')).toBe('1');
    expect(bindNow([OLD], '2.33')).toBeUndefined();
  });
});

/** This machine's glibc under a setting. */
describe.skipIf(!linkerTells)("this machine's glibc", () => {
  const version = execFileSync('getconf', ['GNU_LIBC_VERSION'], { encoding: 'utf8' })
    .trim()
    .replace('glibc ', '');
  const folder = mkdtempSync(join(tmpdir(), 'cpugate-glibc-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const run = (level: string, file: string, ...args: string[]) => {
    const baseline = baselineOf(models(level, 'graniterapids'));
    const env = settingsOf(glibc.write(baseline, { glibc: version }).content);
    return execFileSync(file, args, { encoding: 'utf8', env });
  };
  const searched = (help: string) =>
    [...help.matchAll(/^ {2}(x86-64-v\d) \(supported, searched\)$/gm)].map((found) => found[1]);

  it.each(LEVELS.map(({ name }) => name))('searches no folder above %s', (level) => {
    const above = searched(run(level, LINKER, '--help')).filter((name) => (name ?? '') > level);
    expect(above).toEqual([]);
  });
  it('saves with FXSAVE where the baseline has no XSAVE', () => {
    expect(run('nehalem', LINKER, '--list-diagnostics')).toContain(
      'x86.cpu_features.xsave_state_size=0x0\n',
    );
  });

  const picks = join(folder, 'picks');
  const compiled = compilePicks(picks);
  it.skipIf(!compiled).each([
    ['x86-64-v1', /avx|evex|ssse3|sse4/],
    ['x86-64-v2', /avx|evex/],
    ['x86-64-v3', /avx512|evex/],
  ])('picks for %s no function of %s', (level, richer) => {
    const picked = run(level, picks).trim().split('\n');
    expect(picked.length).toBeGreaterThan(4);
    for (const line of picked) expect(line).not.toMatch(richer);
  });
});
