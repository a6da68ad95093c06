import { ABSENT, PRESENT } from '../model/xsave.js';
import { findInCode, subjectOf, usersOf } from './code-features.js';
import { rule } from './rule.js';

/**
 * Code that asks the CPU, in tasks that have asked already: what they were shown where they started stays with
 * them. When each program asks isn't known (most do as they start), so all that they were shown counts.
 */
export const codeChosen = rule({
  code: 'code-chosen',
  reads: ['code'],
  find: (context) =>
    findInCode(context, 'chooses', (isLacking, shown) => {
      if (shown === ABSENT) return undefined;
      return isLacking && shown === PRESENT ? 'blocker' : 'unknown';
    }),
  sentence: ({ severity, feature, facts }, { to }) => {
    if (severity === 'blocker')
      return `${to} lacks ${feature}, which the tasks were shown: ${usersOf(facts)} may be in use, with SIGILL there.`;
    return facts.isLacking
      ? `${to} lacks ${feature}, and whether the tasks were shown it, and use ${usersOf(facts)}, is unknown.`
      : `The tasks may use ${usersOf(facts)} for ${feature}, and whether ${to} has it is unknown.`;
  },
  together: ({ severity, facts }) => {
    if (severity === 'blocker')
      return 'The tasks were shown these, and have code for them: SIGILL where they are missing.';
    return facts.isLacking
      ? 'Whether the tasks were shown these, which their code asks for, is unknown.'
      : 'The tasks may use these, and whether they are there is unknown.';
  },
  subject: subjectOf,
  remedy: 'launch-mask',
  severities: ['blocker', 'unknown'],
  where: 'unknown where the dump may have shown it, or the target may have it',
  when: 'dumped tasks were shown a feature that the target lacks, and have code that asks for it',
  meaning:
    'They have asked before the dump, most at their start, and go on with the answer: a mask at the restore ' +
    'comes too late.',
  advice:
    'Start the tasks under a mask that hides these, or restore them where they are. "cpugate dump" records what ' +
    'tasks were shown; images of CRIU alone have a part of it.',
});
