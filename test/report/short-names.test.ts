import { describe, expect, it } from 'vitest';
import { baselineOf } from '../../src/baseline/baseline.js';
import { nameShortly, shorteningOf } from '../../src/report/short-names.js';
import { planned } from '../baseline/clusters.js';
import { HASWELL, V3 } from '../hosts.js';

describe('names of hosts for people', () => {
  it.each<[string[], string[]]>([
    [
      ['racks/1/a.txt', 'racks/2/b.txt', 'web-7'],
      ['a.txt', 'b.txt', 'web-7'],
    ],
    [
      ['racks/1/a.txt', 'racks/2/a.txt', 'b.txt'],
      ['racks/1/a.txt', 'racks/2/a.txt', 'b.txt'],
    ],
    // The same name twice is no doubt about folders.
    [
      ['x/a', 'x/a'],
      ['a', 'a'],
    ],
    [['folder/'], ['folder/']],
  ])('%j are called %j', (names, wanted) => expect(names.map(shorteningOf(names))).toEqual(wanted));
  it('leaves alone what it was not made of', () =>
    expect(shorteningOf(['x/a'])('y/a')).toBe('y/a'));
  it('stand in groups and reasons alike', () => {
    const made = baselineOf(
      planned(
        { ...HASWELL, name: 'racks/1/new' },
        { ...HASWELL, name: 'racks/1/old', features: V3 },
      ),
    );
    const text = JSON.stringify(nameShortly(made).dropped);
    expect(text).toContain('"old"');
    expect(text).not.toContain('racks');
    expect(JSON.stringify(made.dropped)).toContain('racks/1/old');
  });
});
