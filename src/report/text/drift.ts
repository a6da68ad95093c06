/** `baseline --check BASELINE HOST...`: what has become of a cluster, for people. */
import { CHANGING, type Drift, type DriftGroup, type KindChange } from '../../baseline/drift.js';
import { refuses, type Verdict } from '../../judge/verdict.js';
import { printable } from '../../model/printable.js';
import { SEVERITIES } from '../../rules/finding.js';
import { advicesOf, groupFindings } from '../../rules/group.js';
import { featureLabel, labelOf } from '../feature-label.js';
import type { TextStyle } from './check.js';
import { plural } from './drop-reasons.js';
import { wrap, wrapWords } from './wrap.js';

/** All of a group are named, as far as anybody reads on. */
const HOSTS_SHOWN = 12;

function hostNames(hosts: readonly string[]): string {
  const shown = hosts.slice(0, HOSTS_SHOWN).map(printable).join(', ');
  return hosts.length > HOSTS_SHOWN ? `${shown} and ${hosts.length - HOSTS_SHOWN} more` : shown;
}

const VERDICT_WORDS: Readonly<Record<Verdict, string>> = {
  compatible: 'fits',
  'at-risk': 'fits, with the risks below',
  unknown: 'too little is known to say that it fits',
  incompatible: 'no longer fits',
};
const PASTS: Readonly<Record<DriftGroup['recognised'], string>> = {
  same: 'as before',
  changed: 'changed',
  'known-kind': 'like other hosts of the baseline',
  new: 'not known to the baseline',
};

function changeLines(change: KindChange | undefined, width: number): string[] {
  if (change === undefined) return [];
  const list = (what: string, items: readonly string[]) =>
    items.length === 0 ? [] : [wrapWords([what, ...items], width, '  ')];
  return [
    ...list('lost:', change.lost.map(featureLabel)),
    ...list('unknown now:', change.forgotten.map(featureLabel)),
    ...list('gained:', change.gained.map(featureLabel)),
    ...list('state lost:', change.lostState),
    ...list('state gained:', change.gainedState),
    ...change.numbers.map(
      ({ what, before, after }) =>
        `  ${CHANGING[what]}: ${printable(`${before ?? 'unknown'} → ${after ?? 'unknown'}`)}`,
    ),
  ];
}

function groupLines(group: DriftGroup, { colors, width }: TextStyle): string[] {
  const verdict = VERDICT_WORDS[group.verdict];
  const painted = refuses(group.verdict, 'unknown') ? colors.red(verdict) : colors.green(verdict);
  return [
    '',
    `${colors.bold(hostNames(group.hosts))}: ${painted} (${PASTS[group.recognised]})`,
    ...changeLines(group.change, width),
    ...SEVERITIES.flatMap((severity) =>
      groupFindings(group.findings.filter((one) => one.severity === severity)).flatMap((found) => [
        `  ${colors.cyan(found.code)} ${colors.dim(`(${severity})`)}`,
        ...(found.subjects.length === 0
          ? []
          : [wrapWords(found.subjects.map(labelOf), width, '    ')]),
        wrap(printable(found.effect), width, '    '),
      ]),
    ),
  ];
}

function isQuiet({ verdict, recognised }: DriftGroup): boolean {
  return verdict === 'compatible' && recognised === 'same';
}

/** `name`: the baseline's. */
export function driftText(drift: Drift, name: string, style: TextStyle): string {
  const { colors, width } = style;
  const { groups, missing, hosts } = drift;
  const count = (pick: (group: DriftGroup) => boolean) =>
    groups.filter(pick).reduce((sum, group) => sum + group.hosts.length, 0);
  const unfit = count(({ verdict }) => refuses(verdict, 'unknown'));
  const quiet = count(isQuiet);
  const advices = advicesOf(groups.flatMap(({ findings }) => findings));
  const head =
    unfit === 0
      ? colors.green(`all ${plural(hosts, 'host')} still fit`)
      : colors.red(`${unfit} of ${plural(hosts, 'host')} may not run its tasks`);
  return `${[
    `${colors.bold(printable(name))}: ${head}`,
    ...groups.filter((group) => !isQuiet(group)).flatMap((group) => groupLines(group, style)),
    ...(advices.length === 0 ? [] : ['', colors.bold('What to do')]),
    ...advices.map((advice) => wrap(advice, width, '  ')),
    '',
    `${plural(quiet, 'host')} ${quiet === 1 ? 'is' : 'are'} as before.`,
    ...(missing.length === 0
      ? []
      : [wrap(`No record is of ${hostNames(missing)}, which the baseline was made of.`, width)]),
  ].join('\n')}\n`;
}
