import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Guard, guardedBlocks } from '../../src/audit/guarded-blocks.js';

/** By the meaning of it: reached, and not without one guard. */
function byDefinition(blocks: readonly (readonly number[])[], guards: readonly Guard[]): number[] {
  const reached = (without?: Guard): Set<number> => {
    const seen = new Set([0]);
    for (const place of seen)
      for (const to of blocks[place] ?? []) {
        const isOut = without?.place === place && (without.to === undefined || without.to === to);
        if (!isOut) seen.add(to);
      }
    return seen;
  };
  const always = reached();
  const cut = guards.map((guard) => reached(guard));
  return blocks.map((_, place) =>
    always.has(place) && cut.some((seen) => !seen.has(place)) ? 1 : 0,
  );
}

describe('blocks behind guards', () => {
  it.each<[string, number[][], Guard[], number[]]>([
    ['one way of two', [[1, 2], [3], [3], []], [{ place: 0, to: 1 }], [0, 1, 0, 0]],
    [
      'both ways of two',
      [[1, 2], [3], [3], []],
      [
        { place: 0, to: 1 },
        { place: 0, to: 2 },
      ],
      [0, 1, 1, 0],
    ],
    ['all ways of a table', [[1, 2], [3], [3], []], [{ place: 0, to: undefined }], [0, 1, 1, 1]],
    ['what nothing leads to', [[1], [], [1]], [{ place: 0, to: 1 }], [0, 1, 0]],
    ['a way back to the start', [[1], [0]], [{ place: 1, to: 0 }], [0, 0]],
    ['two edges to the same', [[1, 1], []], [{ place: 0, to: 1 }], [0, 1]],
    ['nothing at all', [[]], [], [0]],
  ])('%s', (_, blocks, guards, expected) => {
    expect([...guardedBlocks(blocks, guards)]).toEqual(expected);
    expect(byDefinition(blocks, guards)).toEqual(expected);
  });

  it('are those that are not reached without one of them', () => {
    const graph = fc.integer({ min: 1, max: 12 }).chain((count) =>
      fc.tuple(
        fc.array(fc.array(fc.nat(count - 1), { maxLength: 3 }), {
          minLength: count,
          maxLength: count,
        }),
        fc.array(fc.nat(count - 1), { maxLength: 4 }),
        fc.array(fc.nat(count - 1), { maxLength: 2 }),
      ),
    );
    fc.assert(
      fc.property(graph, ([blocks, branches, tables]) => {
        const places = [...new Set(branches)].filter((place) => !tables.includes(place));
        const guards: Guard[] = [
          ...places.flatMap((place) => [...new Set(blocks[place])].map((to) => ({ place, to }))),
          ...[...new Set(tables)].map((place) => ({ place, to: undefined })),
        ];
        expect([...guardedBlocks(blocks, guards)]).toEqual(byDefinition(blocks, guards));
      }),
      { numRuns: 2000 },
    );
  });
});
