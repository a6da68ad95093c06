import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { byName } from '../../src/model/natural-order.js';

const name = fc.oneof(
  fc.string({ maxLength: 6, unit: fc.constantFrom('0', '1', '2', '9', 'a', 'b', '-', '.') }),
  fc.string({ maxLength: 6 }),
);

describe('the order of names', () => {
  it.each([
    [
      ['web-10', 'web-8', 'web-7'],
      ['web-7', 'web-8', 'web-10'],
    ],
    [
      ['r10-n2', 'r9-n10', 'r9-n2'],
      ['r9-n2', 'r9-n10', 'r10-n2'],
    ],
    [
      ['web', 'web-1', 'we'],
      ['we', 'web', 'web-1'],
    ],
    [
      ['b', 'a', 'B'],
      ['B', 'a', 'b'],
    ],
    [
      ['1', '01', '001', '0'],
      ['0', '001', '01', '1'],
    ],
    [
      ['99999999999999999999', '100000000000000000000'],
      ['99999999999999999999', '100000000000000000000'],
    ],
    [
      ['x1y2', 'x01y1'],
      ['x01y1', 'x1y2'],
    ],
    [
      ['', 'a'],
      ['', 'a'],
    ],
  ])('of %j is %j', (given, sorted) => {
    expect([...given].sort(byName)).toEqual(sorted);
    expect([...given].reverse().sort(byName)).toEqual(sorted);
  });
  it('is total: only a name itself is equal to it', () =>
    fc.assert(
      fc.property(name, name, (a, b) => {
        expect(byName(a, b) === 0).toBe(a === b);
        expect(Math.sign(byName(a, b)) + Math.sign(byName(b, a))).toBe(0);
      }),
      { numRuns: 2000 },
    ));
  it('is transitive', () =>
    fc.assert(
      fc.property(name, name, name, (a, b, c) => {
        if (byName(a, b) <= 0 && byName(b, c) <= 0) expect(byName(a, c)).toBeLessThanOrEqual(0);
      }),
      { numRuns: 5000 },
    ));
});
