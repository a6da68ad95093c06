/** Baselines for people: what is kept, what is given up and whose fault it is, what to expect. */

import { AGREEMENTS } from '../../baseline/agreements.js';
import {
  type Baseline,
  costsOf,
  countHosts,
  gainedIn,
  type HostCost,
} from '../../baseline/baseline.js';
import { firstNames } from '../../baseline/cluster.js';
import type { Requirement } from '../../baseline/explain-drop.js';
import { limitsOf, sizelessGroups, sizeRemedy } from '../../baseline/limits.js';
import type { Nearest } from '../../baseline/nearest.js';
import type { Pools } from '../../baseline/pools.js';
import { countVendors } from '../../baseline/stored.js';
import { type FeatureClass, type FeatureName, featureRow } from '../../catalogue/index.js';
import { isAreaUnknown } from '../../mask/xsave-rows.js';
import { hex } from '../../model/registers.js';
import { featureLabel } from '../feature-label.js';
import {
  nameShortly,
  type Shortening,
  shortenDropped,
  shorteningOfCluster,
} from '../short-names.js';
import { levelName, type Outcome, unwrittenText, writtenText } from './baseline-written.js';
import type { TextStyle } from './check.js';
import { columns } from './columns.js';
import {
  lostGroups,
  lostLines,
  NAMES_SHOWN,
  plural,
  reasonText,
  someNames,
} from './drop-reasons.js';
import { wrap, wrapWords } from './wrap.js';

const CLASS_TITLES: readonly (readonly [FeatureClass, string])[] = [
  ['isa', 'Instructions'],
  ['state', 'State'],
  ['kernel_user', 'Set up by the kernel'],
  ['hint', 'Hints'],
];

/** What stands beside the baseline. */
export interface Shown {
  readonly nearest?: Nearest | undefined;
  readonly required?: readonly Requirement[];
  readonly pools?: Pools | undefined;
  /** What was written where all requirements are met. */
  readonly outcome?: Outcome | undefined;
}

const KINDS_SHOWN = 40;

/** The first that matter most: instructions before hints. */
function shortFeatures(names: readonly FeatureName[], most = 3): string {
  const weight = (name: FeatureName) =>
    CLASS_TITLES.findIndex(([wanted]) => wanted === featureRow(name).class);
  const shown = [...names]
    .sort((a, b) => weight(a) - weight(b))
    .slice(0, most)
    .map(featureLabel)
    .join(' ');
  return names.length > most ? `${shown} … ${names.length} features` : shown;
}

function xsaveText(baseline: Baseline): string {
  if (baseline.xcr0 === 0n) return 'none';
  const area = baseline.areaBytes === undefined ? 'size unknown' : `${baseline.areaBytes} bytes`;
  const names = baseline.components.map(({ name }) => name).join(' ');
  return `XCR0 ${hex(baseline.xcr0)} (${names}), ${area}`;
}

function nearestText({ name, title, plus, minus }: Nearest): string {
  const delta = [
    plus.length > 0 ? `with ${plus.map(featureLabel).join(' ')}` : '',
    minus.length > 0 ? `without ${minus.map(featureLabel).join(' ')}` : '',
  ].filter((part) => part !== '');
  return `${name} (${title})${delta.length === 0 ? ', exactly' : `, ${delta.join(', ')}`}`;
}

function facts(baseline: Baseline, nearest: Nearest | undefined): string[][] {
  const vendors = countVendors(baseline).map(
    ({ vendor, hosts }) => `${vendor ?? 'unknown'} (${plural(hosts, 'host')})`,
  );
  const rows: (readonly [string, string | undefined])[] = [
    ['Level', levelName(baseline.level)],
    ['XSAVE', xsaveText(baseline)],
    ['AVX10', baseline.avx10Version === undefined ? undefined : `version ${baseline.avx10Version}`],
    ['Vendors', vendors.join(', ')],
    ['Nearest CPU model', nearest === undefined ? undefined : nearestText(nearest)],
  ];
  return rows.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
}

function keptLines(baseline: Baseline, { colors, width }: TextStyle): string[] {
  return CLASS_TITLES.flatMap(([wanted, title]) => {
    const names = baseline.features.filter((name) => featureRow(name).class === wanted);
    if (names.length === 0) return [];
    return [
      '',
      colors.bold(`${title} (${names.length})`),
      wrapWords(names.map(featureLabel), width, '  '),
    ];
  });
}

function costLine({ group, gained }: HostCost): string {
  return `without ${someNames(group.names, group.count)}: + ${shortFeatures(gained)}`;
}

/** All in one line: there may be hundreds of them. */
function freeLine(costs: readonly HostCost[]): string {
  const groups = costs.map(({ group }) => group);
  const count = groups.reduce((sum, group) => sum + group.count, 0);
  const names = someNames(firstNames(groups, NAMES_SHOWN), count);
  const which =
    costs.length > 1 ? `any one of these ${costs.length} kinds` : count === 1 ? 'it' : 'them';
  return `${names}: removing ${which} alone would gain nothing`;
}

function hostLines(baseline: Baseline, { colors, width }: TextStyle): string[] {
  const costs = costsOf(baseline.cluster, baseline.options);
  const hosts = countHosts(baseline.cluster);
  if (costs.length === 0) return hosts === 1 ? [] : ['', `All ${hosts} hosts are of one kind.`];
  const free = costs.filter(({ gained }) => gained.length === 0);
  const costly = costs
    .filter(({ gained }) => gained.length > 0)
    .sort((a, b) => b.gained.length - a.gained.length);
  const hidden = costly.length - KINDS_SHOWN;
  return [
    '',
    colors.bold(`Hosts (${hosts}, of ${costs.length} kinds)`),
    ...costly.slice(0, KINDS_SHOWN).map((cost) => wrap(costLine(cost), width, '  ')),
    ...(hidden > 0 ? [`  … ${plural(hidden, 'kind')} more; --json has all`] : []),
    ...(free.length > 0 ? [wrap(freeLine(free), width, '  ')] : []),
  ];
}

function listItem(text: string, width: number): string {
  return wrap(text, width - 2, '    ').replace('    ', '  - ');
}

/** What was accepted with these hosts, and how to refuse it. */
function acceptedLines(baseline: Baseline, { colors, width }: TextStyle): string[] {
  const accepted = limitsOf(baseline).flatMap(({ code, effect }) => {
    const agreement = AGREEMENTS.find((one) => one.code === code);
    return agreement === undefined ? [] : [`${effect} (--require ${agreement.name} refuses this.)`];
  });
  if (accepted.length === 0) return [];
  return [
    '',
    colors.bold(
      'Accepted with these hosts: no mask hides it, and moves between them are not held up by it',
    ),
    ...accepted.map((text) => listItem(text, width)),
  ];
}

function limitLines(baseline: Baseline, { colors, width }: TextStyle): string[] {
  // What stands elsewhere already isn't said twice.
  const limits = limitsOf(baseline).filter(
    ({ code }) =>
      !AGREEMENTS.some((one) => one.code === code) &&
      (code !== 'sizes-unknown' || !isAreaUnknown(baseline)),
  );
  return [
    '',
    colors.bold("What a baseline can't give"),
    ...limits.map(({ effect }) => listItem(effect, width)),
  ];
}

function untoldLines(baseline: Baseline, { colors, width }: TextStyle): string[] {
  const { untold } = baseline;
  if (untold.length === 0) return [];
  return [
    '',
    colors.bold(`Unknown for some hosts, absent on all others (${untold.length})`),
    wrapWords(untold.map(featureLabel), width, '  '),
  ];
}

function statusOf(
  { met, word }: { readonly met: boolean; readonly word: string },
  colors: TextStyle['colors'],
): string {
  return met ? colors.green(word) : colors.red(`not ${word}`);
}

function requirementLines(
  required: readonly Requirement[],
  hosts: number,
  short: Shortening,
  { colors, width }: TextStyle,
): string[] {
  const lines = required.flatMap(({ name, met, missing, values }) => [
    `  ${statusOf({ met, word: values === undefined ? 'kept' : 'met' }, colors)} ${name}`,
    ...(values ?? []).map(({ value, hosts: names, count }) =>
      wrap(
        `${value ?? 'unknown'}: ${someNames(names.map(short), count)} (${count} of ${hosts})`,
        width,
        '    ',
      ),
    ),
    ...lostGroups(shortenDropped(missing, short)).flatMap(({ names, because }) => [
      wrapWords(names.map(featureLabel), width, '    '),
      ...because.map((reason) => colors.dim(wrap(reasonText(reason, hosts), width, '      '))),
    ]),
  ]);
  return lines.length === 0 ? [] : [colors.bold('Required'), ...lines];
}

function poolLines(
  { pools, steps, possible }: Pools,
  ofAll: Baseline,
  short: Shortening,
  { colors, width }: TextStyle,
): string[] {
  const all = steps[0]?.objective ?? 0;
  return [
    '',
    colors.bold(`Pools (${pools.length})`),
    ...pools.map(({ cluster, baseline }, place) => {
      const hosts = countHosts(cluster);
      const names = firstNames(cluster.values(), NAMES_SHOWN).map(short);
      const gained = gainedIn(baseline, ofAll);
      return wrap(
        `${place + 1}. ${someNames(names, hosts)} (${plural(hosts, 'host')}): ` +
          `${levelName(baseline.level)}, ` +
          (gained.length === 0 ? 'no more than all hosts share' : `+ ${shortFeatures(gained)}`),
        width - 3,
        '     ',
      ).replace('     ', '  ');
    }),
    wrap(
      `Instruction-set features kept, summed over all hosts: ${all} under one baseline` +
        steps
          .slice(1)
          .map(({ pools: count, gain }) => `, ${gain} more with ${count} pools`)
          .join('') +
        `; ${possible} with a pool for every kind of hosts.`,
      width,
      '  ',
    ),
  ];
}

/** Why tasks can't be put under it, whatever else it is good for. */
function unmaskableLines(baseline: Baseline, { colors, width }: TextStyle): string[] {
  if (!isAreaUnknown(baseline)) return [];
  const silent = sizelessGroups(baseline.cluster);
  const count = silent.reduce((sum, group) => sum + group.count, 0);
  const names = someNames(firstNames(silent, NAMES_SHOWN), count);
  return [
    colors.red('No mask can be made of this baseline'),
    wrap(
      `The size of the XSAVE area is unknown on ${names} (${count} of ${countHosts(baseline.cluster)}), ` +
        `and a task that is shown too small a size overruns its buffer. ${sizeRemedy(baseline.cluster)}`,
      width,
      '  ',
    ),
    '',
  ];
}

function unmetText(required: readonly Requirement[]): string {
  return required.some(({ met, values }) => !met && values !== undefined)
    ? 'The hosts fall short of what --require asks for.'
    : 'The baseline lacks what --require asks for.';
}

/** `baseline` without --json. */
export function baselineText(
  made: Baseline,
  { nearest, required = [], pools, outcome = { written: [] } }: Shown,
  style: TextStyle,
): string {
  const short = shorteningOfCluster(made.cluster);
  const baseline = nameShortly(made, short);
  const hosts = countHosts(baseline.cluster);
  const count = plural(baseline.features.length, 'feature');
  const isMet = required.every(({ met }) => met);
  const requirements = requirementLines(required, hosts, short, style);
  const lines = [
    ...(isMet ? [] : [...requirements, '']),
    ...unmaskableLines(baseline, style),
    style.colors.bold(`Baseline of ${plural(hosts, 'host')}: ${count}`),
    columns(facts(baseline, nearest), style.width),
    ...keptLines(baseline, style),
    ...lostLines('Given up', baseline.dropped, hosts, style),
    ...untoldLines(baseline, style),
    ...hostLines(baseline, style),
    ...(pools === undefined ? [] : poolLines(pools, baseline, short, style)),
    ...acceptedLines(baseline, style),
    ...limitLines(baseline, style),
    ...(isMet && requirements.length > 0 ? ['', ...requirements] : []),
  ];
  const end = isMet ? writtenText(outcome, style) : unwrittenText(unmetText(required), style);
  return `${lines.join('\n')}\n${end}`;
}
