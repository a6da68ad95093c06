import type { UnreadCode } from '../model/code-audit.js';
import { rule } from './rule.js';

type Facts = { readonly what: string; readonly why: UnreadCode['why']; readonly bytes: number };

const REASONS: Readonly<Record<UnreadCode['why'], string>> = {
  'made-at-run-time': 'the program has made it itself',
  gone: 'its file is gone',
  unreadable: "its file can't be read",
  missing: 'its file is not below the root',
  'other-file': 'the file there is another one than the tasks had',
  'no-program': 'its file is no program or library for x86-64',
  'not-dumped': 'the images are not complete',
};

/** Code that runs and that no file holds, or none that is there: whatever it uses isn't known. */
export const codeUnread = rule<'code-unread', Facts>({
  code: 'code-unread',
  reads: ['code'],
  find: ({ code }) =>
    (code?.unread ?? []).map(({ what, why, bytes }) => ({
      severity: 'risk' as const,
      facts: { what, why, bytes },
    })),
  sentence: ({ facts: { what, why, bytes } }) =>
    bytes === 0
      ? `Code in ${what} wasn't looked at: ${REASONS[why]}.`
      : `${bytes} bytes of code in ${what} weren't looked at: ${REASONS[why]}.`,
  together: ({ facts: { why } }) => `Code wasn't looked at: ${REASONS[why]}.`,
  subject: ({ facts: { what } }) => what,
  remedy: 'stay',
  modes: { strict: 'blocker' },
  severities: ['risk'],
  when: 'a process has executable memory without a file that can be read and is known to be its own',
  meaning:
    'Compilers at run time (JIT) make code for the CPU that they were shown: under a mask for the mask, without ' +
    'one for the host. Files that an update has replaced are gone as well.',
  advice:
    'Start the program under the mask from its beginning, and audit its files. Of a dump, name the root where ' +
    'it will be restored (--root).',
});
