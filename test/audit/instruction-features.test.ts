import { Code, CpuidFeature, Instruction } from 'iced-x86';
import { describe, expect, it } from 'vitest';
import { mayUseFeatures } from '../../src/audit/candidates.js';
import { INSTRUCTION_FEATURES } from '../../src/audit/instruction-features.js';
import { ROWS } from '../../src/catalogue/index.js';

/** What the decoder says of every instruction that 64-bit code can hold. */
const OF_64_BIT: ReadonlyMap<string, readonly string[]> = (() => {
  const words = new Map<string, string[]>();
  const instruction = new Instruction();
  for (const [name, code] of Object.entries(Code)) {
    if (typeof code !== 'number') continue;
    instruction.code = code;
    if (!instruction.opCode.mode64) continue;
    for (const word of instruction.cpuidFeatures()) {
      const key = CpuidFeature[word] as string;
      words.set(key, [...(words.get(key) ?? []), name]);
    }
  }
  return words;
})();

describe('the features of instructions', () => {
  it('have a row for each word of the decoder, and none for another', () => {
    expect(Object.keys(INSTRUCTION_FEATURES).sort()).toEqual([...OF_64_BIT.keys()].sort());
  });
  it('leave out no feature of the levels but those that the head of the table names', () => {
    const mapped = new Set(
      Object.values(INSTRUCTION_FEATURES).flatMap((row) => (typeof row === 'object' ? row : [])),
    );
    const ofLevels = [
      'cx16',
      'popcnt',
      'pni',
      'ssse3',
      'sse4_1',
      'sse4_2',
      'avx',
      'avx2',
      'bmi1',
      'bmi2',
      'f16c',
      'fma',
      'abm',
      'movbe',
      'xsave',
      'avx512f',
      'avx512bw',
      'avx512cd',
      'avx512dq',
      'avx512vl',
    ] as const;
    expect(ofLevels.filter((feature) => !mapped.has(feature))).toEqual([]);
  });
  it('are such that tasks may use', () => {
    const mapped = Object.values(INSTRUCTION_FEATURES).flatMap((row) =>
      typeof row === 'object' ? row : [],
    );
    const kinds = new Set(mapped.map((name) => ROWS.find((row) => row.name === name)?.class));
    expect([...kinds].sort()).toEqual(['isa', 'kernel_user', 'state']);
  });
});

describe('the search for candidates', () => {
  /** One instruction a feature, by hand. */
  const SAMPLES: readonly (readonly [feature: string, bytes: string])[] = [
    ['pni', 'f20f7cc1'],
    ['pni (movddup)', 'f20f12c1'],
    ['ssse3', '660f3800c1'],
    ['sse4_1', '660f3a0ac100'],
    ['sse4_2', 'f20f38f0c1'],
    ['sse4a', 'f20f79c1'],
    ['popcnt', 'f3480fb8c0'],
    ['abm', 'f30fbdc0'],
    ['cx16', '480fc70f'],
    ['rdrand', '0fc7f0'],
    ['rdtscp', '0f01f9'],
    ['xsave', '0fae27'],
    ['clwb', '660fae37'],
    ['movbe', '0f38f007'],
    ['avx', 'c5f858c1'],
    ['avx2', 'c4e27d18c0'],
    ['avx512f', '62f17c4858c0'],
    ['fma4', 'c4e3f969c100'],
    ['xop', '8fe97c81c0'],
    ['rtm', 'c7f800000000'],
    ['3dnow', '0f0fc19e'],
    ['ace', 'f30fa7c8'],
    ['apx', 'd51001c0'],
    ['mpx', 'f30f1b00'],
  ];
  it.each(SAMPLES)('finds %s', (_, text) => {
    const bytes = Buffer.concat([
      Buffer.alloc(5, 0x90),
      Buffer.from(text, 'hex'),
      Buffer.alloc(3, 0x90),
    ]);
    expect(mayUseFeatures(bytes, 0, bytes.length)).toBe(true);
  });
  it('leaves out code without any', () => {
    const bytes = Buffer.from('f30f1efa554889e5b8010000005dc3', 'hex');
    expect(mayUseFeatures(bytes, 0, bytes.length)).toBe(false);
  });
});
