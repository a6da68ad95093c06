import { COMPONENTS, type ComponentRow, featurePosition, ROWS } from '../../catalogue/index.js';
import type { Capabilities } from '../../model/capabilities.js';
import { lossSeverity } from '../../model/loss-severity.js';
import { USER_VISIBLE } from '../../model/prerequisites.js';
import {
  ABSENT,
  PRESENT,
  presenceInMask,
  type StateComponent,
  UNKNOWN,
} from '../../model/xsave.js';
import type { Finding, Rule } from '../finding.js';

function missing(about: Partial<Finding>, effect: string): Finding {
  return { code: 'data-missing', severity: 'unknown', ...about, effect, remedy: 'none' };
}

function nameOf(unknown: readonly Capabilities[]): string {
  return unknown.map((host) => host.name).join(' and ');
}

/** Features whose loss would matter and can't be excluded. */
function features(from: Capabilities, to: Capabilities): Finding[] {
  return ROWS.filter((row) => USER_VISIBLE.has(row.class) && lossSeverity(row) !== 'info')
    .filter((row) => {
      const [before, after] = [from.effective(row.name), to.effective(row.name)];
      if (before === ABSENT) return false;
      if (typeof row.bit !== 'number' && after === PRESENT)
        return from.fieldValue(row.name) === undefined || to.fieldValue(row.name) === undefined;
      return before === PRESENT ? after === UNKNOWN : after !== PRESENT;
    })
    .map((row) => {
      const hosts = [from, to].filter((host) => host.effective(row.name) === UNKNOWN);
      return missing(
        { feature: row.name },
        `Unknown for ${nameOf(hosts)}: ${row.title} (${featurePosition(row)}).`,
      );
    });
}

/** Components that the target may lack. */
function components(from: Capabilities, to: Capabilities): Finding[] {
  return COMPONENTS.filter(
    (row: ComponentRow) => row.bit >= 2 && row.kind === 'user' && row.linux === 'yes',
  )
    .filter((row) => {
      const before = presenceInMask(from.xsave.enabled, row.bit);
      const after = presenceInMask(to.xsave.enabled, row.bit);
      return before !== ABSENT && after !== PRESENT && (before === UNKNOWN || after === UNKNOWN);
    })
    .map((row) => {
      const hosts = [from, to].filter(
        (host) => presenceInMask(host.xsave.enabled, row.bit) === UNKNOWN,
      );
      return missing(
        { component: row.name },
        `Whether the OS enables ${row.name} state is unknown for ${nameOf(hosts)}.`,
      );
    });
}

function isPlaceless(component: StateComponent | undefined): boolean {
  return component?.size === undefined || component.offset === undefined;
}

/** Shared components that lie at a place which one side doesn't tell. */
function layouts(from: Capabilities, to: Capabilities): Finding[] {
  return from.xsave.components.flatMap((before) => {
    const after = to.xsave.components.find(({ bit }) => bit === before.bit);
    if (after === undefined || !(isPlaceless(before) || isPlaceless(after))) return [];
    const hosts = [...(isPlaceless(before) ? [from] : []), ...(isPlaceless(after) ? [to] : [])];
    return [
      missing(
        { component: before.name },
        `The size or offset of ${before.name} state is unknown for ${nameOf(hosts)}.`,
      ),
    ];
  });
}

/** Sizes matter where programs may have sized buffers: where the source has XSAVE. */
function area(from: Capabilities, to: Capabilities): Finding[] {
  if (from.effective('xsave') === ABSENT || to.xsave.areaBytes === 0) return [];
  const hosts = [from, to].filter((host) => host.xsave.areaBytes === undefined);
  if (hosts.length === 0) return [];
  return [
    missing({ component: 'xsave' }, `The size of the XSAVE area is unknown for ${nameOf(hosts)}.`),
  ];
}

/** A named profile makes no claim about these, and none is missed. */
function numbers(from: Capabilities, to: Capabilities): Finding[] {
  if (from.kind === 'model' || to.kind === 'model') return [];
  const facts = [
    ['The vendor', (host: Capabilities) => host.vendor],
    ['The size of cache lines', (host: Capabilities) => host.cacheLineBytes],
    ['The width of linear addresses', (host: Capabilities) => host.linearAddressBits],
  ] as const;
  return facts.flatMap(([what, read]) => {
    const hosts = [from, to].filter((host) => read(host) === undefined);
    return hosts.length === 0 ? [] : [missing({}, `${what} is unknown for ${nameOf(hosts)}.`)];
  });
}

/** Each looks at another part of the hosts. */
export const MISSING_PARTS: Readonly<
  Record<'features' | 'components' | 'layouts' | 'area' | 'numbers', Rule>
> = { features, components, layouts, area, numbers };

/**
 * What the sources don't tell and a verdict would need. Only what could block or be a risk counts:
 * nobody has to know the hints of a CPU.
 */
export const dataMissing: Rule = (from, to) =>
  Object.values(MISSING_PARTS).flatMap((part) => part(from, to));
