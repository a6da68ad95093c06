import { describe, expect, it } from 'vitest';
import { VERDICTS } from '../../src/judge/verdict.js';
import type { HostMatrix } from '../../src/matrix/matrix.js';
import { viewMatrix } from '../../src/matrix/view.js';

/** "c" compatible, "r" at risk, "?" unknown, "x" incompatible; a row each. */
function matrixOf(rows: readonly string[], kindOf?: readonly number[]): HostMatrix {
  const signs = 'cr?x';
  return {
    size: rows.length,
    ranks: Uint8Array.from([...rows.join('')].map((sign) => signs.indexOf(sign))),
    kindOf: kindOf ?? rows.map((_, kind) => kind),
  };
}

const kindsIn = (names: readonly string[], matrix: HostMatrix) =>
  viewMatrix(names, matrix).groups.map(({ hosts }) => hosts.map((host) => names[host]).join());

describe('a matrix in order', () => {
  it('puts first what can go to most, then along the ways', () => {
    // old → middle → new; and each to those behind.
    const matrix = matrixOf(['cxx', 'ccc', 'cxc']);
    expect(kindsIn(['new', 'old', 'middle'], matrix)).toEqual(['old', 'middle', 'new']);
  });
  it('keeps together what moves freely, the largest family first', () => {
    const rows = ['cxxxx', 'xcrcx', 'xxcxc', 'xxxcx', 'xxxxc'];
    const view = viewMatrix(['z', 'a1', 'b1', 'a2', 'b2'], matrixOf(rows, [0, 1, 2, 3, 4]));
    const names = view.groups.map(
      ({ hosts, family }) => `${family} ${view.names[hosts[0] as number]}`,
    );
    expect(names).toEqual(['0 a1', '0 a2', '1 b1', '1 b2', '2 z']);
  });
  it('joins hosts of one kind, by name', () => {
    const view = viewMatrix(['b', 'x', 'a'], matrixOf(['cx', 'xc'], [0, 1, 0]));
    expect(view.groups.map(({ hosts }) => hosts)).toEqual([[2, 0], [1]]);
  });
  it('is the same whatever the order in which hosts came', () => {
    const names = ['a', 'b', 'c', 'd'];
    const rows = ['cccx', 'xccx', 'xxcx', 'xx?c'];
    const order = [2, 0, 3, 1];
    const turned = order.map((from) => order.map((to) => rows[from]?.[to]).join(''));
    expect(
      kindsIn(
        order.map((at) => names[at] as string),
        matrixOf(turned),
      ),
    ).toEqual(kindsIn(names, matrixOf(rows)));
  });
  it('counts the moves from one host to another, by verdict', () => {
    // Three of kind 0, two of kind 1: 6 + 2 moves within, 6 each way between.
    const { counts, moves } = viewMatrix(
      ['a', 'b', 'c', 'd', 'e'],
      matrixOf(['cr', 'xc'], [0, 0, 0, 1, 1]),
    );
    expect(moves).toBe(20);
    expect(counts).toEqual({ compatible: 8, 'at-risk': 6, unknown: 0, incompatible: 6 });
  });
  it('gives the verdict of two groups by their new places', () => {
    const view = viewMatrix(['new', 'old'], matrixOf(['cx', 'cc']));
    expect(VERDICTS[view.rank(0, 1)]).toBe('compatible');
    expect(VERDICTS[view.rank(1, 0)]).toBe('incompatible');
  });
});
