import {
  COMPONENTS,
  type ComponentRow,
  featurePosition,
  isLegacyState,
  ROWS,
} from '../catalogue/index.js';
import type { Capabilities } from '../model/capabilities.js';
import { lossSeverity } from '../model/loss-severity.js';
import { USER_VISIBLE } from '../model/prerequisites.js';
import { ABSENT, PRESENT, presenceInMask, type StateComponent, UNKNOWN } from '../model/xsave.js';
import { isAboutInstructions } from './about.js';
import { RECORD } from './advice.js';
import type { Context } from './context.js';
import type { Found } from './finding.js';
import { rule } from './rule.js';

type Facts = {
  /** What isn't known, as the subject of a sentence. */
  readonly what: string;
  /** Of which hosts. */
  readonly hosts: readonly string[];
};

function missing(
  about: Pick<Found, 'feature' | 'component'>,
  what: string,
  hosts: readonly Capabilities[],
): Found<Facts> {
  return { severity: 'unknown', ...about, facts: { what, hosts: hosts.map(({ name }) => name) } };
}

/** Features whose loss would matter and can't be excluded. */
function features({ from, to }: Context): Found<Facts>[] {
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
      return missing({ feature: row.name }, `${row.title} (${featurePosition(row)})`, hosts);
    });
}

/** Components that the target may lack. */
function components({ from, to }: Context): Found<Facts>[] {
  return COMPONENTS.filter(
    (row: ComponentRow) => !isLegacyState(row.bit) && row.kind === 'user' && row.linux === 'yes',
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
      return missing({ component: row.name }, `whether the OS enables ${row.name} state`, hosts);
    });
}

function isPlaceless(component: StateComponent): boolean {
  return component.size === undefined || component.offset === undefined;
}

/** Shared components that lie at a place which one side doesn't tell. */
function layouts({ from, to }: Context): Found<Facts>[] {
  return from.xsave.components.flatMap((before) => {
    const after = to.xsave.components.find(({ bit }) => bit === before.bit);
    if (after === undefined || !(isPlaceless(before) || isPlaceless(after))) return [];
    const hosts = [...(isPlaceless(before) ? [from] : []), ...(isPlaceless(after) ? [to] : [])];
    return [
      missing({ component: before.name }, `the size or offset of ${before.name} state`, hosts),
    ];
  });
}

/** Sizes matter where programs may have sized buffers: where the source has XSAVE. */
function area({ from, to }: Context): Found<Facts>[] {
  if (from.effective('xsave') === ABSENT || to.xsave.areaBytes === 0) return [];
  const hosts = [from, to].filter((host) => host.xsave.areaBytes === undefined);
  return hosts.length === 0
    ? []
    : [missing({ component: 'xsave' }, 'the size of the XSAVE area', hosts)];
}

const NUMBERS = [
  ['the vendor', ({ vendor }: Capabilities) => vendor],
  ['the size of cache lines', ({ cacheLineBytes }: Capabilities) => cacheLineBytes],
  ['the width of linear addresses', ({ linearAddressBits }: Capabilities) => linearAddressBits],
] as const;

/** Where a named profile makes no claim there is nothing to miss. */
function numbers({ from, to }: Context): Found<Facts>[] {
  return NUMBERS.flatMap(([what, read]) => {
    const hosts = [from, to].filter((host) => read(host) === undefined);
    const isOpen = hosts.some(({ kind }) => kind === 'model');
    return hosts.length === 0 || isOpen ? [] : [missing({}, what, hosts)];
  });
}

/**
 * What the sources don't tell and a verdict would need. Only what could block or be a risk counts:
 * nobody has to know the hints of a CPU.
 */
export const dataMissing = rule({
  code: 'data-missing',
  reads: ['features', 'fields', 'component', 'area', 'numbers'],
  find: (context) =>
    [features, components, layouts, area, numbers].flatMap((part) => part(context)),
  sentence: ({ facts: { what, hosts } }) => `Unknown for ${hosts.join(' and ')}: ${what}.`,
  together: () => 'Not known for one or both hosts; each could be a blocker or a risk.',
  remedy: 'record',
  modes: {
    instructions: (found) => {
      if (isAboutInstructions(found)) return found.severity;
      // What isn't known may be lost, and its loss is a risk here; sizes and numbers don't count.
      const isAboutState = found.feature !== undefined || found.component !== undefined;
      return isAboutState && found.component !== 'xsave' ? 'risk' : 'info';
    },
  },
  severities: ['unknown'],
  when: 'something that could be a blocker or a risk is unknown',
  meaning: 'Missing data never becomes a yes: the verdict is unknown at best.',
  advice: RECORD,
});
