import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { criuImage } from '../../src/formats/criu-image.js';
import { openInput } from '../../src/formats/format.js';
import { describeHost } from '../../src/model/capabilities.js';
import { InputError } from '../../src/model/errors.js';
import type { Host } from '../../src/model/host.js';
import { leafTable, readRegister } from '../../src/model/leaves.js';
import { ABSENT, PRESENT, UNKNOWN } from '../../src/model/xsave.js';
import {
  COMMON,
  CPUINFO,
  type Field,
  fieldsOf,
  image,
  imageOf,
  message,
  type Record,
  text,
  varint,
  ZERO_WORDS,
} from './criu-bytes.js';

const fixtures = new URL('../fixtures/criu/', import.meta.url);
const names = readdirSync(fixtures).filter((name) => name.endsWith('.img'));
const fixture = (name: string) => new Uint8Array(readFileSync(new URL(name, fixtures)));

const read = (bytes: Uint8Array): Host => criuImage.read(openInput('cpuinfo.img', bytes));
const recordOf = (record: Record) => read(imageOf(record)).criu;
const entryOf = (fields: readonly Field[]) => image(message([[1, message(fields)]]));

/** Words with some of them set. */
const words = (set: Readonly<{ [word: number]: number }>): number[] =>
  ZERO_WORDS.map((_, place) => set[place] ?? 0);

// Positions by the manuals: leaf 1 ECX, leaf 7 EBX, ECX and EDX.
const XSAVE = 0x0c000000;
const AVX = 0x10000000;
const AVX512F = 0x00010000;
const MPX = 0x00004000;
const PKU = 0x00000018;
const AMX_TILE = 0x01000000;

describe('an image', () => {
  it('is found by either magic', () => {
    expect(criuImage.recognise(openInput('x', imageOf({})))).toBe(true);
    expect(criuImage.recognise(openInput('x', imageOf({}).subarray(4)))).toBe(true);
    expect(criuImage.recognise(openInput('x', imageOf({}).subarray(1)))).toBe(false);
    expect(criuImage.recognise(openInput('x', new Uint8Array(3)))).toBe(false);
  });

  it('gives its record as it stands there', () => {
    const hex =
      '19435654134040613e0000000a3c08011006185520072802' +
      '3000'.repeat(19) +
      '3a015840e505488815508815';
    const bytes = new Uint8Array(Buffer.from(hex, 'hex'));
    expect(read(bytes).criu).toEqual({
      vendor: 'intel',
      family: 6,
      model: 85,
      stepping: 7,
      capabilityVersion: 2,
      words: ZERO_WORDS,
      modelId: 'X',
      xfeaturesMask: 0x2e5n,
      xsaveSize: 2696,
      xsaveSizeMax: 2696,
    });
  });

  it('may have no common magic', () => {
    const entry = message([[1, message(fieldsOf({ modelId: 'X' }))]]);
    expect(read(image(entry, [CPUINFO])).criu?.modelId).toBe('X');
  });

  it('may be of version 1, with 12 words and without sizes', () => {
    const criu = recordOf({ version: 1, words: ZERO_WORDS.slice(7), modelId: 'X' });
    expect(criu?.words).toHaveLength(12);
    expect(criu?.xfeaturesMask).toBeUndefined();
    expect(criu?.xsaveSize).toBeUndefined();
  });

  it('may have its words packed, and some of them packed', () => {
    const wide = words({ 0: 0xffffffff, 18: 0x80000000 });
    const others = fieldsOf({}).filter(([number]) => number !== 6);
    const packed = (some: readonly number[]): Field => [6, Uint8Array.from(some.flatMap(varint))];
    expect(read(entryOf([...others, packed(wide)])).criu?.words).toEqual(wide);
    const mixed: Field[] = [packed(wide.slice(0, 5)), [6, 0], packed(wide.slice(6))];
    expect(read(entryOf([...others, ...mixed])).criu?.words).toEqual(wide);
  });

  it('may have fields that are not known, and fields twice', () => {
    const extra: Field[] = [
      [11, 5],
      [900, text('later')],
      [2, 25],
    ];
    expect(read(entryOf([...fieldsOf({}), ...extra])).criu?.family).toBe(25);
  });
});

describe('not an image', () => {
  const whole = imageOf({ modelId: 'X', mask: 0x2e5, size: 2696, sizeMax: 2696 });
  const lacking = (number: number) => entryOf(fieldsOf({}).filter(([field]) => field !== number));
  const entry = message([[1, message(fieldsOf({}))]]);
  const cases: readonly (readonly [string, Uint8Array, RegExp])[] = [
    ['another of its images', image(entry, [COMMON, 0x55053847]), /another of CRIU's images/],
    ['too short for its header', whole.subarray(0, 7), /ends in its header/],
    ['too short for its length', whole.subarray(0, 11), /ends in its header/],
    ['with a longer record than is there', image(entry, undefined, 4000), /4000 bytes/],
    ['with a record of 4 GiB', image(entry, undefined, 0xffffffff), /4294967295 bytes/],
    ['with junk behind the record', Uint8Array.from([...whole, 0]), /goes on behind/],
    ['with a second record', Uint8Array.from([...whole, ...whole.subarray(8)]), /goes on behind/],
    ['with an empty record', image(new Uint8Array(0)), /holds no CPU/],
    ['with two CPUs', image(Uint8Array.from([...entry, ...entry])), /2 CPUs/],
    ['of ppc64', image(message([[2, message([[1, 1]])]])), /ppc64 machine/],
    ['of s390', image(message([[3, message([[2, 1]])]])), /s390 machine/],
    ['without vendor', lacking(1), /lacks vendor_id/],
    ['without family', lacking(2), /lacks cpu_family/],
    ['without model', lacking(3), /lacks model/],
    ['without stepping', lacking(4), /lacks stepping/],
    ['without version', lacking(5), /lacks capability_ver/],
    ['without words', lacking(6), /0 words; version 2 has 19/],
    ['with too few words', imageOf({ words: ZERO_WORDS.slice(1) }), /18 words/],
    ['with too many words', imageOf({ words: [...ZERO_WORDS, 0] }), /20 words/],
    ['with words of the other version', imageOf({ version: 1 }), /19 words; version 1 has 12/],
    ['of a version to come', imageOf({ version: 3 }), /capability version 3/],
    ['of another vendor', imageOf({ vendor: 3 }), /vendor that isn't known: 3/],
    ['of a family that nobody has', imageOf({ family: 4711 }), /family 4711/],
    ['with a word of 33 bits', imageOf({ words: words({ 3: 2 ** 32 }) }), /too large a number/],
    ['with a mask of 64 bits', imageOf({ mask: 2n ** 64n - 1n }), /too large a number/],
    ['with a number of eleven bytes', entryOf([[1, 2n ** 75n]]), /isn't a protocol buffer/],
    ['with a name of 300 letters', imageOf({ modelId: 'x'.repeat(300) }), /300 characters/],
    ['with a text for the family', entryOf([[2, text('six')]]), /cpu_family has the wrong type/],
    ['with a number for a CPU', image(message([[1, 7]])), /wrong type/],
    ['with a CPU longer than all', image(Uint8Array.of(0x0a, 0x7f, 0)), /longer than what is left/],
    ['with a field number 0', image(Uint8Array.of(0x00, 0x00)), /number 0/],
    ['with a group', image(Uint8Array.of(0x7b, 0x00)), /isn't a protocol buffer/],
    ['with a field cut off', image(Uint8Array.of(0x5d, 0x00)), /in the middle of a field/],
  ];

  it.each(cases)('%s', (_, bytes, message_) => {
    expect(() => read(bytes)).toThrow(InputError);
    expect(() => read(bytes)).toThrow(message_);
  });

  it('says where it is broken', () => {
    const at = (bytes: Uint8Array) => {
      try {
        read(bytes);
      } catch (error) {
        return (error as InputError).place;
      }
      return undefined;
    };
    expect(at(whole.subarray(0, 30))).toEqual({ file: 'cpuinfo.img', offset: 30 });
    expect(at(image(entry, [COMMON, 1]))).toEqual({ file: 'cpuinfo.img', offset: 4 });
    // Header 12, then tag and length of the entry, the tag of vendor_id.
    expect(at(imageOf({ vendor: 2 ** 40 }))).toEqual({ file: 'cpuinfo.img', offset: 15 });
  });

  it.each(names)('%s cut off at any byte', (name) => {
    const bytes = fixture(name);
    for (let length = 0; length < bytes.length; length++)
      expect(() => read(bytes.subarray(0, length)), `${length}`).toThrow(InputError);
  });

  it('of any other damage: an InputError or a host', () => {
    const damage = fc.record({
      name: fc.constantFrom(...names),
      changes: fc.array(fc.tuple(fc.nat(130), fc.nat(255)), { minLength: 1, maxLength: 6 }),
      cut: fc.option(fc.nat(130)),
      // Most changes would only break the length otherwise.
      honest: fc.boolean(),
    });
    fc.assert(
      fc.property(damage, ({ name, changes, cut, honest }) => {
        const bytes = fixture(name).slice(0, cut ?? undefined);
        for (const [place, value] of changes) if (place < bytes.length) bytes[place] = value;
        if (honest && bytes.length > 12) {
          bytes.set(imageOf({}).subarray(0, 8));
          new DataView(bytes.buffer).setUint32(8, bytes.length - 12, true);
        }
        try {
          describeHost(read(bytes));
        } catch (error) {
          expect(error).toBeInstanceOf(InputError);
        }
      }),
      { numRuns: 3000 },
    );
  });
});

describe('the host of an image', () => {
  /** What Linux enables on these CPUs, and the area's size. */
  it.each([
    ['sandybridge.img', 0x7n, 832],
    ['haswell.img', 0x7n, 832],
    ['haswell+pku.img', 0x207n, 2696],
    ['haswell+mpx.img', 0x1fn, 1088],
    ['skylake-server.img', 0x207n, 2696],
    ['knightsmill.img', 0x7n, 832],
    ['epyc.img', 0x7n, 832],
    ['nehalem.img', 0n, 0],
  ])('%s: XCR0 and size', (name, xcr0, size) => {
    const { xsave } = describeHost(read(fixture(name)));
    expect(xsave.enabled.value).toBe(xcr0);
    expect(xsave.enabled.known & 0x2ffn).toBe(0x2ffn);
    expect(xsave.areaBytes).toBe(size);
  });

  it.each([
    ['haswell.img', 'GenuineIntel', 6, 60, 'Intel Core Processor (Haswell)'],
    ['nehalem.img', 'GenuineIntel', 6, 26, 'Intel Core i7 9xx (Nehalem Class Core i7)'],
    ['epyc.img', 'AuthenticAMD', 23, 1, 'AMD EPYC Processor'],
  ])('%s: vendor, signature and name', (name, vendor, family, model, brand) => {
    const host = describeHost(read(fixture(name)));
    expect(host).toMatchObject({ vendor, signature: { family, model }, brand });
  });

  it('is Hygon by its family', () => {
    const dhyana = imageOf({ vendor: 2, family: 0x18, model: 1, stepping: 1, modelId: 'C86' });
    expect(describeHost(read(dhyana)).vendor).toBe('HygonGenuine');
  });

  it('has no vendor where the image names none', () => {
    expect(describeHost(read(imageOf({ vendor: 0 }))).vendor).toBeUndefined();
  });

  const presence = (record: Record) => describeHost(read(imageOf(record)));

  it('knows a clear bit of a stored word, and nothing of leaves without one', () => {
    const host = presence({ words: words({ 9: 0x20 }) });
    expect(host.hardware('avx2')).toBe(PRESENT);
    expect(host.hardware('bmi1')).toBe(ABSENT);
    expect(host.hardware('avx_vnni')).toBe(UNKNOWN);
    expect(host.hardware('apx')).toBe(UNKNOWN);
  });

  it('knows nothing of words that an old image lacks', () => {
    const old = presence({ version: 1, words: ZERO_WORDS.slice(7) });
    expect(old.hardware('avx2')).toBe(ABSENT);
    expect(old.hardware('clzero')).toBe(UNKNOWN);
    expect(old.hardware('amx_tile')).toBe(UNKNOWN);
  });

  it("doesn't take a bit that CRIU clears for the CPU's", () => {
    expect(presence({ vendor: 2, family: 25 }).hardware('pbe')).toBe(UNKNOWN);
    expect(presence({ vendor: 1 }).hardware('pbe')).toBe(ABSENT);
    expect(presence({ vendor: 1, family: 15 }).hardware('erms')).toBe(UNKNOWN);
  });

  it('asks leaf 0xF.1 only where CRIU did', () => {
    const at = (llc: number) =>
      readRegister(
        read(imageOf({ words: words({ 16: llc }) })).cpus[0]?.leaves ?? leafTable([]),
        0xf,
        1,
        'edx',
      ).known;
    expect(at(0)).toBe(0);
    expect(at(2)).toBe(0xffffffff);
  });

  it('takes nothing from words that CRIU makes up or never fills', () => {
    const set = words({ 2: 0xffffffff, 3: 0xffffffff, 5: 0xffffffff, 7: 0xffffffff });
    const leaves = read(imageOf({ words: set })).cpus[0]?.leaves ?? leafTable([]);
    const told = leaves.rows.map(({ leaf }) => leaf);
    expect(told).toContain(0x80000001);
    expect(told).not.toContain(0x80860001);
    expect(told).not.toContain(0xc0000001);
  });

  it('of an empty record knows nothing', () => {
    const host = read(fixture('haswell-vendor-centaurhauls.img'));
    expect(host.cpus[0]?.leaves.rows).toEqual([]);
    expect(host.remarks.join()).toMatch(/vendor/);
    expect(describeHost(host).vendor).toBeUndefined();
  });

  /** Offered components: SSE and BNDREGS, which CRIU's mask never has, are found again. */
  it.each([
    [0x5, AVX, 0, 0x7, 0b111],
    [0x2f5, AVX, MPX | AVX512F, 0x2ff, 0x2ff],
    [0x2e5, AVX, AVX512F, 0x2e7, 0x2e7],
    // MPX in CPUID without its state: not offered. Without the feature nobody knows.
    [0x5, AVX, MPX, 0x7, 0b11111],
    [0x1, 0, 0, 0x3, 0b11],
  ])('offers by mask 0x%s', (mask, avx, ebx, value, known) => {
    const set = words({ 4: XSAVE | avx, 9: ebx, 11: mask & 0x200 ? PKU : 0 });
    const bytes = imageOf({ words: set, mask, size: 832, sizeMax: 832, modelId: 'X' });
    const { offered } = describeHost(read(bytes)).xsave;
    expect(offered).toEqual({ value: BigInt(value), known: BigInt(known) });
  });

  /**
   * XCR0 from the size: 576 legacy, 832 AVX, 1088 MPX, 2688 AVX-512 (Intel), 2432 (AMD), 2696 or
   * 2440 PKRU, 11008 AMX. Unknown bits are listed; APX (19) fits into any area from 1088 on.
   */
  const APX = 19;
  const cases: readonly (readonly [string, Record, number, bigint, readonly number[]])[] = [
    ['AVX', { words: words({ 4: XSAVE | AVX }), mask: 0x5 }, 832, 0x7n, []],
    ['AVX switched off', { words: words({ 4: XSAVE | AVX }), mask: 0x5 }, 576, 0x3n, []],
    [
      'AVX-512 of Intel',
      { words: words({ 4: XSAVE | AVX, 9: AVX512F }), mask: 0xe5 },
      2688,
      0xe7n,
      [APX],
    ],
    [
      'AVX-512 of AMD with keys',
      { vendor: 2, family: 25, words: words({ 4: XSAVE | AVX, 9: AVX512F, 11: PKU }), mask: 0x2e5 },
      2440,
      0x2e7n,
      [APX],
    ],
    [
      'AVX-512 switched off',
      { words: words({ 4: XSAVE | AVX, 9: AVX512F }), mask: 0xe5 },
      832,
      0x3n,
      [2],
    ],
    [
      'keys that the kernel leaves off',
      { words: words({ 4: XSAVE | AVX, 11: 0x8 }), mask: 0x205 },
      832,
      0x7n,
      [],
    ],
    [
      'AMX',
      { words: words({ 4: XSAVE | AVX, 9: AVX512F, 11: PKU, 18: AMX_TILE }), mask: 0x2e5 },
      11008,
      0x602e7n,
      [APX],
    ],
    [
      'AMX under a kernel without it',
      { words: words({ 4: XSAVE | AVX, 9: AVX512F, 11: PKU, 18: AMX_TILE }), mask: 0x2e5 },
      2696,
      0x2e7n,
      [APX],
    ],
    [
      'a size that nothing has',
      { words: words({ 4: XSAVE | AVX, 9: AVX512F, 11: PKU }), mask: 0x2e5 },
      4000,
      0x3n,
      [2, 5, 6, 7, 9, APX],
    ],
  ];
  it.each(cases)('enables %s', (_, record, size, value, unknown) => {
    const host = read(imageOf({ ...record, size, sizeMax: size, modelId: 'X' }));
    const xcr0 = host.cpus[0]?.xcr0;
    expect(xcr0?.value).toBe(value);
    const bits = [...Array(64).keys()].filter(
      (bit) => (((xcr0?.known ?? 0n) >> BigInt(bit)) & 1n) === 0n,
    );
    expect(bits).toEqual(unknown);
  });

  it('of an old image knows x87 and SSE, and that what CPUID lacks is off', () => {
    const host = read(
      imageOf({ version: 1, words: words({ 4: XSAVE | AVX }).slice(0, 12), modelId: 'X' }),
    );
    const { enabled, areaBytes } = describeHost(host).xsave;
    expect(enabled.value).toBe(3n);
    expect(enabled.known & 0x2ffn).toBe(0x2fbn);
    expect(areaBytes).toBeUndefined();
  });
});

describe('a written image', () => {
  const write = (host: Host) => criuImage.write?.(host) ?? { content: '', lost: [] };

  it.each(names.filter((name) => !/centaur|model-id/.test(name)))('of %s is the same', (name) => {
    expect(write(read(fixture(name))).content).toEqual(fixture(name));
  });

  it('gets a name where it has none', () => {
    const { content, lost } = write(read(fixture('haswell-model-id.img')));
    expect(read(content as Uint8Array).criu?.modelId).toBe('unknown');
    expect(lost.join()).toMatch(/crashes/);
  });

  it('holds any record that can be read', () => {
    const u32 = fc.nat(0xffffffff);
    const record = fc.record({
      vendor: fc.constantFrom('unknown' as const, 'intel' as const, 'amd' as const),
      family: fc.nat(255),
      model: fc.nat(255),
      stepping: fc.nat(15),
      capabilityVersion: fc.constant(2),
      words: fc.array(u32, { minLength: 19, maxLength: 19 }),
      modelId: fc.string({ maxLength: 48, unit: 'binary-ascii' }),
      xfeaturesMask: fc.option(fc.bigInt(0n, 2n ** 53n - 1n), { nil: undefined }),
      xsaveSize: fc.option(u32, { nil: undefined }),
      xsaveSizeMax: fc.option(u32, { nil: undefined }),
    });
    fc.assert(
      fc.property(record, (criu) => {
        const host: Host = { ...read(imageOf({})), criu };
        expect(read(write(host).content as Uint8Array).criu).toEqual(criu);
      }),
    );
  });

  it('is refused for a host that tells too little, with what it lacks', () => {
    const { criu, ...partial } = read(fixture('haswell.img'));
    expect(criu).toBeDefined();
    expect(() => write({ ...partial, cpus: [{ logical: [0], leaves: leafTable([]) }] })).toThrow(
      /lacks data that CRIU stores: the vendor/,
    );
  });
});
