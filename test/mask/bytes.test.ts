import { crc32 as zlibCrc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeMask, encodeMask, HEADER, ROW } from '../../src/mask/bytes.js';
import { compileMask } from '../../src/mask/compile.js';
import { crc32 } from '../../src/mask/crc32.js';
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

describe('a mask file', () => {
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
