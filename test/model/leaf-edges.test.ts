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
  it('AVX10 subleaves end where leaf 0x24 says', () => {
    const table = leafTable([row(0, 0, 0x24), row(0x24, 0, 0), row(0x24, 1, 0xffffffff)]);
    expect(readRegister(table, 0x24, 1, 'eax')).toEqual(KNOWN_ZERO);
  });
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
