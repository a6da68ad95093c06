import { crc32 as zlibCrc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeMask, encodeMask, HEADER, MASK_MAX_ROWS, ROW } from '../../src/mask/bytes.js';
import { compileMask } from '../../src/mask/compile.js';
import { crc32 } from '../../src/mask/crc32.js';
import type { Mask, MaskRow } from '../../src/mask/mask.js';
import { baselineOfPlans } from '../baseline/clusters.js';
import { HASWELL } from '../hosts.js';

const { mask } = compileMask(baselineOfPlans([HASWELL]));

/** Changed bytes with a checksum that is right again. */
function tampered(change: (view: DataView) => void): Uint8Array {
  const bytes = encodeMask(mask);
  const view = new DataView(bytes.buffer);
  change(view);
  view.setUint32(HEADER.crc32, 0, true);
  view.setUint32(HEADER.crc32, crc32(bytes), true);
  return bytes;
}

const ROW_7: MaskRow = {
  leaf: 7,
  firstSubleaf: 1,
  lastSubleaf: 0x0a0b0c0d,
  perCpu: true,
  keep: { eax: 0x11121314, ebx: 0x15161718, ecx: 0x191a1b1c, edx: 0x1d1e1f20 },
  set: { eax: 0x21222324, ebx: 0x25262728, ecx: 0x292a2b2c, edx: 0x2d2e2f30 },
};
const SMALL: Mask = {
  rows: [ROW_7],
  hwcap: { keep: 0x31n, set: 0x32n },
  hwcap2: { keep: 0x33n, set: 0x34n },
  minSigStackBytes: 0x3536,
  xcompPermitted: 0x37n,
  xcr0: 0x38n,
};

/** Written out by native/include/cpugate_mask.h: little-endian, header of 88 bytes, rows of 48. */
const SMALL_BYTES = `43 50 55 47 4d 41 53 4b  01 00 00 00  88 00 00 00  CC CC CC CC  01 00 00 00
  00 00 00 00 00 00 00 00  31 00 00 00 00 00 00 00  32 00 00 00 00 00 00 00
  33 00 00 00 00 00 00 00  34 00 00 00 00 00 00 00  36 35 00 00 00 00 00 00
  37 00 00 00 00 00 00 00  38 00 00 00 00 00 00 00
  07 00 00 00  01 00 00 00  0d 0c 0b 0a  01 00 00 00
  14 13 12 11  18 17 16 15  1c 1b 1a 19  20 1f 1e 1d
  24 23 22 21  28 27 26 25  2c 2b 2a 29  30 2f 2e 2d`;

/** Sets a word of the file. */
function put(at: number, word: number) {
  return (bytes: Uint8Array, view: DataView): Uint8Array => {
    view.setUint32(at, word, true);
    return bytes;
  };
}

function hexOf(bytes: Uint8Array): string[] {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0'));
}

describe('a mask file', () => {
  it('has every number at its place, and a checksum of all bytes with none in it', () => {
    const bytes = encodeMask(SMALL);
    const expected = SMALL_BYTES.trim().split(/\s+/);
    const [got, crc] = [hexOf(bytes), hexOf(bytes.subarray(16, 20))];
    expect(got.map((byte, at) => (at >= 16 && at < 20 ? 'CC' : byte))).toEqual(expected);
    const empty = bytes.slice();
    empty.fill(0, 16, 20);
    const sum = crc32(empty).toString(16).padStart(8, '0');
    expect([...crc].reverse().join('')).toBe(sum);
    expect(decodeMask(bytes)).toEqual(SMALL);
    const bare = { ...SMALL, rows: [] };
    expect(decodeMask(encodeMask(bare))).toEqual(bare);
  });

  it('is read wherever its bytes begin in a larger buffer', () => {
    const larger = new Uint8Array(200);
    larger.set(encodeMask(SMALL), 7);
    expect(decodeMask(larger.subarray(7, 7 + 136))).toEqual(SMALL);
  });

  it('has as many rows as its format allows, and no more', () => {
    const rows = (count: number) =>
      Array.from({ length: count }, (_, leaf) => ({ ...ROW_7, leaf, perCpu: leaf % 2 === 0 }));
    expect(MASK_MAX_ROWS).toBe(4096);
    const full = { ...SMALL, rows: rows(4096) };
    expect(decodeMask(encodeMask(full)).rows).toEqual(full.rows);
    expect(() => encodeMask({ ...SMALL, rows: rows(4097) })).toThrow(/too many rows/);
  });

  it.each<[string, readonly Partial<MaskRow>[], number | undefined]>([
    ['one', [{}], undefined],
    ['a later leaf', [{}, { leaf: 8, firstSubleaf: 0 }], undefined],
    ['a later subleaf of one leaf', [{ lastSubleaf: 2 }, { firstSubleaf: 3 }], undefined],
    ['a subleaf that the row before has, too', [{ lastSubleaf: 3 }, { firstSubleaf: 3 }], 1],
    ['an earlier leaf', [{}, { leaf: 6, firstSubleaf: 0x0a0b0c0d }], 1],
    [
      'an earlier leaf behind the last subleaf',
      [{ lastSubleaf: 2 }, { leaf: 6, firstSubleaf: 3 }],
      1,
    ],
    ['one subleaf only', [{ firstSubleaf: 2, lastSubleaf: 2 }], undefined],
    ['an end before its beginning', [{ firstSubleaf: 3, lastSubleaf: 2 }], 0],
  ])('is read in the order of its rows: %s', (_, changes, bad) => {
    const rows = changes.map((change) => ({ ...ROW_7, ...change }));
    const bytes = encodeMask({ ...SMALL, rows });
    if (bad === undefined) expect(decodeMask(bytes).rows).toEqual(rows);
    else
      expect(() => decodeMask(bytes)).toThrow(
        expect.objectContaining({ place: expect.objectContaining({ offset: 88 + 48 * bad }) }),
      );
  });

  it.each<[string, number, (bytes: Uint8Array, view: DataView) => Uint8Array]>([
    ['nothing', 0, (bytes) => bytes.subarray(0, 0)],
    ['a header cut short', 0, (bytes) => bytes.subarray(0, 87)],
    ['a letter of the magic changed', 0, (bytes) => bytes.fill(0x6b, 7, 8)],
    ['another version', 8, put(8, 2)],
    ['one row more than allowed', 20, put(20, 4097)],
    ['rows without bytes', 12, put(20, 2)],
    ['bytes without a row', 12, (bytes) => Uint8Array.of(...bytes, 0)],
    ['a size that is not its own', 12, put(12, 137)],
    ['a flag', 24, put(28, 1)],
    ['another checksum', 16, put(16, 1)],
    ['a byte changed', 16, (bytes) => bytes.fill(9, 80, 81)],
  ])('with %s is refused at byte %i', (_, offset, change) => {
    const bytes = encodeMask(SMALL);
    expect(() => decodeMask(change(bytes, new DataView(bytes.buffer)))).toThrow(
      expect.objectContaining({ code: 'not-a-mask', place: expect.objectContaining({ offset }) }),
    );
  });

  it('gives back the mask', () => {
    expect(decodeMask(encodeMask(mask))).toEqual(mask);
  });

  it('has the checksum of IEEE 802.3', () => {
    // The check value that the standard's catalogues give for "123456789".
    expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf43926);
  });

  it.skipIf(zlibCrc32 === undefined)("has zlib's checksum", () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => crc32(bytes) === zlibCrc32(bytes)));
  });

  it.each<[string, (view: DataView) => void]>([
    ['another magic', (view) => view.setUint8(0, 0x63)],
    ['a version to come', (view) => view.setUint32(HEADER.version, 2, true)],
    ['a flag to come', (view) => view.setBigUint64(HEADER.flags, 1n, true)],
    ['another size', (view) => view.setUint32(HEADER.fileBytes, 88, true)],
    ['more rows than bytes', (view) => view.setUint32(HEADER.rowCount, 4000, true)],
    ['too many rows', (view) => view.setUint32(HEADER.rowCount, 0xffffffff, true)],
    ['a row with a flag to come', (view) => view.setUint32(HEADER.bytes + ROW.flags, 2, true)],
    ['rows out of order', (view) => view.setUint32(HEADER.bytes + ROW.leaf, 0xffffffff, true)],
    [
      'a row that ends before it begins',
      (view) =>
        view.setUint32(HEADER.bytes + ROW.firstSubleaf, 5, true) ??
        view.setUint32(HEADER.bytes + ROW.lastSubleaf, 4, true),
    ],
  ])('with %s is refused', (_, change) => {
    expect(() => decodeMask(tampered(change))).toThrow(
      expect.objectContaining({ name: 'InputError', code: 'not-a-mask' }),
    );
  });

  it('is refused with any bit turned, and cut anywhere', () => {
    const whole = encodeMask(mask);
    fc.assert(
      fc.property(fc.nat(whole.length * 8 - 1), (bit) => {
        const bytes = whole.slice();
        bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
        expect(() => decodeMask(bytes)).toThrow(/^/);
      }),
    );
    fc.assert(
      fc.property(fc.nat(whole.length - 1), (length) => {
        expect(() => decodeMask(whole.subarray(0, length))).toThrow(
          /is not a mask file|bytes where/,
        );
      }),
    );
  });
});
