import { describe, expect, it } from 'vitest';
import {
  COMPONENTS,
  type FeatureName,
  findFeature,
  isFeatureName,
  LEVELS,
  ROWS,
} from '../../src/catalogue/index.js';
import {
  findMicroarchitecture,
  MICROARCHITECTURES,
} from '../../src/catalogue/microarchitectures.js';

describe('the table', () => {
  it('has every name once', () => {
    expect(new Set(ROWS.map((row) => row.name)).size).toBe(ROWS.length);
  });
  it('has every bit once', () => {
    const bits = ROWS.flatMap((row) => {
      const [high, low] = typeof row.bit === 'number' ? [row.bit, row.bit] : row.bit;
      return Array.from(
        { length: high - low + 1 },
        (_, i) => `${row.leaf}.${row.subleaf}.${row.reg}.${low + i}`,
      );
    });
    expect(new Set(bits).size).toBe(bits.length);
  });
  it('says for every kernel_user row what a loss means', () => {
    expect(ROWS.filter((row) => row.class === 'kernel_user' && row.loss === undefined)).toEqual([]);
  });
  it('says for every silent row why', () => {
    const silent = ROWS.filter((row) => row.silent);
    expect(silent.map((row) => row.name).sort()).toEqual(['abm', 'bmi1', 'mpx']);
    expect(silent.every((row) => (row.reason ?? '').length > 20)).toBe(true);
  });
  it('has no cycle among its prerequisites', () => {
    const done = new Set<string>();
    const visit = (name: string, path: readonly string[]) => {
      if (path.includes(name)) throw new Error([...path, name].join(' needs '));
      if (done.has(name)) return;
      const needs: readonly { on: string }[] = ROWS.find((row) => row.name === name)?.needs ?? [];
      for (const edge of needs) visit(edge.on, [...path, name]);
      done.add(name);
    };
    for (const row of ROWS) visit(row.name, []);
    expect(done.size).toBe(ROWS.length);
  });
  it('ties every component that Linux manages to features whose rows name it', () => {
    for (const component of COMPONENTS) {
      if (component.kind !== 'user' || component.bit < 2) continue;
      for (const name of component.enabledBy)
        expect(ROWS.find((row) => row.name === name)?.components, name).toContain(component.bit);
    }
  });
});

/** Positions from the vendors' manuals, for the bits that decide most. */
describe('well-known positions', () => {
  it.each([
    ['sse2', 1, 0, 'edx', 26],
    ['avx', 1, 0, 'ecx', 28],
    ['osxsave', 1, 0, 'ecx', 27],
    ['fma', 1, 0, 'ecx', 12],
    ['avx2', 7, 0, 'ebx', 5],
    ['bmi1', 7, 0, 'ebx', 3],
    ['bmi2', 7, 0, 'ebx', 8],
    ['avx512f', 7, 0, 'ebx', 16],
    ['pku', 7, 0, 'ecx', 3],
    ['amx_tile', 7, 0, 'edx', 24],
    ['avx_vnni', 7, 1, 'eax', 4],
    ['xsavec', 0xd, 1, 'eax', 1],
    ['abm', 0x80000001, 0, 'ecx', 5],
    ['lm', 0x80000001, 0, 'edx', 29],
    ['gp_on_user_cpuid', 0x80000021, 0, 'eax', 17],
    ['sm2', 0xc0000001, 0, 'edx', 0],
    ['ccs_en', 0xc0000001, 0, 'edx', 5],
    ['rng2', 0xc0000001, 0, 'edx', 22],
    ['phe2', 0xc0000001, 0, 'edx', 25],
    ['rsa_en', 0xc0000001, 0, 'edx', 28],
  ] as const)('%s', (name, leaf, subleaf, reg, bit) => {
    expect(ROWS.find((row) => row.name === name)).toMatchObject({ leaf, subleaf, reg, bit });
  });
});

describe("other projects' spellings", () => {
  it.each([
    ['avx512_vnni', 'avx512_vnni'],
    ['avx512-vnni', 'avx512_vnni'],
    ['AVX512VNNI', 'avx512_vnni'],
    ['AVX512_VNNI', 'avx512_vnni'],
    ['sse3', 'pni'],
    ['SSE3', 'pni'],
    ['lzcnt', 'abm'],
    ['-mlzcnt', 'abm'],
    ['sse4.1', 'sse4_1'],
    ['SSE42', 'sse4_2'],
    ['pclmul', 'pclmulqdq'],
    ['CLMUL', 'pclmulqdq'],
    ['pclmuldq', 'pclmulqdq'],
    ['FMA3', 'fma'],
    ['cmpxchg16b', 'cx16'],
    ['sha', 'sha_ni'],
    ['SHA_NI', 'sha_ni'],
    ['amx-tile', 'amx_tile'],
    ['AMXTILE', 'amx_tile'],
    ['aesni', 'aes'],
    ['avx10.1', 'avx10'],
    ['AVX10_VNNI_INT', 'avx10_v1_aux'],
    ['acev1', 'ace_ai'],
    // VIA's PadLock unit, as Linux calls it.
    ['ace', 'ace'],
  ])('%s is %s', (spelling, name) => {
    expect(findFeature(spelling)).toBe(name);
  });
  it.each(['', 'avx9000', '__proto__', 'constructor', 'toString'])('"%s" is none', (spelling) => {
    expect(findFeature(spelling)).toBeUndefined();
    expect(isFeatureName(spelling)).toBe(false);
  });
  it('never take over a canonical name', () => {
    for (const row of ROWS) expect(findFeature(row.name)).toBe(row.name);
  });
  it("find every row by QEMU's, libvirt's and glibc's own name for it, unless two projects clash", () => {
    const clashes = new Set<string>();
    for (const row of ROWS)
      for (const project of ['qemu', 'libvirt', 'glibc'] as const) {
        const spelling = row.names?.[project];
        if (spelling !== undefined && findFeature(spelling) !== row.name)
          clashes.add(`${project} ${spelling}: ${row.name}`);
      }
    // glibc and Linux use one word for two vendors' bits; Linux's wins.
    expect([...clashes].sort()).toMatchInlineSnapshot(`
      [
        "glibc PREFETCHI: prefetchiti",
      ]
    `);
  });
});

describe('levels', () => {
  it('are cumulative and disjoint', () => {
    const names = LEVELS.flatMap((level): readonly FeatureName[] => level.features);
    expect(new Set(names).size).toBe(names.length);
  });
});

describe('microarchitectures', () => {
  it.each([
    ['GenuineIntel', 6, 85, 4, 'Skylake-SP/X'],
    ['GenuineIntel', 6, 85, 7, 'CascadeLake'],
    ['GenuineIntel', 6, 63, 2, 'Haswell'],
    ['AuthenticAMD', 25, 17, 1, 'Zen4/Zen4c'],
  ])('%s %i/%i/%i is %s', (vendor, family, model, stepping, codename) => {
    expect(findMicroarchitecture(vendor, family, model, stepping)?.codename).toBe(codename);
  });
  it('never overlap', () => {
    const taken = new Set<string>();
    for (const row of MICROARCHITECTURES)
      for (const [low, high] of row.models)
        for (let model = low; model <= high; model++)
          for (
            let stepping = row.steppings?.[0] ?? 0;
            stepping <= (row.steppings?.[1] ?? 15);
            stepping++
          ) {
            const key = `${row.vendor} ${row.family} ${model} ${stepping}`;
            expect(taken.has(key), key).toBe(false);
            taken.add(key);
          }
  });
});
