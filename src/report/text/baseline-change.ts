/** What becomes of a baseline with a host more or one fewer, for people. */
import { type Baseline, countHosts } from '../../baseline/baseline.js';
import type { Join, Leave } from '../../baseline/change.js';
import type { Dropped } from '../../baseline/drop-reasons.js';
import { featureRow } from '../../catalogue/index.js';
import { lossSeverity } from '../../model/loss-severity.js';
import { printable } from '../../model/printable.js';
import { SEVERITIES } from '../../rules/finding.js';
import { advicesOf, groupFindings } from '../../rules/group.js';
import { featureLabel, labelOf } from '../feature-label.js';
import { shortenDropped, shorteningOfCluster } from '../short-names.js';
import { levelName, type Outcome, unwrittenText, writtenText } from './baseline-written.js';
import type { TextStyle } from './check.js';
import { lostLines, plural } from './drop-reasons.js';
import { wrap, wrapWords } from './wrap.js';

function levelChange(before: Baseline, after: Baseline): string {
  const [from, to] = [levelName(before.level), levelName(after.level)];
  return from === to ? `The level stays ${from}.` : `The level goes from ${from} to ${to}.`;
}

/** What was written, or how it would be. */
function endOf(outcome: Outcome, way: string | undefined, style: TextStyle): string {
  return outcome.written.length > 0 ? writtenText(outcome, style) : unwrittenText(way, style);
}

/** A host that joins may cost what no task misses, or be a risk; neither is "without loss". */
function acceptance({ verdict, lost }: Join): string {
  if (verdict !== 'compatible') return 'joins, with the risks below';
  return lost.length > 0 ? 'joins; what is lost no task misses' : 'joins without loss';
}

const REFUSALS: Readonly<Record<Join['verdict'], string>> = {
  compatible: 'refused: the baseline would lose what tasks that run under it may use',
  'at-risk': 'refused: the baseline would lose what tasks that run under it may use',
  unknown: 'refused: too little is known to say that tasks under the baseline can go on there',
  incompatible: 'refused: tasks that run under the baseline could fail there',
};

/** `baseline --add HOST --to BASELINE`. */
export function joinText(join: Join, name: string, outcome: Outcome, style: TextStyle): string {
  const { colors, width } = style;
  const hosts = countHosts(join.after.cluster);
  const short = shorteningOfCluster(join.after.cluster);
  const isMissed = ({ feature }: Dropped) => lossSeverity(featureRow(feature)) !== 'info';
  const dropped = shortenDropped(join.lost, short);
  const unmissed = dropped.filter((one) => !isMissed(one));
  const verdict = join.accepted
    ? colors.green(acceptance(join))
    : colors.red(REFUSALS[join.verdict]);
  const counting = join.findings.filter(({ severity }) => severity !== 'info');
  const findings = SEVERITIES.flatMap((severity) =>
    groupFindings(counting.filter((one) => one.severity === severity)).flatMap((group) => [
      '',
      `  ${colors.cyan(group.code)} ${colors.dim(`(${severity})`)}`,
      ...(group.subjects.length === 0
        ? []
        : [wrapWords(group.subjects.map(labelOf), width, '    ')]),
      wrap(printable(group.effect), width, '    '),
    ]),
  );
  const section = (heading: string, texts: readonly string[]) =>
    texts.length === 0
      ? []
      : ['', colors.bold(heading), ...texts.map((text) => wrap(text, width, '  '))];
  const limits = join.accepted ? join.limits.map(({ effect }) => effect) : [];
  return `${[
    `${colors.bold(printable(name))}: ${verdict}`,
    levelChange(join.before, join.after),
    ...findings,
    ...lostLines('Lost', dropped.filter(isMissed), hosts, style),
    ...lostLines('Lost, but no task misses it', unmissed, hosts, style),
    ...section('New for tasks that start from now on', limits),
    ...section('What to do', advicesOf(counting)),
  ].join(
    '\n',
  )}\n${endOf(outcome, join.accepted ? '-o FILE writes the baseline with the host in it.' : undefined, style)}`;
}

/** `baseline --remove HOST --to BASELINE`. */
export function leaveText(leave: Leave, name: string, outcome: Outcome, style: TextStyle): string {
  const { colors, width } = style;
  const { gained, after, before } = leave;
  const size =
    after.xcr0 === 0n || after.areaBytes === undefined
      ? []
      : [
          `The XSAVE area stays ${after.areaBytes} bytes: tasks that run under the baseline count on it.`,
        ];
  return `${[
    gained.length === 0
      ? `Without ${colors.bold(printable(name))}: nothing is gained.`
      : `Without ${colors.bold(printable(name))}: + ${plural(gained.length, 'feature')}`,
    ...(gained.length === 0 ? [] : [wrapWords(gained.map(featureLabel), width, '  ')]),
    levelChange(before, after),
    ...size,
    ...(gained.length === 0
      ? []
      : [
          wrap(
            'Tasks that start under the new baseline may use what is gained: the host and its like must stay out.',
            width,
          ),
        ]),
  ].join('\n')}\n${endOf(outcome, '-o FILE writes the baseline without the host.', style)}`;
}
