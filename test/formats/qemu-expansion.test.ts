import { describe, expect, it } from 'vitest';
import type { FeatureName } from '../../src/catalogue/index.js';
import { ROWS } from '../../src/catalogue/index.js';
import { profile } from '../../src/formats/profile.js';
import { describeHost } from '../../src/model/capabilities.js';
import { leafTable, readRegister } from '../../src/model/leaves.js';
import { ALL_KNOWN } from '../../src/model/registers.js';
import { ABSENT, PRESENT, UNKNOWN } from '../../src/model/xsave.js';
import { failureOf, fixtureJson, fixtureText, inputOf, readText } from './fixture.js';

const answer = (props: object, name = 'base') => ({ return: { model: { name, props } }, id: 'x' });

async function presenceOf(props: object, feature: FeatureName) {
  return describeHost(await readText(answer(props))).hardware(feature);
}

async function registerOf(props: object, leaf: number, register: 'eax' | 'ebx') {
  const host = await readText(answer({ avx: true, ...props }));
  return readRegister(host.cpus[0]?.leaves ?? leafTable([]), leaf, 0, register);
}

describe("a session with QEMU about its model 'max'", () => {
  it('says of every bit what a guest on that model sees', async () => {
    const told = describeHost(await readText(fixtureText('qemuSession')));
    const guest = describeHost(profile.read(inputOf(fixtureText('maxProfile'))));
    const known = ROWS.filter(
      ({ name }) => told.hardware(name) !== UNKNOWN && guest.hardware(name) !== UNKNOWN,
    );
    expect(known.length).toBeGreaterThan(300);
    expect(known.filter(({ name }) => told.hardware(name) !== guest.hardware(name))).toEqual([]);
    expect(told.vendor).toBe(guest.vendor);
    expect(told.signature).toEqual(guest.signature);
    expect(told.brand).toBe(guest.brand);
    const { value, known: mask } = told.xsave.enabled;
    expect(value).toBe(guest.xsave.enabled.value & mask);
  });

  it('leaves sizes open', async () => {
    const { xsave } = describeHost(await readText(fixtureText('qemuSession')));
    expect(xsave.areaBytes).toBeUndefined();
    expect(xsave.components.find(({ bit }) => bit === 9)?.offset).toBeUndefined();
  });
});

describe("QEMU's static model of Skylake-Server", () => {
  // Model 85, stepping 4 (builtin_x86_defs in QEMU's target/i386/cpu.c).
  it('is that CPU', async () => {
    const host = await readText(fixtureText('qemuStatic'));
    const seen = describeHost(host);
    expect(seen.vendor).toBe('GenuineIntel');
    expect(seen.signature).toEqual({ family: 6, model: 85, stepping: 4 });
    expect(seen.brand).toBe('Intel Xeon Processor (Skylake)');
    expect(seen.effective('avx512f')).toBe(PRESENT);
    expect(seen.effective('avx512_vnni')).toBe(ABSENT);
    expect(host.remarks).toEqual([
      `This is what a virtual CPU of QEMU's model "base" shows, not the machine that it runs on.`,
      "The places of its state components weren't read; they are assumed to be those of GenuineIntel family 6 model 85 (Skylake-SP/X), as which it shows itself.",
    ]);
  });
});

describe('properties', () => {
  it.each<[string, FeatureName]>([
    ['sse4.1', 'sse4_1'],
    ['sse4-1', 'sse4_1'],
    ['sse4_1', 'sse4_1'],
    ['sse3', 'pni'],
    ['pclmuldq', 'pclmulqdq'],
    ['xd', 'nx'],
    ['i64', 'lm'],
    ['ffxsr', 'fxsr_opt'],
    ['avx512vbmi2', 'avx512_vbmi2'],
    ['lahf-lm', 'lahf_lm'],
    ['sha-ni', 'sha_ni'],
  ])('%s is %s, and nothing else is told', async (property, feature) => {
    expect(await presenceOf({ [property]: true }, feature)).toBe(PRESENT);
    expect(await presenceOf({ [property]: false }, feature)).toBe(ABSENT);
    expect(await presenceOf({ [property]: true }, 'fma4')).toBe(UNKNOWN);
  });

  // QEMU's "ssb-no" is bit 4 of MSR IA32_ARCH_CAPABILITIES; the CPUID bit is "amd-no-ssb" there.
  it('of MSRs are no CPUID bits of a like name', async () => {
    expect(await presenceOf({ avx: true, 'ssb-no': true }, 'amd_ssb_no')).toBe(UNKNOWN);
    expect(await presenceOf({ 'amd-no-ssb': true }, 'amd_ssb_no')).toBe(PRESENT);
  });

  it.each([
    ['level', 13, 0, { value: 13, known: ALL_KNOWN }],
    ['level', 0xffffffff, 0, { value: 0, known: 0 }],
    ['xlevel', 0x80000008, 0x80000000, { value: 0x80000008, known: ALL_KNOWN }],
    ['xlevel', 0, 0x80000000, { value: 0, known: 0 }],
    ['level-func7', 1, 7, { value: 1, known: ALL_KNOWN }],
    ['phys-bits', 46, 0x80000008, { value: 46, known: 0xff }],
    ['phys-bits', 0, 0x80000008, { value: 0, known: 0 }],
  ])('%s %i', async (property, value, leaf, expected) => {
    expect(await registerOf({ [property]: value }, leaf, 'eax')).toEqual(expected);
  });

  it('avx10-version is a number in leaf 0x24', async () => {
    expect(await registerOf({ 'avx10-version': 2 }, 0x24, 'ebx')).toEqual({
      value: 2,
      known: 0xff,
    });
    expect(await registerOf({}, 0x24, 'ebx')).toEqual({ value: 0, known: 0 });
  });

  it('family, model and stepping are as CPUID splits them', async () => {
    const identity = { family: 25, model: 0x61, stepping: 2 };
    expect(await registerOf(identity, 1, 'eax')).toEqual({ value: 0x00a60f12, known: ALL_KNOWN });
    expect((await registerOf({ family: 25, model: 1 }, 1, 'eax')).known).toBe(0);
  });

  // XSAVE, AVX and AVX-512 tell of components 0-2 and 5-7; PKU (9) isn't told. AVX10 in leaf 7.1 has
  // the components of AVX-512 too.
  it.each([
    ['nothing without XSAVE', { avx: true }, 0n, 0n],
    ['AVX-512 only with AVX10', { xsave: true, avx: true, avx512f: false }, 7n, 7n],
    ['both when listed', { xsave: true, avx: true, avx512f: false, avx10: false }, 7n, 0xe7n],
    [
      'AVX10 where there is no leaf 7.1',
      { xsave: true, avx: true, avx512f: false, level: 13, 'level-func7': 0 },
      7n,
      0xe7n,
    ],
    ['PKU when listed', { xsave: true, avx512f: true, pku: false }, 0xe3n, 0x2e3n],
    ['that there is none without XSAVE', { avx: true, xsave: false }, 0n, 0x2e7n],
  ])('tell of XCR0: %s', async (_, props, value, known) => {
    const xcr0 = (await readText(answer(props))).cpus[0]?.xcr0;
    expect([xcr0?.value, (xcr0?.known ?? 0n) & 0x2e7n]).toEqual([value, known]);
  });
});

describe('answers', () => {
  const props = { avx: true, vendor: 'AuthenticAMD' };
  it.each<[string, unknown]>([
    ['a whole reply', answer(props)],
    ['its "return"', { model: { name: 'base', props } }],
    ['without a name', { model: { props } }],
    [
      'among others, a line each',
      `{"QMP":{}}\n{"return":{}}\n${JSON.stringify(answer(props))}\n{"return":[{"name":"max"}]}\n`,
    ],
    ['without anything between them', `{"return":{}}${JSON.stringify(answer(props))}{"return":{}}`],
    [
      'as libvirt keeps them',
      `${JSON.stringify(answer(props), null, 2)}\n\n${JSON.stringify({ return: [], id: 'definitions' }, null, 2)}\n`,
    ],
    [
      'the last of two',
      `${JSON.stringify(answer({ avx: false }))}\n${JSON.stringify(answer(props))}`,
    ],
  ])('%s', async (_, value) => {
    const seen = describeHost(await readText(value));
    expect(seen.hardware('avx')).toBe(PRESENT);
    expect(seen.vendor).toBe('AuthenticAMD');
  });

  it('that differ from a named model only in part say so', async () => {
    const { remarks } = await readText(answer({ mpx: false }, 'Skylake-Server-v4'));
    expect(remarks.join(' ')).toMatch(/only how it differs from its model/);
  });

  it('that are several are counted', async () => {
    const { remarks } = await readText(
      `${JSON.stringify(answer(props))}${JSON.stringify(answer(props))}`,
    );
    expect(remarks).toContain('The file holds 2 answers; the last one counts.');
  });

  it.each<[string, unknown, RegExp]>([
    ['without a feature', answer({ 'kvm-pv-eoi': true }), /names no CPU feature/],
    ['with props that are a list', answer([true]), /must be object/],
    ['with props that are null', { return: { model: { props: null } } }, /must be object/],
    ['with a model that is a text', { return: { model: 'host', props: {} } }, /must be object/],
    [
      'about no model',
      { 'model-list': [{ model: 1 }], x: '"model" "props"', props: {} },
      /no answer to query-cpu-model-expansion/,
    ],
    ['with a feature that is a number', answer({ avx: 1 }), /must be true or false/],
    ['with a feature that is a word', answer({ avx: 'on' }), /must be true or false/],
    [
      'that contradict themselves',
      answer({ pni: true, sse3: false }),
      /is false, and "pni", another name of the same feature, is true/,
    ],
    ['with half a family', answer({ avx: true, family: 6.5 }), /must be/],
    ['with a family too large', answer({ avx: true, family: 271 }), /up to 270/],
    ['with a stepping in words', answer({ avx: true, stepping: 'B0' }), /up to 15/],
    ['with a short vendor', answer({ avx: true, vendor: 'Intel' }), /must have 12 characters/],
    [
      'with a vendor of control characters',
      answer({ avx: true, vendor: 'Genuine\u0000\u0000\u0000\u0000\u0000' }),
      /must have 12 characters/,
    ],
    [
      'of which the second is cut off',
      `${JSON.stringify(answer(props))}\n{"return": {"model": {"pro`,
      /is not valid JSON: a string has no closing quote at line 2, column 23/,
    ],
  ])('%s are refused', async (_, value, message) => {
    const error = await failureOf(value);
    expect(error.message).toMatch(message);
    expect(error.code).toBe('malformed');
  });

  it.each(['__proto__', 'constructor', 'hasOwnProperty', 'toString'])(
    'with a property %s know nothing by it',
    async (name) => {
      const text = JSON.stringify(answer({ avx: true })).replace('"avx"', `"${name}":true,"avx"`);
      expect((await readText(text)).cpus).toEqual((await readText(answer({ avx: true }))).cpus);
      expect('avx' in {}).toBe(false);
    },
  );

  it('are never taken from a file that was cut', async () => {
    const whole = `${JSON.stringify(answer(props))}\n${JSON.stringify({ return: [] })}`;
    const first = JSON.stringify(answer(props)).length;
    for (let length = 0; length < whole.length; length++)
      if (length < first || length > first + 1)
        expect((await failureOf(whole.slice(0, length))).code).toMatch(/malformed|unknown-format/);
  });
});

describe('what people cut out of an answer', () => {
  const whole = fixtureJson('qemuStatic');
  const { model } = whole.return ?? whole;
  it.each([
    ['the model', model],
    ['its properties', model.props],
  ])('%s says the same', async (_, part) => {
    const seen = describeHost(await readText(part));
    const full = describeHost(await readText(whole));
    for (const name of ['avx2', 'avx512f', 'pku', 'sha_ni'] as const)
      expect([name, seen.effective(name)]).toEqual([name, full.effective(name)]);
  });
  it.each([
    ['two switches', { fpu: true, avx2: true }],
    ['properties of something else', { fpu: 'x', enabled: true, name: 'y', a: 1, b: 2, c: 3 }],
    ['lists', { fpu: true, list: [true] }],
  ])('%s are no properties of a CPU', async (_, value) => {
    expect((await failureOf(value)).message).toContain('no format');
  });
});
