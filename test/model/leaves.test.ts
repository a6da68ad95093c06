import { describe, expect, it } from 'vitest';
import { vendorRow } from '../../src/model/from-features.js';
import { leafExists, leafTable, readRegister } from '../../src/model/leaves.js';

const row = (leaf: number, subleaf: number, eax: number, ebx = 0, ecx = 0, edx = 0) => ({
  leaf,
  subleaf,
  eax,
  ebx,
  ecx,
  edx,
});

describe('a leaf above its range', () => {
  const table = leafTable([
    row(0, 0, 0xd),
    row(7, 0, 0, 0x20),
    row(0xd, 0, 7),
    row(0x14, 0, 0xffffffff, 0xffffffff),
    row(0x80000000, 0, 0x80000008),
    row(0x80000021, 0, 0xffffffff),
  ]);
  it.each([
    ['basic, in range', 7, true],
    ['basic, above the maximum, although the dump has a line', 0x14, false],
    ['extended, in range', 0x80000001, true],
    ['extended, above the maximum', 0x80000021, false],
    ['of a range whose first leaf is missing', 0x40000000, undefined],
  ])('%s', (_, leaf, expected) => {
    expect(leafExists(table, leaf)).toBe(expected);
  });
  it('reads as known zero, whatever stands there', () => {
    expect(readRegister(table, 0x14, 0, 'ebx')).toEqual({ value: 0, known: 0xffffffff });
    expect(readRegister(table, 0x80000021, 0, 'eax')).toEqual({ value: 0, known: 0xffffffff });
  });
  it('in range but missing is unknown, not zero', () => {
    expect(readRegister(table, 0x80000001, 0, 'ecx')).toEqual({ value: 0, known: 0 });
  });
});

describe('an extended range that answers with another range', () => {
  it('does not exist: old CPUs give their last basic leaf', () => {
    const table = leafTable([row(0, 0, 2), row(0x80000000, 0, 0x665b5001)]);
    expect(leafExists(table, 0x80000001)).toBe(false);
  });
});

describe('subleaves', () => {
  it.each([
    [0, 'above the last one of leaf 7 are absent', { value: 0, known: 0xffffffff }],
    [1, 'up to the last one of leaf 7 and missing are unknown', { value: 0, known: 0 }],
  ])('with a last subleaf of %i, %s', (last, _, expected) => {
    const table = leafTable([row(0, 0, 0x14), row(7, 0, last)]);
    expect(readRegister(table, 7, 1, 'eax')).toEqual(expected);
  });
  it('of leaf 0xD are absent where no component is supported', () => {
    const table = leafTable([row(0, 0, 0xd), row(0xd, 0, 0)]);
    expect(readRegister(table, 0xd, 1, 'eax')).toEqual({ value: 0, known: 0xffffffff });
  });
  it('of leaf 0xD are unknown where the supported mask is not told', () => {
    const table = leafTable([row(0, 0, 0xd)]);
    expect(readRegister(table, 0xd, 1, 'eax')).toEqual({ value: 0, known: 0 });
  });
});

describe('partly known rows', () => {
  it('give no bit that is not known', () => {
    const table = leafTable([
      { ...row(7, 0, 0, 0xffffffff), known: { eax: 0, ebx: 0x20, ecx: 0, edx: 0 } },
    ]);
    expect(readRegister(table, 7, 0, 'ebx')).toEqual({ value: 0x20, known: 0x20 });
  });
});

describe("VIA's range of leaves", () => {
  const vendor = (text: string) =>
    leafTable([
      {
        ...vendorRow(text, 7),
        known: { eax: 0xffffffff, ebx: 0xffffffff, ecx: 0xffffffff, edx: 0xffffffff },
      },
    ]);
  it.each([
    ['GenuineIntel', false],
    ['AuthenticAMD', false],
    ['CentaurHauls', undefined],
    ['  Shanghai  ', undefined],
    ['VIA VIA VIA ', undefined],
  ])('of %s that the source does not tell: exists %s', (name, expected) => {
    expect(leafExists(vendor(name), 0xc0000001)).toBe(expected);
  });
});
