/** A comparison for people: the verdict first, then what decides it, then what to do. */
import type { createColors } from 'picocolors';
import type { GateReport } from '../../judge/gate.js';
import type { Report } from '../../judge/judge.js';
import { VERDICTS, type Verdict } from '../../judge/verdict.js';
import { printable } from '../../model/printable.js';
import { SEVERITIES, type Severity } from '../../rules/finding.js';
import { advicesOf, codesBriefly, type FindingGroup, groupFindings } from '../../rules/group.js';
import type { Finding } from '../../rules/index.js';
import { FOR_MACHINES } from '../../rules/mode-names.js';
import { nameThreads } from '../../rules/processes.js';
import { labelOf } from '../feature-label.js';
import { isGateReport } from '../json.js';
import { wrap, wrapWords } from './wrap.js';

export interface TextStyle {
  readonly colors: ReturnType<typeof createColors>;
  readonly width: number;
}

const HEADINGS: Readonly<Record<Severity, string>> = {
  blocker: 'Blockers',
  unknown: 'Unknown',
  risk: 'Risks',
  info: 'Harmless differences',
};
const ACCEPTED = 'Accepted with --allow';
/** Some modes count less than does harm. */
const NOT_COUNTED = 'Differences that this mode does not count';

function headingOf(severity: Severity, { mode, criu }: Report): string {
  const leavesOut = mode === 'instructions' || criu !== undefined;
  return severity === 'info' && leavesOut ? NOT_COUNTED : HEADINGS[severity];
}

export function paintVerdict(verdict: Verdict, { colors }: TextStyle): string {
  const paint = {
    compatible: colors.green,
    'at-risk': colors.yellow,
    unknown: colors.yellow,
    incompatible: colors.red,
  }[verdict];
  return colors.bold(paint(verdict));
}

const VERDICT_SENTENCES: Readonly<Record<Verdict, string>> = {
  compatible: 'The target has everything that tasks started on the source may rely on.',
  'at-risk': 'No difference blocks the move; the risks below say which programs may fail.',
  unknown: 'Too little is known about the hosts to say yes.',
  incompatible: 'Tasks started on the source may fail on the target; the blockers below say why.',
};

const MACHINE_SENTENCES: Readonly<Record<Verdict, string>> = {
  compatible: "A virtual machine with the source's CPU can start and go on at the target.",
  'at-risk': 'No bit blocks the machine; what the risks name has to be looked at on the hosts.',
  unknown: VERDICT_SENTENCES.unknown,
  incompatible:
    "A virtual machine with the source's CPU does not start at the target, and can't be moved there.",
};

/** A yes says what it leaves out. */
function verdictSentence({ verdict, mode, allowed }: Report): string {
  if (mode === FOR_MACHINES) return MACHINE_SENTENCES[verdict];
  if (verdict === 'incompatible' && mode === 'strict')
    return 'The hosts differ in what tasks can see; the blockers below say how.';
  if (verdict !== 'compatible') return VERDICT_SENTENCES[verdict];
  if (allowed.some(({ used }) => used))
    return 'Nothing blocks the move but what you accepted with --allow.';
  if (mode === 'instructions')
    return 'No instruction is lost; layout, sizes and vendor do not count in this mode.';
  return VERDICT_SENTENCES.compatible;
}

const SOURCES = {
  record: "known from cpugate's record",
  told: 'known by --source',
  cpuinfo: "known from CRIU's cpuinfo.img",
  memory: "known from what the tasks' C library keeps of it",
  none: 'unknown',
} as const;

/** What was read of the images, and what was odd. */
function imageLines(report: Report, { colors, width }: TextStyle): string[] {
  if (!isGateReport(report)) return [];
  const { processes, threads, source, taken, remarks } = report.images;
  const count = (number: number, what: string, many: string) =>
    `${number} ${number === 1 ? what : many}`;
  const facts =
    `Images of ${count(processes, 'process', 'processes')}, ${count(threads, 'thread', 'threads')}` +
    `${taken === undefined ? '' : ` (dumped ${taken})`}; the CPU of the dump is ${SOURCES[source]}.`;
  return [facts, ...remarks].map((line) => colors.dim(wrap(printable(line), width)));
}

/** The gate compares what tasks were shown. What code does without asking, nothing in the images tells. */
function auditLines(report: Report, { colors, width }: TextStyle): string[] {
  if (!isGateReport(report) || report.criu !== undefined) return [];
  const isLess = report.findings.some(({ code }) => code === 'instruction-missing');
  if (!isLess && report.mask === undefined) return [];
  const text =
    'Not looked at is what their code uses without asking the CPU: "cpugate audit IMAGES --to HOST" says it.';
  return ['', colors.dim(wrap(text, width))];
}

/** What --repair would make of it, where that is better. */
function repairLines(report: Report, { width }: TextStyle): string[] {
  if (!isGateReport(report) || report.repair === undefined || report.criu !== undefined) return [];
  const { verdict, isAsked, repairs, between } = report.repair;
  const lines: string[] = [];
  if (!isAsked && VERDICTS.indexOf(verdict) < VERDICTS.indexOf(report.verdict))
    lines.push(
      `"cpugate restore --repair" makes this ${verdict}: it enlarges what glibc keeps of the XSAVE area's size ` +
        `in ${repairs.length === 1 ? 'a process' : `${repairs.length} processes`} while the tasks stand still; ` +
        'the images stay as they are.',
    );
  if (between.length > 0)
    lines.push(
      `--repair can't change what glibc keeps in the process of ${nameThreads(between)}, which is just using it. ` +
        'Dump again; a moment later is usually enough.',
    );
  return lines.map((line) => wrap(line, width, '  '));
}

/** The worst case is reported; how the others stand is told beside it. */
function combinationLines(report: Report, style: TextStyle): string[] {
  const { combinations = [] } = report;
  if (combinations.length < 2) return [];
  return [
    `The worst of ${combinations.length} combinations:`,
    ...combinations.map(
      ({ from, to, verdict }) =>
        `  ${printable(from)} → ${printable(to)}: ${paintVerdict(verdict, style)}`,
    ),
  ];
}

function criuLines(report: Report, style: TextStyle): string[] {
  if (report.criu === undefined) return [];
  return [
    wrap(
      "This is what CRIU's own check would answer. cpugate's verdict (mode portable) is " +
        `${report.criu.portable}; the differences behind it are listed below.`,
      style.width,
    ),
  ];
}

function isAccepted({ allowedFrom }: Finding): boolean {
  return allowedFrom !== undefined;
}

/** Where images can go on, whatever is found here. */
function placeOfImages({ images, mask }: GateReport): string[] {
  const { dumpedOn } = images;
  if (dumpedOn === undefined) return [];
  const others = mask === undefined ? 'a host like it' : `a host of ${mask}`;
  return [`These images can go on at ${dumpedOn}, where they were dumped, or at ${others}.`];
}

interface Advice {
  readonly heading: string;
  readonly lines: readonly string[];
}

/** Images that exist can't be started anew: what helps them comes first. */
function adviceIn(report: Report): Advice[] {
  const heading = 'What to do';
  const counted = report.findings.filter(({ severity }) => severity !== 'info');
  if (!isGateReport(report)) return [{ heading, lines: advicesOf(counted) }];
  const isLate = ({ remedy }: Finding) => remedy === 'launch-mask';
  const now = advicesOf(counted.filter((one) => !isLate(one)));
  return [
    {
      heading,
      lines: counted.length === 0 ? [] : [...placeOfImages(report).map(printable), ...now],
    },
    {
      heading: 'For tasks that start from now on',
      lines: advicesOf(counted.filter(isLate)).filter((line) => !now.includes(line)),
    },
  ];
}

/** The report as text. `verbose` lists the harmless differences in full. */
export function checkText(report: Report, style: TextStyle, verbose: boolean): string {
  const { colors, width } = style;
  const title = `${colors.bold(printable(report.from.name))} → ${colors.bold(printable(report.to.name))}: ${paintVerdict(report.verdict, style)}`;
  const mode =
    (report.mask === undefined ? '' : colors.dim(` (tasks under ${printable(report.mask)})`)) +
    (report.mode === 'portable' ? '' : colors.dim(` (mode ${report.mode})`));
  const parts = [
    title + mode,
    ...imageLines(report, style),
    report.criu === undefined ? verdictSentence(report) : '',
    ...combinationLines(report, style),
    ...criuLines(report, style),
  ].filter((part) => part !== '');
  const section = (heading: string, findings: readonly Finding[]) => {
    if (findings.length === 0) return;
    parts.push('', colors.bold(heading));
    for (const group of groupFindings(findings)) parts.push(groupText(group, style));
  };
  for (const severity of SEVERITIES) {
    if (severity === 'info') section(ACCEPTED, report.findings.filter(isAccepted));
    const heading = headingOf(severity, report);
    const findings = report.findings.filter((one) => one.severity === severity && !isAccepted(one));
    const isBrief = severity === 'info' && !verbose && report.criu === undefined;
    if (isBrief && findings.length > 0) parts.push('', briefInfo(heading, findings, style));
    else section(heading, findings);
  }
  for (const { name, used } of report.allowed)
    if (!used)
      parts.push('', `--allow ${labelOf(name)} had no effect: nothing that counts is about it.`);
  if (report.criu === undefined)
    for (const { heading, lines } of adviceIn(report))
      if (lines.length > 0)
        parts.push('', colors.bold(heading), ...lines.map((line) => wrap(line, width, '  ')));
  const repair = repairLines(report, style);
  if (repair.length > 0) parts.push('', colors.bold('Repair'), ...repair);
  parts.push(...auditLines(report, style));
  return `${parts.join('\n')}\n`;
}

function groupText(group: FindingGroup, { colors, width }: TextStyle): string {
  const { code, effect } = group;
  const subjects = group.subjects.map(labelOf);
  // What is more than a name has a line of its own.
  const lines = subjects.some((one) => one.includes(' '))
    ? subjects.map((one) => `    ${one}`)
    : [];
  if (lines.length === 0 && subjects.length > 0) lines.push(wrapWords(subjects, width, '    '));
  return [`  ${colors.cyan(code)}`, ...lines, wrap(printable(effect), width, '    ')].join('\n');
}

/** One line a code, so that the grave ones stay in sight. */
function briefInfo(
  heading: string,
  findings: readonly Finding[],
  { colors, width }: TextStyle,
): string {
  return [
    `${colors.bold(heading)} ${colors.dim('(-v shows each)')}`,
    wrap(codesBriefly(findings), width, '  '),
  ].join('\n');
}
