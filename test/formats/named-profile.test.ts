import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { openInput } from '../../src/formats/format.js';
import { namedProfile } from '../../src/formats/named-profile.js';
import { describeHost, effectiveFeatures } from '../../src/model/capabilities.js';
import { describeInputError, InputError } from '../../src/model/errors.js';
import { ABSENT, PRESENT, UNKNOWN } from '../../src/model/xsave.js';

/** The smallest profile with a bit of everything; made up. */
const PLAIN = {
  schemaVersion: 1,
  kind: 'cpugate-cpu-profile',
  name: 'made-up',
  title: 'Made-up CPU',
  aliases: ['made-up-server'],
  vendor: 'GenuineIntel',
  family: 6,
  model: 85,
  stepping: 7,
  cacheLineBytes: 64,
  linearAddressBits: 48,
  features: ['avx', 'fpu', 'fxsr', 'osxsave', 'pku', 'sse', 'sse2', 'xsave'],
  xsave: {
    components: [
      { bit: 2, size: 256, offset: 576 },
      { bit: 9, size: 8, offset: 2688 },
    ],
    areaBytes: 2696,
  },
  notes: ['Nobody sells it.'],
  exceptions: [{ feature: 'rtm', why: 'Switched off by microcode.' }],
};

function bytesOf(value: unknown): Uint8Array {
  return new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));
}

function read(value: unknown) {
  return namedProfile.read(openInput('made-up.json', bytesOf(value)));
}

function errorOf(value: unknown): InputError {
  try {
    read(value);
  } catch (error) {
    if (error instanceof InputError) return error;
    throw error;
  }
  throw new Error('was read');
}

function recognises(text: string): boolean {
  return namedProfile.recognise(openInput('x', bytesOf(text)));
}

describe('recognises', () => {
  test.each([
    ['a profile', JSON.stringify(PLAIN)],
    ['an indented one', JSON.stringify(PLAIN, null, 4)],
    ['a damaged one', JSON.stringify(PLAIN).slice(0, 60)],
    ['one with the kind last', '{"name": "x", "kind" : "cpugate-cpu-profile"}'],
  ])('%s', (_, text) => {
    expect(recognises(text)).toBe(true);
  });

  test.each([
    ['nothing', ''],
    ['a host profile', '{"schemaVersion":1,"kind":"cpugate-host"}'],
    ['the word in a sentence', 'kind of a cpugate-cpu-profile'],
    ['the kind of something else', '{"kind":"cpugate-cpu-profiles"}'],
  ])('not %s', (_, text) => {
    expect(recognises(text)).toBe(false);
  });
});

describe('reads', () => {
  const host = read(PLAIN);
  const seen = describeHost(host);

  test('a host of kind model with its notes', () => {
    expect(host).toMatchObject({ name: 'made-up', format: 'named profile', kind: 'model' });
    expect(host.remarks).toEqual(['Nobody sells it.', 'rtm: Switched off by microcode.']);
  });

  test('vendor, signature and the numbers that tasks cache', () => {
    expect(seen.vendor).toBe('GenuineIntel');
    expect(seen.signature).toEqual({ family: 6, model: 85, stepping: 7 });
    expect([seen.linearAddressBits, seen.physicalAddressBits]).toEqual([48, undefined]);
  });

  test('the cache line only where CLFLUSH is listed', () => {
    expect(seen.cacheLineBytes).toBeUndefined();
    const flushing = read({ ...PLAIN, features: [...PLAIN.features, 'clflush'] });
    expect(describeHost(flushing).cacheLineBytes).toBe(64);
  });

  test('AMD families, which the signature holds in two fields', () => {
    const zen = { ...PLAIN, vendor: 'AuthenticAMD', family: 25, model: 17, stepping: 1 };
    expect(describeHost(read(zen)).signature).toEqual({ family: 25, model: 17, stepping: 1 });
  });

  test('listed features as there, others that tasks see as absent, the rest as unknown', () => {
    expect([...effectiveFeatures(seen)].sort()).toEqual(PLAIN.features);
    expect(seen.effective('rtm')).toBe(ABSENT);
    expect(seen.effective('avx512f')).toBe(ABSENT);
    expect(seen.hardware('smep')).toBe(UNKNOWN);
    expect(seen.hardware('nx')).toBe(UNKNOWN);
  });

  test('XCR0, components and sizes', () => {
    expect(seen.xsave.enabled).toEqual({ value: 0x207n, known: 0xffffffffffffffffn });
    expect(seen.xsave).toMatchObject({ basis: 'read', areaBytes: 2696, offeredBytes: 2696 });
    expect(seen.xsave.compactedBytes).toBeUndefined();
    expect(seen.xsave.components.find(({ bit }) => bit === 9)).toMatchObject({
      name: 'pkru',
      size: 8,
      offset: 2688,
      aligned: false,
    });
  });

  test('a profile without XSAVE', () => {
    const { xsave: _, ...rest } = PLAIN;
    const old = describeHost(read({ ...rest, features: ['fpu', 'fxsr', 'sse', 'sse2'] }));
    expect(old.xsave.enabled.value).toBe(0n);
    expect(old.xsave.areaBytes).toBe(0);
    expect(old.effective('xsave')).toBe(ABSENT);
  });

  test('an offset that nobody knows as unknown, and the size with it', () => {
    const components = [PLAIN.xsave.components[0], { bit: 9, size: 8 }];
    const { xsave } = describeHost(read({ ...PLAIN, xsave: { components } }));
    expect(xsave.components.at(-1)).toMatchObject({ size: 8, offset: undefined });
    expect([xsave.areaBytes, xsave.offeredBytes]).toEqual([undefined, undefined]);
  });

  test('components that Linux leaves off as offered, not enabled', () => {
    const xsave = {
      ...PLAIN.xsave,
      offeredOnly: [{ bit: 62, size: 128, offset: 2816 }],
      offeredAreaBytes: 2944,
    };
    const read62 = describeHost(read({ ...PLAIN, xsave })).xsave;
    expect(read62.offered.value).toBe(0x4000000000000207n);
    expect(read62.enabled.value).toBe(0x207n);
    expect([read62.areaBytes, read62.offeredBytes]).toEqual([2696, 2944]);
  });

  test('features in the spelling of other projects', () => {
    const features = [...PLAIN.features, 'sse3', 'sse4.1', 'SSE4-2'];
    const spelt = describeHost(read({ ...PLAIN, features }));
    for (const name of ['pni', 'sse4_1', 'sse4_2'] as const)
      expect(spelt.effective(name)).toBe(PRESENT);
  });
});

describe('numbers', () => {
  // Everything that AVX10 needs, by the Intel AVX10 specification.
  const AVX512 =
    'avx512f avx512cd avx512bw avx512dq avx512vl avx512ifma avx512vbmi avx512_vbmi2 avx512_vnni avx512_bitalg avx512_vpopcntdq avx512_bf16 avx512_fp16 aes pclmulqdq vaes vpclmulqdq gfni avx10 avx10_version'.split(
      ' ',
    );
  const avx10 = {
    ...PLAIN,
    features: [...PLAIN.features, ...AVX512],
    xsave: {
      components: [
        { bit: 2, size: 256, offset: 576 },
        { bit: 5, size: 64, offset: 1088 },
        { bit: 6, size: 512, offset: 1152 },
        { bit: 7, size: 1024, offset: 1664 },
        { bit: 9, size: 8, offset: 2688 },
      ],
      areaBytes: 2696,
    },
  };

  test('are 1 where only the feature is listed', () => {
    expect(describeHost(read(avx10)).fieldValue('avx10_version')).toBe(1);
  });

  test('are what "fields" says', () => {
    const second = { ...avx10, fields: { avx10_version: 2 } };
    expect(describeHost(read(second)).fieldValue('avx10_version')).toBe(2);
  });

  test('are refused for bits and for features that are not listed', () => {
    expect(errorOf({ ...avx10, fields: { avx: 2 } }).message).toBe('avx is a bit, not a number');
    expect(errorOf({ ...PLAIN, fields: { avx10_version: 2 } }).message).toMatch(/isn't among/);
  });
});

describe('refuses', () => {
  const without = (key: string) =>
    Object.fromEntries(Object.entries(PLAIN).filter(([name]) => name !== key));
  const withFeatures = (...more: string[]) => ({
    ...PLAIN,
    features: [...PLAIN.features, ...more],
  });
  const withXsave = (xsave: unknown) => ({ ...PLAIN, xsave });
  const [ymm, pkru] = PLAIN.xsave.components;

  test.each<[string, unknown, string, RegExp]>([
    ['JSON cut short', JSON.stringify(PLAIN).slice(0, -3), '', /not valid JSON/],
    ['a list', [PLAIN], '/', /must be object/],
    ['a missing title', without('title'), '/', /"title"/],
    ['an unknown property', { ...PLAIN, feature: [] }, '/', /"feature"/],
    ['a later version', { ...PLAIN, schemaVersion: 2 }, '/schemaVersion', /must be 1/],
    ['a name that is a path', { ...PLAIN, name: '../x' }, '/name', /pattern/],
    ['a terminal escape', { ...PLAIN, notes: ['\u001b[2J'] }, '/notes/0', /pattern/],
    ['a vendor without a family', without('family'), '/', /family/],
    ['a feature given twice', withFeatures('avx'), '/features', /duplicate/],
    ['an unknown feature', withFeatures('avx3'), '/features/8', /unknown feature "avx3"/],
    [
      'a feature of the kernel',
      withFeatures('smep'),
      '/features/8',
      /smep is not visible to tasks/,
    ],
    [
      'a feature without its prerequisite',
      withFeatures('vaes'),
      '/features',
      /vaes .* without aes/,
    ],
    [
      'a feature without its state',
      withFeatures('avx512f'),
      '/xsave/components',
      /needs component 5/,
    ],
    ['XSAVE without a layout', without('xsave'), '/xsave', /without its layout/],
    [
      'a layout without XSAVE',
      { ...PLAIN, features: ['fpu'] },
      '/xsave',
      /without the feature xsave/,
    ],
    [
      'a component without its feature',
      { ...PLAIN, features: PLAIN.features.filter((name) => name !== 'pku') },
      '/xsave/components',
      /component 9/,
    ],
    [
      'a component of the kernel',
      withXsave({ components: [ymm, pkru, { bit: 8, size: 128 }] }),
      '/xsave/components',
      /component 8/,
    ],
    [
      'a component given twice',
      withXsave({ components: [ymm, pkru, pkru], areaBytes: 2696 }),
      '/xsave',
      /given twice/,
    ],
    [
      'a wrong size',
      withXsave({ ...PLAIN.xsave, areaBytes: 2688 }),
      '/xsave/areaBytes',
      /byte 2696, not 2688/,
    ],
    [
      'a size without an offset',
      withXsave({ components: [ymm, { bit: 9, size: 8 }], areaBytes: 2696 }),
      '/xsave/areaBytes',
      /can't be known/,
    ],
    [
      'a size left out',
      withXsave({ components: [ymm, pkru] }),
      '/xsave/areaBytes',
      /size is missing; the last component ends at byte 2696/,
    ],
    [
      'an offered component without the offered size',
      withXsave({ ...PLAIN.xsave, offeredOnly: [{ bit: 62, size: 128, offset: 2816 }] }),
      '/xsave',
      /offeredAreaBytes/,
    ],
  ])('%s', (_, value, at, message) => {
    const error = errorOf(value);
    expect(error.message).toMatch(message);
    expect(error.place.file).toBe('made-up.json');
    expect(error.place.at ?? '').toBe(at);
  });

  test('a property that would change every object', () => {
    const text = JSON.stringify(PLAIN).replace('{', '{"__proto__":{"polluted":1},');
    expect(errorOf(text).message).toMatch(/__proto__/);
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
  });

  test('with place and remedy', () => {
    expect(describeInputError(errorOf(withFeatures('vaes')))).toMatchInlineSnapshot(`
      "made-up.json: /features: vaes is listed without aes, which it needs
        Add aes, or leave vaes out."
    `);
  });
});

describe('laws', () => {
  const text = JSON.stringify(PLAIN);
  const ends = (value: unknown) => {
    try {
      describeHost(read(value));
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
    }
  };

  test('damaged text is read or refused, never more', () => {
    const edit = fc.record({
      at: fc.nat(text.length),
      cut: fc.nat(20),
      put: fc.oneof(
        fc.string({ maxLength: 8 }),
        fc.constantFrom('{', ']', '"', '-1', '1e99', 'null'),
      ),
    });
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
        ends(
          edits.reduce(
            (damaged, { at, cut, put }) => damaged.slice(0, at) + put + damaged.slice(at + cut),
            text,
          ),
        );
      }),
      { numRuns: 500 },
    );
  });

  test('well-formed JSON of any shape is read or refused, never more', () => {
    const paths = [...Object.keys(PLAIN), 'fields'];
    fc.assert(
      fc.property(fc.constantFrom(...paths), fc.jsonValue({ maxDepth: 4 }), (key, value) => {
        ends({ ...PLAIN, [key]: value });
      }),
      { numRuns: 500 },
    );
  });
});
