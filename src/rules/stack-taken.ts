import { nameProcess } from './processes.js';
import { rule } from './rule.js';

/**
 * A repaired process takes more stack whenever glibc saves registers. Whoever sized a thread's stack or an
 * alternate one at the source didn't count with that.
 */
export const stackTaken = rule({
  code: 'stack-taken',
  reads: ['images'],
  find: ({ images }) => {
    const all = (images?.repairs ?? []).flatMap(({ sizes, ...process }) =>
      sizes.map(({ before, after }) => ({ process, before, after, more: after - before })),
    );
    const [most] = all.sort((a, b) => b.more - a.more);
    if (most === undefined) return [];
    const { process, before, after } = most;
    const processes = images?.repairs?.length ?? 0;
    return [
      {
        severity: 'risk' as const,
        component: 'xsave',
        facts: { process: nameProcess(process), processes, before, after },
      },
    ];
  },
  sentence: ({ facts: { process, processes, before, after } }) =>
    `Repaired, glibc in ${process}${processes > 1 ? ` and ${processes - 1} more` : ''} takes ${after} bytes of stack ` +
    `in place of ${before} whenever it saves registers: small stacks of threads and alternate signal stacks may not have them.`,
  remedy: 'none',
  modes: { instructions: 'info' },
  severities: ['risk'],
  when: "a restore makes larger what glibc keeps of the XSAVE area's size (restore --repair)",
  meaning:
    'A thread whose stack was just large enough at the source ends with SIGSEGV when it binds a function deep in ' +
    'its calls. Default stacks (8 MiB) have room.',
  advice: 'Nothing needs to be done.',
});
