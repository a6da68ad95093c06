import { findInCode, subjectOf, usersOf } from './code-features.js';
import { rule } from './rule.js';

/**
 * Instructions of which neither is shown: that they are reached without a question, nor that they aren't.
 * Tables of functions, flags that a program keeps in allocated memory, data among code.
 */
export const codeUnclear = rule({
  code: 'code-unclear',
  reads: ['code'],
  find: (context) => findInCode(context, 'unclear', () => 'risk'),
  sentence: ({ feature, facts }, { to }) =>
    `Whether ${usersOf(facts)} asks before it uses ${feature}, which ${to} ` +
    `${facts.isLacking ? 'lacks' : 'may lack'}, is unclear.`,
  together: () => 'Whether code asks the CPU before it uses these is unclear.',
  subject: subjectOf,
  remedy: 'stay',
  modes: { strict: 'blocker' },
  severities: ['risk'],
  when: 'code uses instructions that the target lacks, and whether it asks the CPU before is not shown',
  meaning:
    'Libraries that choose in ways of their own look so, and so does a program that needs the feature. The first ' +
    'run well under a mask; the second ends with SIGILL.',
  advice:
    'Look at the places that the report names, or try the program under the mask on a host that lacks the ' +
    'feature before tasks depend on it.',
});
