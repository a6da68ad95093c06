/** A feature for people. */
import { type FeatureName, featurePosition, featureRow } from '../../catalogue/index.js';
import type { KernelRow } from '../../catalogue/synthetic-flags.js';
import { featureLabel, labelOf } from '../feature-label.js';
import { explainJson } from '../json.js';
import type { TextStyle } from './check.js';
import { columns } from './columns.js';
import { wrap } from './wrap.js';

const CLASS_MEANING: Readonly<Record<string, string>> = {
  isa: 'instructions: a task that chose them fails where they are missing',
  state: 'processor state that tasks have, and the instructions that handle it',
  kernel_user: 'set up by the kernel and seen by tasks',
  hint: 'no instruction appears or disappears with it',
  kernel: 'for the kernel only; tasks do not notice it',
  security: 'for the kernel and its mitigations; tasks do not notice it',
  identity: 'identification only',
};

function lossText(name: FeatureName): string {
  const { lossBeside: other } = featureRow(name);
  const beside =
    other === undefined
      ? ''
      : ` Where the target has ${labelOf(other.feature)}, ${other.severity}: ${other.effect}`;
  return `${lossAlone(name)}${beside}`;
}

function lossAlone(name: FeatureName): string {
  const row = featureRow(name);
  if (row.loss !== undefined) return `${row.loss.severity}: ${row.loss.effect}`;
  if (row.silent) return `blocker, and silently wrong: ${row.reason ?? row.title}.`;
  if (row.class === 'isa' || row.class === 'state')
    return 'blocker: A task that uses it fails with SIGILL.';
  if (row.class === 'hint') return 'info: Only speed or details change.';
  return 'It is never compared.';
}

/** The same for what the kernel alone gives. */
export function explainKernelText(
  { name, class: kind, from, note, loss }: KernelRow,
  { colors, width }: TextStyle,
): string {
  const facts = [
    ['Flag', `of /proc/cpuinfo, from ${from}; no bit of CPUID tells it`],
    ['Class', `${kind} (${CLASS_MEANING[kind]})`],
    ['If lost', `${loss.severity}: ${loss.effect}`],
  ] as const;
  return `${colors.bold(name)}  ${note}\n${columns(
    facts.map(([head, text]) => [colors.dim(head), text]),
    width,
  )}\n`;
}

/** `explain` without --json. */
export function explainText(name: FeatureName, { colors, width }: TextStyle): string {
  const row = featureRow(name);
  const json = explainJson(name);
  const names = Object.entries(json.names)
    .map(([project, spelling]) => `${spelling} (${project})`)
    .join(', ');
  const facts: (readonly [string, string | undefined])[] = [
    ['CPUID', featurePosition(row)],
    ['Class', `${row.class} (${CLASS_MEANING[row.class]})`],
    ['If lost', lossText(name)],
    ['If gained', row.restriction],
    ['Reason', row.silent ? undefined : row.reason],
    ['State', json.components.map((one) => `${one.name} (bit ${one.bit} of XCR0)`).join(', ')],
    ['Level', json.level === null ? undefined : `part of ${json.level}`],
    ['Since', row.since],
    ['Other names', names],
    ['Needed by', json.neededBy.map(featureLabel).join(' ')],
    ['glibc', row.glibcTunable ? 'GLIBC_TUNABLES=glibc.cpu.hwcaps can hide it' : undefined],
    ['CRIU', row.criuInstruction ? 'compared by --cpu-cap=ins' : undefined],
  ];
  const needs = json.needs.map((edge) => [
    labelOf(edge.on),
    edge.kind,
    `${edge.note ?? ''}${edge.note ? '; ' : ''}${edge.sources}`,
  ]);
  const parts = [
    `${colors.bold(featureLabel(name))}  ${row.title}`,
    columns(
      facts.flatMap(([head, text]) => (text ? [[colors.dim(head), text]] : [])),
      width,
    ),
  ];
  if (needs.length > 0) parts.push('', colors.bold('Needs'), columns(needs, width));
  if (json.needs.some(({ kind }) => kind === 'policy'))
    parts.push(
      wrap(
        'Prerequisites of kind "policy" are rules of other projects. Real CPUs break them, so they never take a feature away.',
        width,
        '  ',
      ),
    );
  return `${parts.join('\n')}\n`;
}
