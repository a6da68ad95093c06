import { describe, expect, it } from 'vitest';
import { baselineOf } from '../../src/baseline/baseline.js';
import { openvz as openvzTarget } from '../../src/export/openvz.js';
import {
  AMD_512,
  baselineOfPlans,
  INTEL_512,
  models,
  PLACELESS_512,
} from '../baseline/clusters.js';
import { HASWELL } from '../hosts.js';
import { asFile } from './tools.js';

const openvz = asFile(openvzTarget);

const LINE =
  /^0x([0-9a-f]{8})(?: 0x([0-9a-f]{8}))?: 0x([0-9a-f]{8}) 0x([0-9a-f]{8}) 0x([0-9a-f]{8}) 0x([0-9a-f]{8})$/;

/** As the kernel's sscanf takes them apart: by leaf and subleaf, four registers. */
function tableOf(content: string | Uint8Array): Map<string, number[]> {
  const lines = `${content}`.split('\n');
  expect(lines.pop()).toBe('');
  return new Map(
    lines.map((line) => {
      const found = LINE.exec(line);
      expect(found, line).not.toBeNull();
      const [, leaf = '', subleaf, ...values] = found ?? [];
      const key = [leaf, subleaf]
        .filter((part) => part !== undefined)
        .map((part) => parseInt(part ?? '', 16).toString(16));
      return [key.join('.'), values.map((value) => parseInt(value ?? '', 16))];
    }),
  );
}

const at = (table: Map<string, number[]>, key: string) => table.get(key) ?? [];

describe('openvz', () => {
  const { content, said } = openvz.write(baselineOfPlans([HASWELL, INTEL_512]), {});
  const table = tableOf(content);

  it('never freezes leaf 1, and says what stays seen for it', () => {
    expect([...table.keys()].some((key) => key === '1' || key.startsWith('1.'))).toBe(false);
    const poorer = {
      ...HASWELL,
      name: 'b',
      features: HASWELL.features.filter((one) => one !== 'aes'),
    };
    const { said: told } = openvz.write(baselineOfPlans([HASWELL, poorer]), {});
    expect(told[0]).toMatch(/APIC ID.* go on seeing aes\./);
  });
  // Leaf 7 EBX[5] AVX2, [3] BMI1, [8] BMI2; [16] AVX512F (Intel SDM).
  it('answers leaf 7 with the features of the baseline', () => {
    const [eax, ebx = 0, ecx, edx] = at(table, '7.0');
    expect([eax, ecx, edx]).toEqual([0, 0, 0]);
    expect(ebx & 0x128).toBe(0x128);
    expect(ebx & 0x10000).toBe(0);
  });
  it('gives XCR0 of the baseline, and the sizes of the largest host', () =>
    expect(at(table, 'd.0')).toEqual([7, 2696, 2696, 0]));
  it('keeps the subleaves of components that some host enables', () => {
    expect(at(table, 'd.2')).toEqual([256, 576, 0, 0]);
    expect(at(table, 'd.6')).toEqual([512, 1152, 0, 0]);
    expect(at(table, 'd.9')).toEqual([8, 2688, 0, 0]);
  });
  it('has those that a host shows and none enables: glibc leaves room for them', () => {
    const places = { ...INTEL_512.places, 3: [64, 960] } as const;
    const off = openvz.write(
      baselineOfPlans([INTEL_512, { ...INTEL_512, name: 'off', places }]),
      {},
    );
    expect(at(tableOf(off.content), 'd.3')).toEqual([64, 960, 0, 0]);
  });
  it('leaves those alone that hosts lay out differently, and says so', () => {
    const mixed = openvz.write(baselineOfPlans([INTEL_512, AMD_512]), {});
    expect([...tableOf(mixed.content).keys()]).not.toContain('d.6');
    expect(mixed.said.join('\n')).toMatch(/opmask, zmm_hi256, hi16_zmm, pkru state differs/);
    expect(said.join('\n')).not.toContain('differs');
  });
  it('marks what is aligned, and armed on first use', () => {
    const tiles = tableOf(openvz.write(baselineOf(models('sapphirerapids')), {}).content);
    expect(at(tiles, 'd.12')).toEqual([8192, 2816, 6, 0]);
    expect(at(tiles, 'd.0')).toEqual([0x602e7, 11008, 11008, 0]);
  });
  it('has no leaf 0xD without sizes: 0 breaks glibc where OSXSAVE is set', () => {
    const untold = openvz.write(baselineOfPlans([HASWELL, PLACELESS_512]), {});
    expect([...tableOf(untold.content).keys()].filter((key) => key.startsWith('d.'))).toEqual([]);
    expect(untold.said.join('\n')).toContain('Leaf 0xD stays');
  });
  it('has none for a baseline without XSAVE either, as OSXSAVE stays seen', () => {
    const { content: text, said: told } = openvz.write(
      baselineOf(models('nehalem', 'haswell')),
      {},
    );
    expect([...tableOf(text).keys()].filter((key) => key.startsWith('d.'))).toEqual([]);
    expect(told.join('\n')).toContain('OSXSAVE');
  });
  it('hides what is silently wrong elsewhere, though it costs the rest of the leaf', () => {
    const { content: text, said: told } = openvz.write(
      baselineOf(models('ivybridge', 'haswell')),
      {},
    );
    const [eax, , ecx = 0] = at(tableOf(text), '80000001');
    // ECX[5] ABM, [0] LAHF.
    expect([eax, ecx & 0x21]).toEqual([0, 1]);
    expect(told.join('\n')).toContain('Leaf 0x80000001 then shows neither');
    expect([...table.keys()]).not.toContain('80000001');
  });
  it('says which leaves it can not serve', () => {
    const { said: told } = openvz.write(baselineOf(models('haswell', 'epyc-milan')), {});
    expect(told.join('\n')).toMatch(/what differs between hosts: .*clzero/);
  });
  it('fits in one write, and says where older kernels hold less', () => {
    for (const other of ['graniterapids', 'epyc-turin', 'opteron-g4']) {
      const { content: text, said: told } = openvz.write(baselineOf(models('haswell', other)), {});
      expect(text.length).toBeLessThan(4096);
      const lines = tableOf(text).size;
      expect(lines).toBeLessThanOrEqual(128);
      expect(told.some((one) => one.includes('older OpenVZ kernels'))).toBe(lines > 16);
    }
  });
});
