import { findInCode, subjectOf, usersOf } from './code-features.js';
import { rule } from './rule.js';

/**
 * Instructions that are reached without a question to the CPU: no mask keeps a program from them. Proven by a
 * way of calls from where the file is entered, or said by the file's property note.
 */
export const codeNeeds = rule({
  code: 'code-needs',
  reads: ['code'],
  find: (context) =>
    findInCode(context, 'needs', (isLacking) => (isLacking ? 'blocker' : 'unknown')),
  sentence: ({ feature, facts }, { to }) =>
    facts.isLacking
      ? `${to} lacks ${feature}, which ${usersOf(facts)} needs without asking: SIGILL there.`
      : `Whether ${to} has ${feature}, which ${usersOf(facts)} needs without asking, is unknown.`,
  together: ({ facts: { isLacking } }) =>
    isLacking
      ? 'Code uses these without asking the CPU: SIGILL where they are missing.'
      : 'Code uses these without asking the CPU, and whether they are there is unknown.',
  subject: subjectOf,
  remedy: 'stay',
  severities: ['blocker', 'unknown'],
  where: 'unknown where the target may have the feature',
  when: 'code that is reached without a question to the CPU uses instructions that the target lacks',
  meaning:
    'A program that runs it ends with SIGILL, under a mask and without one: a mask changes what the CPU says, ' +
    'not what it can do.',
  advice:
    'Use a build for the lower level (-march, GOAMD64, another package), or keep hosts without the feature out ' +
    'of the baseline.',
});
