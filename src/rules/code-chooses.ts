import { ABSENT } from '../model/xsave.js';
import { findInCode, subjectOf, usersOf } from './code-features.js';
import { rule } from './rule.js';

/** Instructions behind a question to the CPU: what is started under the mask gets the mask's answer. */
export const codeChooses = rule({
  code: 'code-chooses',
  reads: ['code'],
  find: (context) =>
    findInCode(context, 'chooses', (_, shown) => (shown === ABSENT ? 'info' : undefined)),
  sentence: ({ feature, facts }, { to }) =>
    `Before it uses ${feature}, which ${to} ${facts.isLacking ? 'lacks' : 'may lack'}, ${usersOf(facts)} asks ` +
    'the CPU.',
  together: () =>
    'Code asks the CPU before it uses these: started under the mask it leaves them alone.',
  subject: subjectOf,
  remedy: 'none',
  advice: '',
  severities: ['info'],
  when: 'code uses instructions that the target lacks, and asks the CPU before',
  meaning:
    'A program that starts under the mask leaves them alone. One that started without may have chosen them ' +
    'for good: an audit of its dump says so.',
});
