import { describe, expect, it } from 'vitest';
import { isTooOldFor } from '../../src/catalogue/generations.js';
import { type FeatureName, featureRow } from '../../src/catalogue/index.js';
import {
  findMicroarchitecture,
  MICROARCHITECTURES,
} from '../../src/catalogue/microarchitectures.js';

type Number3 = readonly [vendor: string, family: number, model: number, stepping: number];

const BULLDOZER: Number3 = ['AuthenticAMD', 21, 1, 2];
const ZEN1: Number3 = ['AuthenticAMD', 23, 1, 2];
const ZEN2: Number3 = ['AuthenticAMD', 23, 49, 0];
const ZEN3: Number3 = ['AuthenticAMD', 25, 1, 1];
const ZEN4: Number3 = ['AuthenticAMD', 25, 17, 1];
const ZEN5: Number3 = ['AuthenticAMD', 26, 2, 1];
const HASWELL: Number3 = ['GenuineIntel', 6, 63, 2];
const SKYLAKE: Number3 = ['GenuineIntel', 6, 94, 3];
const SKYLAKE_X: Number3 = ['GenuineIntel', 6, 85, 4];
const COMET_LAKE: Number3 = ['GenuineIntel', 6, 165, 5];
const ICE_LAKE: Number3 = ['GenuineIntel', 6, 106, 6];
const ALDER_LAKE: Number3 = ['GenuineIntel', 6, 151, 2];
const SAPPHIRE_RAPIDS: Number3 = ['GenuineIntel', 6, 143, 8];
const EMERALD_RAPIDS: Number3 = ['GenuineIntel', 6, 207, 2];
const GOLDMONT_PLUS: Number3 = ['GenuineIntel', 6, 122, 1];
const SIERRA_FOREST: Number3 = ['GenuineIntel', 6, 175, 3];
const DHYANA: Number3 = ['HygonGenuine', 24, 1, 1];

function isTooOld(number: Number3, feature: FeatureName): boolean {
  const design = findMicroarchitecture(...number);
  if (design === undefined) throw new Error(`no design ${number.join(' ')}`);
  return isTooOldFor(design, featureRow(feature));
}

/** By the vendors' manuals, and what CPUs of these designs are known to have. */
describe('a design too old for a feature', () => {
  it.each<[string, Number3, FeatureName[]]>([
    ['Bulldozer', BULLDOZER, ['apx', 'sm3', 'gfni', 'vaes', 'rdpid', 'rdpru', 'clzero', 'pku']],
    ['Zen', ZEN1, ['rdpru', 'rdpid', 'pku', 'vaes', 'gfni', 'shstk', 'waitpkg', 'amx_tile']],
    ['Zen 2', ZEN2, ['pku', 'vaes', 'vpclmulqdq', 'gfni', 'movdiri', 'avx_vnni', 'sha512']],
    ['Zen 3', ZEN3, ['gfni', 'avx512f', 'movdir64b', 'avx_vnni', 'serialize', 'apx']],
    ['Zen 4', ZEN4, ['movdiri', 'avx_vnni', 'avx512_vp2intersect', 'avx_ifma', 'sm4']],
    [
      'Zen 5',
      ZEN5,
      ['apx', 'avx_ifma', 'avx512_fp16', 'avx512_bmm', 'amx_tile', 'tsxldtrk', 'avx10'],
    ],
    ['Dhyana', DHYANA, ['rdpru', 'vaes', 'gfni', 'apx']],
    ['Haswell', HASWELL, ['pku', 'gfni', 'waitpkg', 'xsavec', 'clzero', 'cvt16', 'pcommit']],
    ['Skylake', SKYLAKE, ['pku', 'rdpid', 'gfni', 'vaes', 'movdiri', 'avx_vnni', 'apx', 'rdpru']],
    [
      'Skylake-SP',
      SKYLAKE_X,
      [
        'ptwrite',
        'rdpid',
        'avx512_vpopcntdq',
        'gfni',
        'vaes',
        'avx512_bf16',
        'amx_tile',
        'serialize',
        'sha512',
      ],
    ],
    ['Comet Lake', COMET_LAKE, ['gfni', 'vaes', 'movdiri', 'serialize']],
    [
      'Ice Lake',
      ICE_LAKE,
      ['ptwrite', 'movdiri', 'waitpkg', 'serialize', 'avx_vnni', 'amx_tile', 'sha512'],
    ],
    ['Sapphire Rapids', SAPPHIRE_RAPIDS, ['amx_fp16', 'avx10', 'sha512', 'avx_ifma', 'apx']],
    ['Emerald Rapids', EMERALD_RAPIDS, ['amx_fp16', 'avx10', 'sha512', 'apx']],
    ['Sierra Forest', SIERRA_FOREST, ['apx', 'movrs']],
  ])('%s', (_, number, features) => {
    for (const feature of features)
      expect([feature, isTooOld(number, feature)]).toEqual([feature, true]);
  });
});

describe('a design that has it, or may', () => {
  it.each<[string, Number3, FeatureName[]]>([
    ['Zen', ZEN1, ['clzero', 'xsavec', 'sha_ni']],
    ['Zen 2', ZEN2, ['rdpru', 'rdpid', 'clwb']],
    ['Zen 3', ZEN3, ['pku', 'vaes', 'shstk']],
    ['Zen 4', ZEN4, ['gfni', 'avx512_bf16', 'avx512_vnni']],
    ['Zen 5', ZEN5, ['movdiri', 'avx_vnni', 'avx512_vp2intersect']],
    ['Skylake', SKYLAKE, ['mpx', 'xsavec', 'sgx']],
    ['Comet Lake, some of which have protection keys', COMET_LAKE, ['pku', 'mpx']],
    ['Ice Lake', ICE_LAKE, ['gfni', 'vaes', 'rdpid', 'pku']],
    // Early ones showed AVX-512 FP16: the core is Sapphire Rapids'.
    ['Alder Lake', ALDER_LAKE, ['avx512_fp16', 'serialize', 'avx_vnni', 'waitpkg']],
    // Small cores had them before the large ones.
    ['Goldmont Plus', GOLDMONT_PLUS, ['ptwrite', 'rdpid', 'sha_ni']],
    ['Sierra Forest', SIERRA_FOREST, ['avx_ifma', 'cmpccxadd', 'sha512']],
  ])('%s', (_, number, features) => {
    for (const feature of features)
      expect([feature, isTooOld(number, feature)]).toEqual([feature, false]);
  });
});

describe('a design of which too little is known', () => {
  it.each<[string, Number3]>([
    ['announced', ['AuthenticAMD', 26, 80, 0]],
    ['announced', ['GenuineIntel', 19, 1, 0]],
    ['whose core nobody has named', ['HygonGenuine', 24, 16, 0]],
    ["of a vendor that follows others' designs", ['CentaurHauls', 7, 59, 0]],
  ])('%s: nothing is concluded', (_, number) => {
    expect(isTooOld(number, 'apx')).toBe(false);
    expect(isTooOld(number, 'sm3')).toBe(false);
  });
  it('microcode brings features to any design', () => {
    for (const design of MICROARCHITECTURES)
      expect(isTooOldFor(design, featureRow('md_clear'))).toBe(false);
  });
});

describe('a number without a stepping', () => {
  it('is of a design where only one has it', () => {
    expect(findMicroarchitecture('GenuineIntel', 6, 106, undefined)?.codename).toMatch(/IceLake/);
    expect(findMicroarchitecture('AuthenticAMD', 25, 17, undefined)?.codename).toMatch(/Zen ?4/);
  });
  it('is of none where the stepping would decide', () => {
    expect(findMicroarchitecture('GenuineIntel', 6, 85, undefined)).toBeUndefined();
    expect(findMicroarchitecture('GenuineIntel', 6, 142, undefined)).toBeUndefined();
  });
});
