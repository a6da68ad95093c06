/** Baselines for people: what is kept, what is given up and whose fault it is, what to expect. */
import {
  type Baseline,
  costsOf,
  countHosts,
  gainedIn,
  type HostCost,
} from '../../baseline/baseline.js';
import type { Requirement } from '../../baseline/explain-drop.js';
import { limitsOf } from '../../baseline/limits.js';
import type { Nearest } from '../../baseline/nearest.js';
import type { Pools } from '../../baseline/pools.js';
import { countVendors } from '../../baseline/stored.js';
import { type FeatureClass, type FeatureName, featureRow } from '../../catalogue/index.js';
import { hex } from '../../model/registers.js';
import { featureLabel } from '../feature-label.js';
import {
  nameShortly,
  type Shortening,
  shortenDropped,
  shorteningOfCluster,
} from '../short-names.js';
import type { TextStyle } from './check.js';
import { columns } from './columns.js';
import { lostGroups, lostLines, plural, reasonText, someNames } from './drop-reasons.js';
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
    ['Level', baseline.level ?? 'below x86-64-v1'],
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
  const names = someNames(group.names, group.count);
  if (gained.length === 0)
    return `${names}: removing ${group.count === 1 ? 'it' : 'them'} alone would gain nothing`;
  return `without ${names}: + ${shortFeatures(gained)}`;
}

function hostLines(baseline: Baseline, { colors, width }: TextStyle): string[] {
  const costs = costsOf(baseline.cluster, baseline.options);
  const hosts = countHosts(baseline.cluster);
  if (costs.length === 0) return hosts === 1 ? [] : ['', `All ${hosts} hosts are of one kind.`];
  const sorted = [...costs].sort((a, b) => b.gained.length - a.gained.length);
  const hidden = sorted.length - KINDS_SHOWN;
  return [
    '',
    colors.bold(`Hosts (${hosts}, of ${costs.length} kinds)`),
    ...sorted.slice(0, KINDS_SHOWN).map((cost) => wrap(costLine(cost), width, '  ')),
    ...(hidden > 0 ? [`  … ${plural(hidden, 'kind')} more; --json has all`] : []),
  ];
}

function limitLines(baseline: Baseline, { colors, width }: TextStyle): string[] {
  return [
    '',
    colors.bold("What a baseline can't give"),
    ...limitsOf(baseline).map(({ effect }) =>
      wrap(effect, width - 2, '    ').replace('    ', '  - '),
    ),
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

function requirementLines(
  required: readonly Requirement[],
  hosts: number,
  short: Shortening,
  { colors, width }: TextStyle,
): string[] {
  const lines = required.flatMap(({ name, met, missing }) => [
    `  ${met ? colors.green('kept') : colors.red('not kept')} ${name}`,
    ...lostGroups(shortenDropped(missing, short)).flatMap(({ names, because }) => [
      wrapWords(names.map(featureLabel), width, '    '),
      ...because.map((reason) => colors.dim(wrap(reasonText(reason, hosts), width, '      '))),
    ]),
  ]);
  return lines.length === 0 ? [] : ['', colors.bold('Required'), ...lines];
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
      const names = [...cluster.values()].flatMap((group) => group.names.map(short));
      const gained = gainedIn(baseline, ofAll);
      return wrap(
        `${place + 1}. ${someNames(names, hosts)} (${plural(hosts, 'host')}): ` +
          `${baseline.level ?? 'below x86-64-v1'}, ` +
          (gained.length === 0 ? 'no more than all' : `+ ${shortFeatures(gained)}`),
        width - 3,
        '     ',
      ).replace('     ', '  ');
    }),
    wrap(
      `Kept, in instruction-set features counted once a host: ${all} together` +
        steps
          .slice(1)
          .map(({ pools: count, gain }) => `, ${gain} more in ${count} pools`)
          .join('') +
        `; ${possible} with a pool for every kind.`,
      width,
      '  ',
    ),
  ];
}

/** `baseline` without --json. */
export function baselineText(
  made: Baseline,
  { nearest, required = [], pools }: Shown,
  style: TextStyle,
): string {
  const short = shorteningOfCluster(made.cluster);
  const baseline = nameShortly(made, short);
  const hosts = countHosts(baseline.cluster);
  const count = plural(baseline.features.length, 'feature');
  return `${[
    style.colors.bold(`Baseline of ${plural(hosts, 'host')}: ${count}`),
    columns(facts(baseline, nearest), style.width),
    ...keptLines(baseline, style),
    ...lostLines('Given up', baseline.dropped, hosts, style),
    ...untoldLines(baseline, style),
    ...hostLines(baseline, style),
    ...(pools === undefined ? [] : poolLines(pools, baseline, short, style)),
    ...limitLines(baseline, style),
    ...requirementLines(required, hosts, short, style),
  ].join('\n')}\n`;
}
