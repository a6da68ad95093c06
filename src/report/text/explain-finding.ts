/** A finding's code for people. */
import type { Severity } from '../../rules/finding.js';
import { type FindingCode, ruleOf } from '../../rules/index.js';
import { MODES, type Mode } from '../../rules/mode-names.js';
import { severitiesIn } from '../../rules/severities.js';
import { evidenceFor } from '../json.js';
import type { TextStyle } from './check.js';
import { columns } from './columns.js';

const SOURCES = {
  hosts: 'two hosts',
  images: 'a folder of CRIU images and a host',
  code: 'programs and libraries, by "cpugate audit"',
  criu: 'two hosts, in mode criu:CAP alone',
} as const;

function either(severities: readonly Severity[]): string {
  const last = severities.at(-1);
  return severities.length < 2 ? `${last}` : `${severities.slice(0, -1).join(', ')} or ${last}`;
}

/** What a mode adds to the severity. */
const REMARKS: Readonly<Partial<Record<Mode, string>>> = {
  advisory: ', and the exit status is 0',
};

/** `explain CODE` without --json. */
export function explainFindingText(code: FindingCode, { colors, width }: TextStyle): string {
  const { when, meaning, where, advice } = ruleOf(code);
  const from = evidenceFor(code);
  const facts: (readonly [string, string | undefined])[] = [
    ['Found in', SOURCES[from]],
    ['When', `${when}.`],
    ['Meaning', meaning],
    ['What to do', advice],
  ];
  const byMode = MODES.map((mode) => [
    colors.dim(mode),
    either(severitiesIn(mode, code)) + (REMARKS[mode] ?? ''),
  ]);
  const severities =
    from === 'criu' ? [] : ['', colors.bold('Severity by mode'), columns(byMode, width)];
  return `${[
    `${colors.bold(code)}  a finding of "cpugate ${from === 'code' ? 'audit' : 'check'}"`,
    columns(
      [
        ...facts,
        [
          'Severity',
          from === 'criu' ? either(severitiesIn('portable', code)) : where && `${where}.`,
        ] as const,
      ].flatMap(([head, text]) => (text ? [[colors.dim(head), text]] : [])),
      width,
    ),
    ...severities,
  ].join('\n')}\n`;
}
