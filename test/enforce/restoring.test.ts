/** What tells a restored container's first process from a new one's. */
import { expect, test } from 'vitest';
import { type FirstProcess, isBeingRestored } from '../../src/enforce/restoring.js';

test.each<[string, FirstProcess, boolean]>([
  ["runc's own", { name: 'runc:[2:INIT]', program: '/usr/bin/runc' }, false],
  ["crun's own", { name: 'crun', program: '/usr/bin/crun' }, false],
  ["CRIU's, with its name", { name: 'criu', program: undefined }, true],
  ["CRIU's, with its program", { name: 'x', program: '/usr/sbin/criu' }, true],
  [
    "CRIU's, of a package that was updated",
    { name: 'x', program: '/usr/sbin/criu (deleted)' },
    true,
  ],
  ['one whose name begins alike', { name: 'criu-ns', program: '/usr/bin/criu-ns' }, false],
  ['one of which nothing is known', { name: '', program: undefined }, false],
])('a first process: %s', (_, first, expected) => {
  expect(isBeingRestored(first)).toBe(expected);
});
