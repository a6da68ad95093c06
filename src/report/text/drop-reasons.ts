/** Features that a baseline lacks, and why, for people. */
import type { Dropped, DropReason } from '../../baseline/drop-reasons.js';
import type { FeatureName } from '../../catalogue/index.js';
import { featureLabel } from '../feature-label.js';
import type { TextStyle } from './check.js';
import { wrap, wrapWords } from './wrap.js';

export const NAMES_SHOWN = 3;

export function plural(count: number, thing: string): string {
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
        ? hosts === 1
          ? 'the host lacks it'
          : `none of the ${hosts} hosts has it`
        : `${someNames(reason.hosts, reason.count)} (${reason.count} of ${hosts}) ${reason.count === 1 ? 'lacks' : 'lack'} it`;
    case 'unknown':
      return `unknown on ${someNames(reason.hosts, reason.count)} (${reason.count} of ${hosts}): record ${reason.count === 1 ? 'it' : 'them'} with "cpugate probe"`;
    case 'prerequisite':
      return `it needs ${featureLabel(reason.feature)}, which isn't in the baseline`;
    case 'layout':
      return `the layout of its ${reason.component} state differs: ${reason.places
        .map(
          ({ size, offset, aligned, hosts: names, count }) =>
            `${size} bytes at ${offset}${aligned ? ', aligned,' : ''} on ${someNames(names, count)}`,
        )
        .join('; ')}`;
    case 'layout-unknown':
      return `the layout of its ${reason.component} state is unknown on ${someNames(reason.hosts, reason.count)}`;
    case 'asked':
      return 'masked on request (--without)';
  }
}

interface LostGroup {
  readonly names: FeatureName[];
  readonly because: readonly DropReason[];
}

/**
 * Features that are given up for the same reasons stand together. That a feature's prerequisite is
 * gone as well is worth a word only where there is no other reason.
 */
export function lostGroups(dropped: readonly Dropped[]): LostGroup[] {
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

export function lostLines(
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
      wrapWords(names.map(featureLabel), width, '  '),
      ...because.map((reason) => colors.dim(wrap(reasonText(reason, hosts), width, '    '))),
    ]),
  ];
}
