import { expect, test } from 'vitest';
import { freezesCgroup, mayRestore } from '../../src/enforce/criu-command.js';

// Command lines as /proc shows them; those with a colon are from cr-service.c.
test.each<[string, string, { restores: boolean; freezes: boolean }]>([
  ['an engine’s, before it is asked', 'criu\0swrk\x003\0', { restores: true, freezes: true }],
  ['an engine’s restore', 'criu: restore --rpc\0', { restores: true, freezes: false }],
  ['an engine’s restore, not ended', 'criu: restore --rpc', { restores: true, freezes: false }],
  ['an engine’s dump', 'criu: dump --rpc -t 345\0', { restores: false, freezes: true }],
  ['an engine’s pre-dump', 'criu: pre-dump --rpc -t 345\0\0', { restores: false, freezes: true }],
  ['an engine’s check', 'criu: check --rpc\0', { restores: false, freezes: false }],
  ['a restore', 'criu\0restore\0-d\0', { restores: true, freezes: false }],
  ['a dump', 'criu\0dump\0--tree\x007\0', { restores: false, freezes: false }],
  [
    'a dump with a freezer',
    'criu\0dump\0--freeze-cgroup\0/c\0',
    { restores: false, freezes: true },
  ],
  [
    'a dump with a freezer, by =',
    'criu\0dump\0--freeze-cgroup=/c\0',
    { restores: false, freezes: true },
  ],
  ['another program’s', 'sh\0-c\0criu restore --rpc\0', { restores: false, freezes: false }],
  ['none', '', { restores: false, freezes: false }],
])('a CRIU that is about something is known by its command line: %s', (_, cmdline, expected) => {
  expect({ restores: mayRestore(cmdline), freezes: freezesCgroup(cmdline) }).toEqual(expected);
});
