/** A comparison for people: the verdict first, then what decides it, then what to do. */
import type { createColors } from 'picocolors';
import type { Report } from '../../compare/compare.js';
import { type Finding, SEVERITIES, type Severity } from '../../compare/finding.js';
import type { Verdict } from '../../compare/verdict.js';
import { printable } from '../../model/printable.js';
import { labelOf } from '../feature-label.js';
import { isGateReport } from '../json.js';
import { wrap, wrapWords } from './wrap.js';

export interface TextStyle {
  readonly colors: ReturnType<typeof createColors>;
  readonly width: number;
}

interface Group {
  readonly code: Finding['code'];
  readonly subjects: readonly string[];
  readonly effect: string;
}

/** Findings that differ only in the feature are one line. */
const MANY: Readonly<Partial<Record<Finding['code'], string>>> = {
  'data-missing': 'Not known for one or both hosts; each could be a blocker or a risk.',
  'feature-added':
    'Only the target has these: tasks that start there and use them cannot move back.',
  'hint-missing': 'Only speed or details change.',
  'state-added': 'Only the target has this state; restored tasks start with it empty.',
  'state-missing': "Tasks may hold this state on the source, and it can't be loaded on the target.",
  'state-layout':
    "The layout differs on the target: signal frames and XSAVE images in a task's memory are misread.",
};

const SIGILL = 'Tasks that use these fail with SIGILL.';

function groupKey(finding: Finding): string {
  if (MANY[finding.code] !== undefined) return finding.code;
  if (/: fails with SIGILL\.$/.test(finding.effect)) return `${finding.code} ${SIGILL}`;
  return `${finding.code} ${finding.effect}`;
}

/** What a finding is about; for state that moves, from where to where. */
function subjectOf(finding: Finding, { from, to }: Report): string {
  if (finding.code !== 'state-layout')
    return finding.component === 'xsave' ? '' : labelOf(finding.feature ?? finding.component ?? '');
  const place = (host: Report['from']) => {
    const found = host.xsave.components.find((one) => one.name === finding.component);
    return `${found?.size ?? '?'} bytes at ${found?.offset ?? '?'}`;
  };
  return `${finding.component}: ${place(from)} → ${place(to)}`;
}

function groupFindings(findings: readonly Finding[], report: Report): Group[] {
  const groups = new Map<string, Finding[]>();
  for (const finding of findings) {
    const key = groupKey(finding);
    groups.set(key, [...(groups.get(key) ?? []), finding]);
  }
  return [...groups.values()].map((members) => {
    const first = members[0] as Finding;
    const many = MANY[first.code] ?? SIGILL;
    return {
      code: first.code,
      subjects: members.map((one) => subjectOf(one, report)).filter((one) => one !== ''),
      effect:
        members.length > 1 && !members.every((m) => m.effect === first.effect)
          ? many
          : first.effect,
    };
  });
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

function paintVerdict(verdict: Verdict, { colors }: TextStyle): string {
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

/** What to do, by what was found; each line once. */
const REMEDIES: readonly (readonly [codes: readonly Finding['code'][], text: string])[] = [
  [
    [
      'instruction-missing',
      'kernel-feature-missing',
      'state-missing',
      'state-layout',
      'unnamed-feature-missing',
      'cpus-differ',
    ],
    'Start new tasks under a mask that shows only what both hosts have: "cpugate baseline FROM TO -o ' +
      'both.json", then "cpugate run --mask both.json -- COMMAND". Masking needs CPUID faulting; without it, ' +
      'use VMs with a CPU model that both hosts can give, or "cpugate export both.json --for glibc" for what ' +
      'only libc uses. Tasks that are already running stay on hosts like their own.',
  ],
  [
    ['xsave-area-grows', 'signal-frame-grows'],
    "Start the tasks under a baseline of both hosts: it shows the target's size from the start. Or keep the " +
      "target's XSAVE area as small as the source's: use a VM with the source's CPU model, or boot the target " +
      'with clearcpuid= and the features whose state is new there. Programs linked with -z now do not bind lazily.',
  ],
  [
    ['signal-frame-layout'],
    'Dump again when no signal handler is running; a moment later is usually enough. The tasks can go on ' +
      'running on the source.',
  ],
  [
    ['state-in-use', 'state-not-dumped', 'permission-lost'],
    'Keep these tasks on hosts that have the state. To be able to move them, start them under a mask that ' +
      'hides it: "cpugate run --mask".',
  ],
  [
    ['source-unknown'],
    'Take the dump with "cpugate dump", which records the host beside the images.',
  ],
  [['address-width'], 'Boot the host that has the wider addresses with the kernel option no5lvl.'],
  [
    ['data-missing'],
    'Record both hosts with "cpugate probe -o FILE", which leaves nothing out, and check again.',
  ],
];

/** A yes says what it leaves out. */
function verdictSentence({ verdict, mode, allowed }: Report): string {
  if (verdict === 'incompatible' && mode === 'strict')
    return 'The hosts differ in what tasks can see; the blockers below say how.';
  if (verdict !== 'compatible') return VERDICT_SENTENCES[verdict];
  if (allowed.some(({ used }) => used))
    return 'Nothing blocks the move but what you accepted with --allow.';
  if (mode === 'instructions')
    return 'No instruction is lost; layout, sizes and vendor do not count in this mode.';
  return VERDICT_SENTENCES.compatible;
}

function remedies(report: Report): string[] {
  const codes = new Set(
    report.findings.filter(({ severity }) => severity !== 'info').map(({ code }) => code),
  );
  return REMEDIES.filter(([of]) => of.some((code) => codes.has(code))).map(([, text]) => text);
}

const SOURCES = {
  record: "known from cpugate's record",
  cpuinfo: "known from CRIU's cpuinfo.img",
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
    ...criuLines(report, style),
  ].filter((part) => part !== '');
  const section = (heading: string, findings: readonly Finding[]) => {
    if (findings.length === 0) return;
    parts.push('', colors.bold(heading));
    for (const group of groupFindings(findings, report)) parts.push(groupText(group, style));
  };
  for (const severity of SEVERITIES) {
    if (severity === 'info') section(ACCEPTED, report.findings.filter(isAccepted));
    const heading = headingOf(severity, report);
    const findings = report.findings.filter((one) => one.severity === severity && !isAccepted(one));
    const isBrief = severity === 'info' && !verbose && report.criu === undefined;
    if (isBrief && findings.length > 0) parts.push('', briefInfo(heading, findings, style));
    else section(heading, findings);
  }
  const todo = remedies(report);
  for (const { name, used } of report.allowed)
    if (!used) parts.push('', `--allow ${labelOf(name)} had no effect: no blocker is about it.`);
  if (todo.length > 0 && report.criu === undefined) {
    parts.push('', colors.bold('What to do'));
    for (const line of todo) parts.push(wrap(line, width, '  '));
  }
  return `${parts.join('\n')}\n`;
}

function groupText(group: Group, { colors, width }: TextStyle): string {
  const { code, subjects, effect } = group;
  const lines = code === 'state-layout' ? subjects.map((one) => `    ${one}`) : [];
  if (code !== 'state-layout' && subjects.length > 0)
    lines.push(wrapWords(subjects, width, '    '));
  return [`  ${colors.cyan(code)}`, ...lines, wrap(printable(effect), width, '    ')].join('\n');
}

/** One line a code, so that the grave ones stay in sight. */
function briefInfo(
  heading: string,
  findings: readonly Finding[],
  { colors, width }: TextStyle,
): string {
  const counts = new Map<string, number>();
  for (const { code } of findings) counts.set(code, (counts.get(code) ?? 0) + 1);
  const list = [...counts].map(([what, count]) => (count === 1 ? what : `${what} (${count})`));
  return [
    `${colors.bold(heading)} ${colors.dim('(-v shows each)')}`,
    wrap(list.join(', '), width, '  '),
  ].join('\n');
}
