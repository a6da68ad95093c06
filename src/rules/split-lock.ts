import { ABSENT, PRESENT } from '../model/xsave.js';
import { rule } from './rule.js';

/**
 * The target's kernel looks for locked accesses across two cache lines, and the source's doesn't. Nothing
 * that a task counts on is gone, and the flag doesn't tell what the kernel does: by default (warn, Linux
 * 5.19 and later) it lets the task sleep for some 10 ms each time; split_lock_detect=fatal sends SIGBUS.
 * Source: Linux arch/x86/kernel/cpu/bus_lock.c, split_lock_warn and handle_user_split_lock.
 */
export const splitLock = rule({
  code: 'split-lock',
  reads: ['identity'],
  find: ({ from, to }) =>
    from.kernelFact('split_lock_detect') === ABSENT &&
    to.kernelFact('split_lock_detect') === PRESENT
      ? [{ severity: 'info', facts: {} }]
      : [],
  sentence: (_, { to }) =>
    `Only the kernel of ${to} detects split locks: a program that locks memory across two cache lines is ` +
    'slowed there at each one, or gets SIGBUS where split_lock_detect=fatal is set.',
  remedy: 'none',
  severities: ['info'],
  when: "only the target's kernel detects split locks",
  meaning:
    'A locked access across two cache lines is let through after some 10 ms, one at a time; with ' +
    'split_lock_detect=fatal it gives SIGBUS. Tasks that have none notice nothing.',
  advice: '',
});
