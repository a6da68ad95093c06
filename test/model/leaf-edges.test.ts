import { describe, expect, it } from 'vitest';
import { describeHost } from '../../src/model/capabilities.js';
import { type LeafRow, leafExists, leafTable, readRegister } from '../../src/model/leaves.js';
import { ALL_KNOWN, KNOWN_ZERO } from '../../src/model/registers.js';
import { UNKNOWN } from '../../src/model/xsave.js';

const row = (leaf: number, subleaf: number, eax: number, ebx = 0): LeafRow => ({
  leaf,
  subleaf,
  eax,
  ebx,
  ecx: 0,
  edx: 0,
});

describe('leaves', () => {
  it("a range that answers with a higher range's number does not exist", () => {
    expect(leafExists(leafTable([row(0x40000000, 0, 0x80000008)]), 0x40000001)).toBe(false);
  });
  it.each([
    ['features', 0x7],
    ['processor trace', 0x14],
    ['system-on-chip vendor', 0x17],
    ['address translation', 0x18],
    ['tile palettes', 0x1d],
    ['tile multiplication', 0x1e],
    ['history reset', 0x20],
    ['AVX10', 0x24],
    ['APX', 0x29],
  ])('subleaves of %s end where EAX of leaf %d says', (_, leaf) => {
    const table = leafTable([row(0, 0, 0x29), row(leaf, 0, 0), row(leaf, 1, 0xffffffff)]);
    expect(readRegister(table, leaf, 1, 'eax')).toEqual(KNOWN_ZERO);
    const two = leafTable([row(0, 0, 0x29), row(leaf, 0, 1), row(leaf, 1, 5)]);
    expect(readRegister(two, leaf, 1, 'eax').value).toBe(5);
  });
  it.each([0x4, 0xb, 0xf, 0x10, 0x12, 0x23])(
    'EAX of leaf %d says nothing of its last subleaf',
    (leaf) => {
      const table = leafTable([row(0, 0, 0x29), row(leaf, 0, 0), row(leaf, 1, 5)]);
      expect(readRegister(table, leaf, 1, 'eax').value).toBe(5);
    },
  );
  it('a field of which only some bits are known to be 0 is not known to be absent', () => {
    const known = { eax: ALL_KNOWN, ebx: 0x0f, ecx: ALL_KNOWN, edx: ALL_KNOWN };
    const leaves = leafTable([row(0, 0, 0x24), { ...row(0x24, 0, 0), known }]);
    const host = describeHost({
      name: 'a',
      format: 'x',
      kind: 'cpu',
      remarks: [],
      cpus: [{ logical: [0], leaves }],
    });
    expect(host.hardware('avx10_version')).toBe(UNKNOWN);
    expect(host.fieldValue('avx10_version')).toBeUndefined();
  });
});
