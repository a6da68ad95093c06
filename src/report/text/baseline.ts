/** Baselines for people: what is kept, what is given up and whose fault it is, what to expect. */
import {
  type Baseline,
  costsOf,
  countHosts,
  gainedIn,
  type HostCost,
} from '../../baseline/baseline.js';
import type { Join, Leave } from '../../baseline/change.js';
import type { Dropped, DropReason } from '../../baseline/drop-reasons.js';
import type { Requirement, Why } from '../../baseline/explain-drop.js';
import { limitsOf } from '../../baseline/limits.js';
import type { Nearest } from '../../baseline/nearest.js';
import type { Pools } from '../../baseline/pools.js';
import { countVendors } from '../../baseline/stored.js';
import { type FeatureClass, type FeatureName, featureRow } from '../../catalogue/index.js';
import { hex } from '../../model/registers.js';
import {
  nameShortly,
  type Shortening,
  shortenDropped,
  shorteningOfCluster,
} from '../short-names.js';
import type { TextStyle } from './check.js';
import { columns } from './columns.js';
import { wrap } from './wrap.js';

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

const NAMES_SHOWN = 3;
const KINDS_SHOWN = 40;

function plural(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? '' : 's'}`;
}

/** "web-1, web-2, web-3 and 9 more". */
export function someNames(names: readonly string[], count: number): string {
  const shown = names.slice(0, NAMES_SHOWN);
  const rest = count - shown.length;
  if (shown.length === 0) return plural(count, 'host');
  return shown.join(', ') + (rest > 0 ? ` and ${rest} more` : '');
}

/** A reason in words; hosts: of how many. */
export function reasonText(reason: DropReason, hosts: number): string {
  switch (reason.kind) {
    case 'lacking':
      return reason.count === hosts
        ? `no host has it (${hosts})`
        : `${someNames(reason.hosts, reason.count)} (${reason.count} of ${hosts}) ${reason.count === 1 ? 'lacks' : 'lack'} it`;
    case 'unknown':
      return `not told by ${someNames(reason.hosts, reason.count)} (${reason.count} of ${hosts}); record with "cpugate probe"`;
    case 'prerequisite':
      return `it needs ${reason.feature}, which isn't in the baseline`;
    case 'layout':
      return `its state ${reason.component} lies in different places: ${reason.places
        .map(
          ({ size, offset, aligned, hosts: names, count }) =>
            `${size}@${offset}${aligned ? ' aligned' : ''} on ${someNames(names, count)}`,
        )
        .join('; ')}`;
    case 'layout-unknown':
      return `where its state ${reason.component} lies isn't told by ${someNames(reason.hosts, reason.count)}`;
    case 'asked':
      return 'you asked to mask it (--without)';
  }
}

/** The first that matter most: instructions before hints. */
function shortFeatures(names: readonly FeatureName[], most = 3): string {
  const weight = (name: FeatureName) =>
    CLASS_TITLES.findIndex(([wanted]) => wanted === featureRow(name).class);
  const shown = [...names]
    .sort((a, b) => weight(a) - weight(b))
    .slice(0, most)
    .join(' ');
  return names.length > most ? `${shown} … ${names.length} features` : shown;
}

function xsaveText(baseline: Baseline): string {
  if (baseline.xcr0 === 0n) return 'none';
  const area = baseline.areaBytes === undefined ? 'size not told' : `${baseline.areaBytes} bytes`;
  const names = baseline.components.map(({ name }) => name).join(' ');
  return `XCR0 ${hex(baseline.xcr0)} (${names}), ${area}`;
}

function nearestText({ name, title, plus, minus }: Nearest): string {
  const delta = [
    plus.length > 0 ? `with ${plus.join(' ')}` : '',
    minus.length > 0 ? `without ${minus.join(' ')}` : '',
  ].filter((part) => part !== '');
  return `${name} (${title})${delta.length === 0 ? ', exactly' : `, ${delta.join(', ')}`}`;
}

function facts(baseline: Baseline, nearest: Nearest | undefined): string[][] {
  const vendors = countVendors(baseline).map(
    ({ vendor, hosts }) => `${vendor ?? 'not told'} (${hosts})`,
  );
  const rows: (readonly [string, string | undefined])[] = [
    ['Level', baseline.level ?? 'below x86-64-v1'],
    ['XSAVE', xsaveText(baseline)],
    ['AVX10', baseline.avx10Version === undefined ? undefined : `version ${baseline.avx10Version}`],
    ['Vendors', vendors.join(', ')],
    ['Nearest', nearest === undefined ? undefined : nearestText(nearest)],
  ];
  return rows.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
}

function keptLines(baseline: Baseline, { colors, width }: TextStyle): string[] {
  return CLASS_TITLES.flatMap(([wanted, title]) => {
    const names = baseline.features.filter((name) => featureRow(name).class === wanted);
    if (names.length === 0) return [];
    return ['', colors.bold(`${title} (${names.length})`), wrap(names.join(' '), width, '  ')];
  });
}

interface LostGroup {
  readonly names: FeatureName[];
  readonly because: readonly DropReason[];
}

/**
 * Features that are given up for the same reasons stand together. That a feature's prerequisite is
 * gone as well is worth a word only where there is no other reason.
 */
function lostGroups(dropped: readonly Dropped[]): LostGroup[] {
  const groups = new Map<string, LostGroup>();
  for (const { feature, because } of dropped) {
    const own = because.filter(({ kind }) => kind !== 'prerequisite');
    const shown = own.length > 0 ? own : [...because];
    const key = JSON.stringify(shown);
    const group = groups.get(key) ?? { names: [], because: shown };
    group.names.push(feature);
    groups.set(key, group);
  }
  return [...groups.values()];
}

function lostLines(
  title: string,
  dropped: readonly Dropped[],
  hosts: number,
  { colors, width }: TextStyle,
): string[] {
  if (dropped.length === 0) return [];
  return [
    '',
    colors.bold(`${title} (${dropped.length})`),
    ...lostGroups(dropped).flatMap(({ names, because }) => [
      wrap(names.join(' '), width, '  '),
      ...because.map((reason) => colors.dim(wrap(reasonText(reason, hosts), width, '    '))),
    ]),
  ];
}

function costLine({ group, gained }: HostCost): string {
  const names = someNames(group.names, group.count);
  if (gained.length === 0) return `${names}: costs nothing alone`;
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
    colors.bold(`Not told by some hosts, and on none known (${untold.length})`),
    wrap(untold.join(' '), width, '  '),
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
      wrap(names.join(' '), width, '    '),
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

function levelChange(before: Baseline, after: Baseline): string {
  const [from, to] = [before.level ?? 'below x86-64-v1', after.level ?? 'below x86-64-v1'];
  return from === to ? `The level stays ${from}.` : `The level goes from ${from} to ${to}.`;
}

/** `baseline --add HOST --to BASELINE`. */
export function joinText(join: Join, name: string, style: TextStyle): string {
  const { colors, width } = style;
  const hosts = countHosts(join.after.cluster);
  const short = shorteningOfCluster(join.after.cluster);
  const verdict = join.accepted
    ? colors.green('joins without loss')
    : colors.red('refused: tasks that run under the baseline could fail there');
  const findings = join.findings.flatMap(({ code, severity, effect, remedy }) => [
    '',
    `  ${colors.cyan(code)}${severity === 'risk' ? colors.dim(' (risk)') : ''}`,
    wrap(effect, width, '    '),
    wrap(remedy, width, '    '),
  ]);
  return `${[
    `${colors.bold(name)}: ${verdict}`,
    levelChange(join.before, join.after),
    ...findings,
    ...lostLines('Lost', shortenDropped(join.lost, short), hosts, style),
  ].join('\n')}\n`;
}

/** `baseline --remove HOST --to BASELINE`. */
export function leaveText(leave: Leave, name: string, style: TextStyle): string {
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
      ? `Without ${colors.bold(name)}: nothing is gained.`
      : `Without ${colors.bold(name)}: + ${plural(gained.length, 'feature')}`,
    ...(gained.length === 0 ? [] : [wrap(gained.join(' '), width, '  ')]),
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
  ].join('\n')}\n`;
}

function whyLines(why: Why, indent: string, { width }: TextStyle): string[] {
  return why.because.flatMap((reason) => {
    const line = wrap(reasonText(reason, why.hosts), width, indent);
    if (reason.kind !== 'prerequisite') return [line];
    const deeper = why.prerequisites.find(({ feature }) => feature === reason.feature);
    if (deeper === undefined) return [`${line} (see above)`];
    return [`${line}:`, ...whyLines(deeper, `${indent}  `, { width } as TextStyle)];
  });
}

/** `explain --why FEATURE BASELINE`. */
export function whyText(why: Why, name: string, style: TextStyle): string {
  const { colors } = style;
  const title = `${colors.bold(why.feature)}  ${featureRow(why.feature).title}`;
  if (why.kept) return `${title}\nIs in ${name}: all ${plural(why.hosts, 'host')} have it.\n`;
  return `${[
    title,
    `Isn't in ${name}; ${why.having} of ${plural(why.hosts, 'host')} ${why.having === 1 ? 'has' : 'have'} it.`,
    ...whyLines(why, '  ', style),
  ].join('\n')}\n`;
}
