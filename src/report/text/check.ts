/** A comparison for people: the verdict first, then what decides it, then what to do. */
import type { createColors } from 'picocolors';
import type { Report } from '../../compare/compare.js';
import type { Finding, Severity } from '../../compare/finding.js';
import type { Verdict } from '../../compare/verdict.js';
import { printable } from '../../model/printable.js';
import { isGateReport } from '../json.js';
import { wrap } from './wrap.js';

export interface TextStyle {
  readonly colors: ReturnType<typeof createColors>;
  readonly width: number;
}

interface Group {
  readonly code: Finding['code'];
  readonly subjects: readonly string[];
  readonly effect: string;
  readonly allowed: boolean;
}

/** Findings that differ only in the feature are one line. */
const MANY: Readonly<Partial<Record<Finding['code'], string>>> = {
  'data-missing': 'Not told by the source; each could be a blocker or a risk.',
  'feature-added':
    'Only the target has these: tasks that start there and use them cannot move back.',
  'hint-missing': 'Only speed or detail changes.',
  'state-added': 'Only the target has this state; restored tasks start with it empty.',
  'state-missing': "State that tasks have at the source and that can't be loaded at the target.",
  'state-layout':
    "Lies elsewhere at the target: signal frames and XSAVE images in a task's memory are read wrongly.",
};

const SIGILL = 'Fail with SIGILL.';

function groupKey(finding: Finding): string {
  const allowed = finding.allowedFrom === undefined ? '' : 'allowed';
  if (MANY[finding.code] !== undefined) return `${finding.code} ${allowed}`;
  if (/: fails with SIGILL\.$/.test(finding.effect)) return `${finding.code} ${SIGILL} ${allowed}`;
  return `${finding.code} ${finding.effect} ${allowed}`;
}

/** What a finding is about; for state that moves, from where to where ("pkru 8@2688 → 8@2432"). */
function subjectOf(finding: Finding, { from, to }: Report): string {
  if (finding.code !== 'state-layout')
    return finding.feature ?? (finding.component === 'xsave' ? '' : (finding.component ?? ''));
  const place = (host: Report['from']) => {
    const found = host.xsave.components.find((one) => one.name === finding.component);
    return `${found?.size ?? '?'}@${found?.offset ?? '?'}`;
  };
  return `${finding.component} ${place(from)} → ${place(to)}`;
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
      allowed: first.allowedFrom !== undefined,
    };
  });
}

const HEADINGS: Readonly<Record<Severity, string>> = {
  blocker: 'Blockers',
  unknown: 'Not known',
  risk: 'Risks',
  info: 'Differences without harm',
};

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
  compatible: 'Whatever tasks have seen of the source, the target has it too.',
  'at-risk': 'Nothing is lost that every task needs, but some programs may fail; read which.',
  unknown: 'The sources do not tell enough to say yes.',
  incompatible: 'Tasks that use what they saw at the source fail at the target.',
};

/** What to do, by what was found; each line once. */
const REMEDIES: readonly (readonly [codes: readonly Finding['code'][], text: string])[] = [
  [
    [
      'instruction-missing',
      'kernel-feature-missing',
      'state-missing',
      'state-layout',
      'cpus-differ',
    ],
    'For tasks that start from now on, hide at the source what the target lacks or lays out otherwise: ' +
      "a CPU model for the source's VMs that both hosts can give, or GLIBC_TUNABLES for what only " +
      'libc uses. Tasks that run already stay on hosts like their own.',
  ],
  [
    ['xsave-area-grows', 'signal-frame-grows'],
    "Keep the target's XSAVE area as small as the source's: a VM with the source's CPU model, or " +
      'clearcpuid= at its boot with the features whose state is new there. Or start the tasks where ' +
      'CPUID shows the larger size already. Programs linked with -z now do not bind lazily.',
  ],
  [
    ['signal-frame-layout'],
    'Dump again when no handler runs: a moment later is enough as a rule. The tasks can go on at the source.',
  ],
  [
    ['state-in-use', 'state-not-dumped', 'permission-lost'],
    'These tasks stay on hosts that have the state. Start them under a mask that hides it: "cpugate run --mask".',
  ],
  [
    ['source-unknown'],
    'Take the dump with "cpugate dump", which records the host beside the images.',
  ],
  [['address-width'], 'Boot the host with the wider addresses with no5lvl.'],
  [
    ['data-missing'],
    'To know more, record both hosts with "cpugate probe -o FILE", which leaves nothing out.',
  ],
];

/** A yes says what it leaves out. */
function verdictSentence({ verdict, mode, allowed }: Report): string {
  if (verdict !== 'compatible') return VERDICT_SENTENCES[verdict];
  if (allowed.some(({ used }) => used)) return 'Nothing stands against it but what you allowed.';
  if (mode === 'instructions') return 'No instruction is lost; this mode counts nothing else.';
  return VERDICT_SENTENCES.compatible;
}

function remedies(report: Report): string[] {
  const codes = new Set(
    report.findings.filter(({ severity }) => severity !== 'info').map(({ code }) => code),
  );
  return REMEDIES.filter(([of]) => of.some((code) => codes.has(code))).map(([, text]) => text);
}

const SOURCES = {
  record: "cpugate's record",
  cpuinfo: "CRIU's cpuinfo.img",
  none: 'nowhere',
} as const;

/** What was read of the images, and what was odd. */
function imageLines(report: Report, { colors, width }: TextStyle): string[] {
  if (!isGateReport(report)) return [];
  const { processes, threads, source, taken, remarks } = report.images;
  const count = (number: number, what: string, many: string) =>
    `${number} ${number === 1 ? what : many}`;
  const facts =
    `Images of ${count(processes, 'process', 'processes')}, ${count(threads, 'thread', 'threads')}` +
    `${taken === undefined ? '' : ` (dumped ${taken})`}; the CPU is known from ${SOURCES[source]}.`;
  return [facts, ...remarks].map((line) => colors.dim(wrap(printable(line), width)));
}

function criuLines(report: Report, style: TextStyle): string[] {
  if (report.criu === undefined) return [];
  return [
    wrap(
      `CRIU's own check would answer this; cpugate's verdict (mode portable) is ` +
        `${report.criu.portable}. The differences behind it are listed below.`,
      style.width,
    ),
  ];
}

/** The report as text. `verbose` lists the harmless differences in full. */
export function checkText(report: Report, style: TextStyle, verbose: boolean): string {
  const { colors, width } = style;
  const title = `${colors.bold(printable(report.from.name))} → ${colors.bold(printable(report.to.name))}: ${paintVerdict(report.verdict, style)}`;
  const mode =
    (report.mask === undefined ? '' : colors.dim(` (tasks under ${report.mask})`)) +
    (report.mode === 'portable' ? '' : colors.dim(` (mode ${report.mode})`));
  const parts = [
    title + mode,
    ...imageLines(report, style),
    report.criu === undefined ? verdictSentence(report) : '',
    ...criuLines(report, style),
  ].filter((part) => part !== '');
  for (const severity of ['blocker', 'unknown', 'risk', 'info'] as const) {
    const findings = report.findings.filter((finding) => finding.severity === severity);
    if (findings.length === 0) continue;
    if (severity === 'info' && !verbose && report.criu === undefined) {
      parts.push('', briefInfo(findings, style));
      continue;
    }
    parts.push('', colors.bold(HEADINGS[severity]));
    for (const group of groupFindings(findings, report)) parts.push(groupText(group, style));
  }
  const todo = remedies(report);
  for (const { name, used } of report.allowed)
    if (!used) parts.push('', `--allow ${name}: nothing to allow.`);
  if (todo.length > 0 && report.criu === undefined) {
    parts.push('', colors.bold('What to do'));
    for (const line of todo) parts.push(wrap(line, width, '  '));
  }
  return `${parts.join('\n')}\n`;
}

function groupText(group: Group, { colors, width }: TextStyle): string {
  const heading = [`  ${colors.cyan(group.code)}`, group.allowed ? colors.dim('(allowed)') : '']
    .filter((part) => part !== '')
    .join(' ');
  const subjects =
    group.subjects.length > 0
      ? [wrap(group.subjects.join(group.code === 'state-layout' ? ', ' : ' '), width, '    ')]
      : [];
  return [heading, ...subjects, wrap(printable(group.effect), width, '    ')].join('\n');
}

/** One line a code, so that the grave ones stay in sight. */
function briefInfo(findings: readonly Finding[], { colors, width }: TextStyle): string {
  const counts = new Map<string, number>();
  for (const { code, allowedFrom } of findings) {
    const what = allowedFrom === undefined ? code : `${code} (allowed)`;
    counts.set(what, (counts.get(what) ?? 0) + 1);
  }
  const list = [...counts].map(([what, count]) => (count === 1 ? what : `${what} (${count})`));
  return [
    `${colors.bold(HEADINGS.info)} ${colors.dim('(-v shows each)')}`,
    wrap(list.join(', '), width, '  '),
  ].join('\n');
}
