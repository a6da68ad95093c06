/** Findings as a page for people. */
import type { Finding } from './compare.js';

interface Counts {
  readonly all: number;
  readonly same: number;
  readonly unstable: number;
  readonly explained: number;
  readonly unexplained: number;
}

function countsOf(findings: readonly Finding[]): Counts {
  const differing = findings.filter(({ differences }) => differences.length > 0);
  const unexplained = differing.filter(({ differences }) =>
    differences.some(({ reason }) => reason === undefined),
  );
  const alike = findings.filter(({ differences }) => differences.length === 0);
  return {
    all: findings.length,
    same: alike.length,
    unstable: alike.filter(({ unstable }) => unstable).length,
    explained: differing.length - unexplained.length,
    unexplained: unexplained.length,
  };
}

function row(cells: readonly (string | number)[]): string {
  return `| ${cells.map((cell) => `${cell}`.replaceAll('|', '\\|')).join(' | ')} |\n`;
}

function countsTable(findings: readonly Finding[]): string {
  const suites = [...new Set(findings.map(({ suite }) => suite))];
  const line = (name: string, counts: Counts): string =>
    row([name, counts.all, counts.same, counts.unstable, counts.explained, counts.unexplained]);
  const head = row(['suite', 'programs', 'same', 'of them unstable', 'explained', 'unexplained']);
  return [
    head,
    row(['---', '---', '---', '---', '---', '---']),
    ...suites.map((suite) =>
      line(suite, countsOf(findings.filter((finding) => finding.suite === suite))),
    ),
    line('all', countsOf(findings)),
  ].join('');
}

function differencesTable(findings: readonly Finding[]): string {
  const lines = findings.flatMap((finding) =>
    finding.differences.map(({ name, bare, masked, always, reason }) =>
      row([
        `${finding.suite}: ${finding.name}`,
        name,
        bare.join(', '),
        masked.join(', '),
        always ? 'always' : `at times, of ${finding.runs}`,
        reason ?? '**none**',
      ]),
    ),
  );
  if (lines.length === 0) return 'Nothing differs.\n';
  const head = row(['program', 'what', 'bare', 'masked', 'how often', 'reason']);
  return [head, row(['---', '---', '---', '---', '---', '---']), ...lines].join('');
}

/** `machine` says where it ran, `skipped` what wasn't run and why. */
export function pageOf(
  findings: readonly Finding[],
  machine: string,
  skipped: readonly string[],
  unused: readonly string[],
): string {
  const list = (lines: readonly string[]): string => lines.map((line) => `- ${line}\n`).join('');
  return [
    `# Bare and masked\n\n${machine}\n\n`,
    countsTable(findings),
    `\n## What differs\n\n${differencesTable(findings)}`,
    skipped.length > 0 ? `\n## What was skipped\n\n${list(skipped)}` : '',
    unused.length > 0 ? `\n## Expected to differ, but the same here\n\n${list(unused)}` : '',
  ].join('');
}
