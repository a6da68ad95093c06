/** `cpugate audit` for people: the verdict, then each file with what it uses, then what to do. */
import type { Report } from '../../judge/judge.js';
import type { Verdict } from '../../judge/verdict.js';
import type { CodeClass, CodeEvidence, CodeFeature, CodeFile } from '../../model/code-audit.js';
import { printable } from '../../model/printable.js';
import { hex } from '../../model/registers.js';
import { ABSENT } from '../../model/xsave.js';
import { shownBefore } from '../../rules/code-features.js';
import { advicesOf, groupFindings } from '../../rules/group.js';
import { hiddenOf, objdumpOf } from '../audit-json.js';
import { labelOf } from '../feature-label.js';
import { paintVerdict, type TextStyle } from './check.js';
import { wrap } from './wrap.js';

const SENTENCES: Readonly<Record<Verdict, string>> = {
  compatible: 'Nothing in this code uses what is hidden without asking the CPU.',
  'at-risk': "Whether some code asks the CPU first is unclear, or some wasn't looked at.",
  unknown: 'Too little is known of the target, or of the tasks, to say yes.',
  incompatible: 'Some code uses what is hidden without asking the CPU: no mask keeps it from that.',
};

const CHOSEN = 'The tasks were shown some of what is hidden, and have code for it.';

/** What dumped tasks may have chosen is apart from what is chosen at a start. */
type Shown = CodeClass | 'chosen';
const CLASSES: readonly (readonly [Shown, string])[] = [
  ['needs', 'needs'],
  ['chosen', 'may have chosen'],
  ['unclear', 'unclear'],
  ['chooses', 'asks before'],
];

function featuresIn(file: CodeFile, kind: Shown, { to }: Report): CodeFeature[] {
  if (kind === 'needs' || kind === 'unclear') return hiddenOf(file.audit[kind], to);
  return hiddenOf(file.audit.chooses, to).filter(
    ({ feature }) => (shownBefore(file, feature) === ABSENT) === (kind === 'chooses'),
  );
}

function placeOf({ functions, first }: CodeFeature): string {
  if (first === null) return 'by a note of the file';
  const count = functions === 1 ? '1 function' : `${functions} functions`;
  const place = first.symbol === null ? hex(first.address) : `${first.symbol}+${hex(first.offset)}`;
  return `${count}, first at ${place}`;
}

function fileLines(
  file: CodeFile,
  report: Report,
  { colors }: TextStyle,
  isVerbose: boolean,
): string[] {
  const lines: string[] = [];
  for (const [kind, words] of CLASSES) {
    if (kind === 'chooses' && !isVerbose) continue;
    const features = featuresIn(file, kind, report);
    for (const one of features)
      lines.push(`    ${words} ${colors.cyan(labelOf(one.feature))}: ${printable(placeOf(one))}`);
    const first = features.find((one) => one.first !== null)?.first;
    if (first && kind !== 'chooses')
      lines.push(colors.dim(`      ${printable(objdumpOf(file.path, first))}`));
  }
  if (lines.length === 0 && !isVerbose) return [];
  if (lines.length === 0) lines.push('    uses nothing that is hidden');
  return [`  ${printable(file.path)}`, ...lines];
}

function sentenceOf({ verdict, findings }: Report): string {
  const isOf = (code: string) =>
    findings.some((one) => one.code === code && one.severity === 'blocker');
  return isOf('code-chosen') && !isOf('code-needs') ? CHOSEN : SENTENCES[verdict];
}

export function auditText(
  report: Report,
  { files, unread }: CodeEvidence,
  style: TextStyle,
  isVerbose: boolean,
): string {
  const { colors, width } = style;
  const count = `${files.length} ${files.length === 1 ? 'file' : 'files'}`;
  const parts = [
    `${count} under ${colors.bold(printable(report.to.name))}: ${paintVerdict(report.verdict, style)}`,
    wrap(sentenceOf(report), width),
  ];
  const lines = files.flatMap((file) => fileLines(file, report, style, isVerbose));
  if (lines.length > 0) parts.push('', colors.bold('What the code uses'), ...lines);
  const asking = files.filter((file) => featuresIn(file, 'chooses', report).length > 0).length;
  if (asking > 0 && !isVerbose)
    parts.push(
      '',
      colors.dim(
        wrap(
          `${asking} of ${count} ${asking === 1 ? 'uses' : 'use'} some of it only after asking the CPU (-v shows each).`,
          width,
        ),
      ),
    );
  if (unread.length > 0) {
    parts.push('', colors.bold("Code that wasn't looked at"));
    const missing = report.findings.filter(({ code }) => code === 'code-unread');
    for (const { subjects, effect } of groupFindings(missing))
      parts.push(
        ...subjects.map((one) => `    ${printable(one)}`),
        wrap(printable(effect), width, '    '),
      );
  }
  for (const { name, used } of report.allowed)
    if (!used)
      parts.push('', `--allow ${labelOf(name)} had no effect: nothing that counts is about it.`);
  const advice = advicesOf(report.findings.filter(({ severity }) => severity !== 'info'));
  if (advice.length > 0)
    parts.push('', colors.bold('What to do'), ...advice.map((line) => wrap(line, width, '  ')));
  return `${parts.join('\n')}\n`;
}
