import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type FeatureName, findFeature, LEVELS } from '../../src/catalogue/index.js';
import { findMicroarchitecture } from '../../src/catalogue/microarchitectures.js';
import { findProfileName, profileNames } from '../../src/formats/named-profile.js';
import { describeHost, effectiveFeatures, x86Level } from '../../src/model/capabilities.js';
import { USER_VISIBLE } from '../../src/model/prerequisites.js';
import { fileOf, hostOf, names } from './load.js';

function seen(name: string) {
  return describeHost(hostOf(name));
}

/** Level and bytes of the XSAVE area that Linux enables, from the vendors' manuals. */
const EXPECTED: Readonly<Record<string, readonly [level: string, areaBytes: number | undefined]>> =
  {
    'x86-64-v1': ['x86-64-v1', 0],
    'x86-64-v2': ['x86-64-v2', 0],
    'x86-64-v3': ['x86-64-v3', 832],
    'x86-64-v4': ['x86-64-v4', undefined],
    nehalem: ['x86-64-v2', 0],
    westmere: ['x86-64-v2', 0],
    sandybridge: ['x86-64-v2', 832],
    ivybridge: ['x86-64-v2', 832],
    haswell: ['x86-64-v3', 832],
    broadwell: ['x86-64-v3', 832],
    'skylake-sp': ['x86-64-v4', 2696],
    cascadelake: ['x86-64-v4', 2696],
    cooperlake: ['x86-64-v4', 2696],
    'icelake-sp': ['x86-64-v4', 2696],
    sapphirerapids: ['x86-64-v4', 11008],
    emeraldrapids: ['x86-64-v4', 11008],
    graniterapids: ['x86-64-v4', 11008],
    sierraforest: ['x86-64-v3', 2696],
    alderlake: ['x86-64-v3', 2696],
    raptorlake: ['x86-64-v3', 2696],
    gracemont: ['x86-64-v3', 2696],
    meteorlake: ['x86-64-v3', 2696],
    'arrowlake-s': ['x86-64-v3', 2696],
    'opteron-g3': ['x86-64-v1', 0],
    'opteron-g4': ['x86-64-v2', 832],
    'opteron-g5': ['x86-64-v2', 832],
    'epyc-naples': ['x86-64-v3', 832],
    'epyc-rome': ['x86-64-v3', 832],
    'epyc-milan': ['x86-64-v3', 2440],
    'epyc-genoa': ['x86-64-v4', 2440],
    'epyc-turin': ['x86-64-v4', 2440],
    'hygon-dhyana': ['x86-64-v3', 832],
  };

test('every profile of the list is there, and no other', () => {
  expect([...names].sort()).toEqual(Object.keys(EXPECTED).sort());
  expect([...profileNames()].sort()).toEqual([...names].sort());
});

describe.each(names)('%s', (name) => {
  const file = fileOf(name);

  test('has the name of its file', () => {
    expect(file.name).toBe(name);
    expect(hostOf(name)).toMatchObject({ name, format: 'named profile', kind: 'model' });
  });

  test('lists features by canonical name, sorted, of classes that tasks see', () => {
    expect(file.features).toEqual([...file.features].sort());
    for (const feature of file.features) expect(findFeature(feature)).toBe(feature);
  });

  test('offers exactly what it lists', () => {
    expect([...effectiveFeatures(seen(name))].sort()).toEqual(file.features);
  });

  test('has the level and the XSAVE area of its design', () => {
    const host = seen(name);
    expect([x86Level(host).level, host.xsave.areaBytes]).toEqual(EXPECTED[name]);
    expect(x86Level(host).maybeHigher).toBe(false);
  });

  test('says where it comes from', () => {
    expect(file.notes.length).toBeGreaterThan(0);
  });

  test('excepts features by canonical name, each once', () => {
    const excepted = (file.exceptions ?? []).map(({ feature }) => feature);
    expect(new Set(excepted).size).toBe(excepted.length);
    for (const feature of excepted) expect(findFeature(feature)).toBe(feature);
  });

  test('has 57-bit addresses where it has la57', () => {
    if (file.vendor === undefined) expect(file.linearAddressBits).toBeUndefined();
    else expect(file.linearAddressBits).toBe(file.features.includes('la57') ? 57 : 48);
  });
});

describe('names and aliases', () => {
  const all = names.flatMap((name) =>
    [name, ...fileOf(name).aliases].map((alias) => [alias, name]),
  );

  test('none means two profiles, whatever the case and the hyphens', () => {
    const plain = all.map(([alias]) => (alias as string).toLowerCase().replace(/[-_.]/g, ''));
    expect(plain.filter((alias, place) => plain.indexOf(alias) !== place)).toEqual([]);
  });

  test.each(all)('%s means %s', (alias, name) => {
    expect(findProfileName(alias as string)).toBe(name);
  });

  // As archspec, gcc and QEMU spell them.
  test.each([
    ['x86_64_v3', 'x86-64-v3'],
    ['X86-64-V3', 'x86-64-v3'],
    ['skylake_avx512', 'skylake-sp'],
    ['Skylake-Server', 'skylake-sp'],
    ['Cascadelake-Server-noTSX', 'cascadelake'],
    ['Icelake-Server', 'icelake-sp'],
    ['icelake-server', 'icelake-sp'],
    ['SapphireRapids', 'sapphirerapids'],
    ['sapphire-rapids', 'sapphirerapids'],
    ['GraniteRapids', 'graniterapids'],
    ['SierraForest', 'sierraforest'],
    ['Alder Lake', 'alderlake'],
    ['Arrow_Lake_S', 'arrowlake-s'],
    ['Opteron_G3', 'opteron-g3'],
    ['EPYC', 'epyc-naples'],
    ['EPYC-Rome', 'epyc-rome'],
    ['EPYC_Milan', 'epyc-milan'],
    ['znver4', 'epyc-genoa'],
    ['zen5', 'epyc-turin'],
    ['Dhyana', 'hygon-dhyana'],
    ['core-avx2', 'haswell'],
  ])('%s, as another project spells it, means %s', (spelling, name) => {
    expect(findProfileName(spelling)).toBe(name);
  });

  test.each([
    '',
    '-',
    'skylake',
    'haswell.json',
    './haswell',
    'epyc-9654',
    '__proto__',
    'constructor',
  ])('%j means none', (spelling) => {
    expect(findProfileName(spelling)).toBeUndefined();
  });
});

describe('levels', () => {
  test('hold what the psABI asks for, SYSCALL, XSAVE under OSXSAVE, what every CPU in long mode has, and nothing else', () => {
    const expected = new Set<string>(['syscall', 'clflush', 'sep', 'tsc']);
    for (const level of LEVELS) {
      for (const feature of level.features) expected.add(feature);
      if (expected.has('osxsave')) expected.add('xsave');
      expect(fileOf(level.name).features).toEqual([...expected].sort());
    }
  });

  test('know neither vendor nor CPU', () => {
    for (const level of LEVELS) {
      const host = seen(level.name);
      expect([host.vendor, host.signature, host.cacheLineBytes]).toEqual(Array(3).fill(undefined));
    }
  });

  test('of AVX-512 know the sizes of its state, and not where it lies', () => {
    const { components, offeredBytes, areaBytes } = seen('x86-64-v4').xsave;
    expect(components.map(({ bit, size, offset }) => [bit, size, offset])).toEqual([
      [0, 160, 0],
      [1, 256, 160],
      [2, 256, 576],
      [5, 64, undefined],
      [6, 512, undefined],
      [7, 1024, undefined],
    ]);
    expect([areaBytes, offeredBytes]).toEqual([undefined, undefined]);
  });
});

describe('layout', () => {
  const offsets = (name: string) =>
    Object.fromEntries(seen(name).xsave.components.map(({ bit, offset }) => [bit, offset]));

  test('AVX-512 state lies at 1088 on Intel CPUs, behind that of MPX', () => {
    expect(offsets('skylake-sp')).toMatchObject({ 2: 576, 3: 960, 4: 1024, 5: 1088, 9: 2688 });
    expect(offsets('icelake-sp')).toMatchObject({ 5: 1088, 6: 1152, 7: 1664, 9: 2688 });
    expect(offsets('icelake-sp')).not.toHaveProperty('3');
  });

  test('AVX-512 state lies at 832 on AMD CPUs', () => {
    for (const name of ['epyc-genoa', 'epyc-turin'])
      expect(offsets(name)).toMatchObject({ 5: 832, 6: 896, 7: 1408, 9: 2432 });
  });

  test('Zen 3 keeps the place of PKRU behind AVX-512 state that it lacks', () => {
    expect(offsets('epyc-milan')).toEqual({ 0: 0, 1: 160, 2: 576, 9: 2432 });
  });

  test('tiles are aligned in the compacted format', () => {
    const tiles = seen('sapphirerapids').xsave.components.filter(({ bit }) => bit >= 17);
    expect(tiles.map(({ size, offset, aligned }) => [size, offset, aligned])).toEqual([
      [64, 2752, true],
      [8192, 2816, true],
    ]);
  });

  test('what a CPU offers and Linux leaves off counts as offered only', () => {
    const rome = seen('epyc-rome').xsave;
    expect([rome.enabled.value, rome.offered.value]).toEqual([0x7n, 0x207n]);
    expect([rome.areaBytes, rome.offeredBytes]).toEqual([832, 896]);
    const bulldozer = seen('opteron-g4').xsave;
    expect([bulldozer.enabled.value, bulldozer.offered.value]).toEqual([0x7n, 0x4000000000000007n]);
    expect([bulldozer.areaBytes, bulldozer.offeredBytes]).toEqual([832, 960]);
  });
});

describe('history', () => {
  const INTEL = ['nehalem', 'westmere', 'sandybridge', 'ivybridge', 'haswell', 'broadwell'];
  const SCALABLE = ['skylake-sp', 'cascadelake', 'icelake-sp', 'sapphirerapids', 'graniterapids'];
  const ZEN = ['epyc-naples', 'epyc-rome', 'epyc-milan', 'epyc-genoa', 'epyc-turin'];
  // Taken away from one generation to the next, by their vendors.
  const GONE = new Set(['hle', 'rtm', 'mpx', 'mcommit', '3dnow', '3dnowext']);

  test.each([
    ['Intel', [...INTEL, ...SCALABLE]],
    ['AMD Zen', ZEN],
    ['AMD before Zen', ['opteron-g3', 'opteron-g4', 'opteron-g5']],
    ['levels', LEVELS.map(({ name }) => name)],
  ])('%s only adds features, but for those known to be gone', (_, line) => {
    for (let place = 1; place < line.length; place++) {
      const now = new Set(fileOf(line[place] as string).features);
      const lost = fileOf(line[place - 1] as string).features.filter((name) => !now.has(name));
      expect(lost.filter((name) => !GONE.has(name))).toEqual([]);
    }
  });

  test.each<[FeatureName, string, string]>([
    ['aes', 'nehalem', 'westmere'],
    ['avx', 'westmere', 'sandybridge'],
    ['f16c', 'sandybridge', 'ivybridge'],
    ['avx2', 'ivybridge', 'haswell'],
    ['adx', 'haswell', 'broadwell'],
    ['avx512f', 'broadwell', 'skylake-sp'],
    ['avx512_vnni', 'skylake-sp', 'cascadelake'],
    ['avx512_bf16', 'cascadelake', 'cooperlake'],
    ['avx512_bf16', 'icelake-sp', 'sapphirerapids'],
    ['vaes', 'cooperlake', 'icelake-sp'],
    ['amx_tile', 'icelake-sp', 'sapphirerapids'],
    ['amx_fp16', 'emeraldrapids', 'graniterapids'],
    ['sse4_1', 'opteron-g3', 'opteron-g4'],
    ['fma', 'opteron-g4', 'opteron-g5'],
    ['avx2', 'opteron-g5', 'epyc-naples'],
    ['clwb', 'epyc-naples', 'epyc-rome'],
    ['pku', 'epyc-rome', 'epyc-milan'],
    ['avx512f', 'epyc-milan', 'epyc-genoa'],
    ['avx_vnni', 'epyc-genoa', 'epyc-turin'],
    ['sha_ni', 'hygon-dhyana', 'epyc-naples'],
  ])('%s: not in %s, in %s', (feature, before, after) => {
    expect(fileOf(before).features).not.toContain(feature);
    expect(fileOf(after).features).toContain(feature);
  });
});

test.each(names)('the documentation lists %s', (name) => {
  const { title, aliases, year } = fileOf(name);
  const [level, area] = EXPECTED[name] ?? [];
  const bytes = area === 0 ? 'none' : (area ?? 'unknown');
  const cells = [`\`${name}\``, title, year ?? '', level?.slice(-2), bytes, aliases.join(', ')];
  const page = readFileSync(new URL('../../docs/profiles.md', import.meta.url), 'utf8');
  expect(page.split('\n')).toContain(`| ${cells.join(' | ')} |`);
});

test('a CPU profile has the signature of its design', () => {
  const codename = (name: string) => {
    const { vendor, signature } = seen(name);
    if (vendor === undefined || signature === undefined) return undefined;
    return findMicroarchitecture(vendor, signature.family, signature.model, signature.stepping)
      ?.codename;
  };
  expect(Object.fromEntries(names.map((name) => [name, codename(name)]))).toMatchObject({
    nehalem: 'Nehalem',
    westmere: 'Westmere',
    sandybridge: 'SandyBridge',
    ivybridge: 'IvyBridge',
    haswell: 'Haswell',
    broadwell: 'Broadwell',
    'skylake-sp': 'Skylake-SP/X',
    cascadelake: 'CascadeLake',
    cooperlake: 'CooperLake',
    'icelake-sp': 'IceLake-SP/D',
    sapphirerapids: 'SapphireRapids',
    emeraldrapids: 'EmeraldRapids',
    graniterapids: 'GraniteRapids',
    sierraforest: 'SierraForest',
    alderlake: 'AlderLake',
    raptorlake: 'RaptorLake',
    gracemont: 'AlderLake-N/TwinLake (Gracemont)',
    meteorlake: 'MeteorLake',
    'arrowlake-s': 'ArrowLake-S/HX',
    'opteron-g3': 'K10',
    'opteron-g4': 'Bulldozer',
    'opteron-g5': 'Piledriver',
    'epyc-naples': 'Zen',
    'epyc-rome': 'Zen2',
    'epyc-milan': 'Zen3/Zen3+',
    'epyc-genoa': 'Zen4/Zen4c',
    'epyc-turin': 'Zen5/Zen5c',
    'hygon-dhyana': 'Hygon Dhyana (Zen)',
  });
});

test('only what tasks see is told', () => {
  const host = seen('haswell');
  expect(USER_VISIBLE.has('kernel')).toBe(false);
  expect([host.hardware('smep'), host.hardware('avx2'), host.hardware('avx512f')]).toEqual([
    1, 2, 0,
  ]);
});
