/** A baseline keeps how large AMX's tiles are on its hosts: no mask hides it. */
import { describe, expect, it } from 'vitest';
import { judgeUnder } from '../../src/baseline/under-mask.js';
import { withTiles } from '../amx.js';
import { HASWELL, type HostPlan, seen } from '../hosts.js';
import { baselineOfPlans, fileText, planned, readText } from './clusters.js';

const usual = withTiles();
const smaller = withTiles({ rowBytes: 32 });
const kindsOf = (...plans: readonly HostPlan[]) =>
  [...planned(...plans).values()].map(({ kind }) => kind);

describe('a kind of hosts', () => {
  it('has their tiles, where AMX counts', () => {
    expect(kindsOf(usual)[0]?.tiles?.bytesPerRow).toBe(64);
    const off = { ...usual, features: HASWELL.features };
    expect(kindsOf(off)[0]?.tiles).toBeUndefined();
  });
  it('is another one with other tiles', () => {
    expect(kindsOf(usual, { ...usual, name: 'b' })).toHaveLength(1);
    expect(kindsOf(usual, smaller)).toHaveLength(2);
  });
});

describe('the file of a baseline', () => {
  it('keeps them', () => {
    const baseline = baselineOfPlans([usual, { ...HASWELL, name: 'b' }]);
    const read = readText(fileText(baseline)).baseline;
    expect([...read.cluster]).toEqual([...baseline.cluster]);
  });
  it('says nothing of them without AMX, as before', () => {
    expect(fileText(baselineOfPlans([HASWELL]))).not.toContain('tiles');
  });
  it.each([
    ['no number', 'null', 'must be integer'],
    ['a zero', '0', 'must be >= 1'],
    ['a number that no register holds', '65536', 'must be <= 65535'],
  ])('is refused with %s', (_, number, message) => {
    const text = fileText(baselineOfPlans([usual])).replace(/("bytesPerRow":\s*)64/, `$1${number}`);
    expect(() => readText(text)).toThrow(message);
  });
});

describe('a host with other tiles', () => {
  const found = (to: typeof usual) =>
    judgeUnder('cluster', baselineOfPlans([usual]), seen({ ...to, name: 'b' })).findings.filter(
      ({ code }) => code === 'tile-geometry',
    );
  it('is no place for tasks that may have laid out theirs', () => {
    expect(found(smaller)).toMatchObject([{ severity: 'blocker', feature: 'amx_tile' }]);
  });
  it('with the same ones is', () => {
    expect(found(usual)).toEqual([]);
  });
});
