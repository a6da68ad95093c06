import {
  COMPONENTS,
  type ComponentRow,
  type FeatureName,
  featurePosition,
  isFeatureName,
  isLegacyState,
  ROWS,
} from '../catalogue/index.js';
import { KERNEL_FEATURES } from '../catalogue/synthetic-flags.js';
import type { Capabilities } from '../model/capabilities.js';
import { needsKernelsWord } from '../model/kernel-gives.js';
import { lossSeverity } from '../model/loss-severity.js';
import { USER_VISIBLE } from '../model/prerequisites.js';
import { ABSENT, isPlaceless, PRESENT, presenceInMask, UNKNOWN } from '../model/xsave.js';
import { isAboutInstructions } from './about.js';
import { RECORD } from './advice.js';
import type { Context } from './context.js';
import type { Found } from './finding.js';
import { rule } from './rule.js';
import { areTwins, isOneCpu } from './twins.js';

/**
 * - unknown: nothing speaks for the two being alike in it.
 * - kernel, guest: twins (twins.ts) whose kernels, or hypervisors, could differ in it.
 * - assumed: the place that CPUs of the model have, as which a guest shows itself.
 */
type Doubt = 'unknown' | 'kernel' | 'guest' | 'assumed';

type Facts = {
  /** What isn't known, as the subject of a sentence. */
  readonly what: string;
  /** Of which hosts. */
  readonly hosts: readonly string[];
  readonly doubt: Doubt;
};

function missing(
  about: Pick<Found, 'feature' | 'component'>,
  what: string,
  hosts: readonly Capabilities[],
  doubt: Doubt = 'unknown',
): Found<Facts> {
  return {
    severity: doubt === 'unknown' ? 'unknown' : 'risk',
    ...about,
    facts: { what, hosts: hosts.map(({ name }) => name), doubt },
  };
}

/** Whether the target has the field, and still may have less in it than tasks on the source count on. */
function mayFall(name: FeatureName, { from, to }: Context): boolean {
  const [before, after] = [from.fieldValue(name), to.fieldValue(name)];
  if (before === undefined || after === undefined) return true;
  // A lower number is a loss (losses.ts), unless it isn't known whether tasks on the source can use it.
  return from.effective(name) === UNKNOWN && after < before;
}

/** Features whose loss would matter and can't be excluded. */
function features(context: Context): Found<Facts>[] {
  const { from, to } = context;
  return ROWS.filter((row) => USER_VISIBLE.has(row.class) && lossSeverity(row) !== 'info')
    .filter((row) => {
      const [before, after] = [from.effective(row.name), to.effective(row.name)];
      if (before === ABSENT) return false;
      if (typeof row.bit !== 'number' && after === PRESENT) return mayFall(row.name, context);
      return before === PRESENT ? after === UNKNOWN : after !== PRESENT;
    })
    .map((row) => {
      // Of a field a source may tell a part: that it isn't 0, and not its value.
      const isOpen = (host: Capabilities) =>
        host.effective(row.name) === UNKNOWN ||
        (typeof row.bit !== 'number' && host.fieldValue(row.name) === undefined);
      const hosts = [from, to].filter(isOpen);
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

/** Shared components that lie at a place which one side doesn't tell, or which is assumed of it. */
function layouts({ from, to }: Context): Found<Facts>[] {
  return from.xsave.components.flatMap((before) => {
    const after = to.xsave.components.find(({ bit }) => bit === before.bit);
    if (after === undefined) return [];
    const sides = [
      { host: from, place: before },
      { host: to, place: after },
    ];
    const what = `the size or offset of ${before.name} state`;
    const open = sides.filter(({ place }) => isPlaceless(place));
    const assumed = sides.filter(({ place }) => place.isAssumed === true);
    const about = { component: before.name };
    const hostsOf = (some: typeof sides) => some.map(({ host }) => host);
    if (open.length > 0) return [missing(about, what, hostsOf(open))];
    return assumed.length > 0 ? [missing(about, what, hostsOf(assumed), 'assumed')] : [];
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

/** Where tasks use them on the source and can at the target. A named profile makes no claim; one CPU has one. */
function tiles({ from, to }: Context): Found<Facts>[] {
  if ([from, to].some((host) => host.kind === 'model' || host.effective('amx_tile') !== PRESENT))
    return [];
  const hosts = [from, to].filter((host) => host.tiles === undefined);
  return hosts.length === 0 || isOneCpu(from, to)
    ? []
    : [missing({ feature: 'amx_tile' }, 'the geometry of the tiles (leaves 0x1D and 0x1E)', hosts)];
}

/** What the kernel alone gives, and the target may not. */
function kernel({ from, to }: Context): Found<Facts>[] {
  return KERNEL_FEATURES.flatMap(({ name, note }) => {
    const [before, after] = [from.kernelFact(name), to.kernelFact(name)];
    if (before === ABSENT || after === PRESENT || (before === PRESENT && after === ABSENT))
      return [];
    const hosts = [from, to].filter((host) => host.kernelFact(name) === UNKNOWN);
    return [missing({ feature: name }, note, hosts)];
  });
}

const NUMBERS = [
  ['the vendor', ({ vendor }: Capabilities) => vendor],
  ['the size of cache lines', ({ cacheLineBytes }: Capabilities) => cacheLineBytes],
  ['the width of linear addresses', ({ linearAddressBits }: Capabilities) => linearAddressBits],
] as const;

/** On the metal; a hypervisor could show any number. */
function isOneRealCpu({ from, to }: Context): boolean {
  return from.isBareMetal === true && to.isBareMetal === true && isOneCpu(from, to);
}

/** Where a named profile makes no claim there is nothing to miss; and one CPU has lines of one size. */
function numbers(context: Context): Found<Facts>[] {
  const { from, to } = context;
  return NUMBERS.flatMap(([what, read]) => {
    if (what === 'the size of cache lines' && isOneRealCpu(context)) return [];
    const hosts = [from, to].filter((host) => read(host) === undefined);
    const isOpen = hosts.some(({ kind }) => kind === 'model');
    return hosts.length === 0 || isOpen ? [] : [missing({}, what, hosts)];
  });
}

/** What a kernel could have decided otherwise on the twin: what it gives to tasks, and XCR0. */
function isKernelsChoice({ feature, component }: Found<Facts>, { from }: Context): boolean {
  if (feature !== undefined) return isFeatureName(feature) && needsKernelsWord(feature);
  const row: ComponentRow | undefined = COMPONENTS.find(({ name }) => name === component);
  return row !== undefined && presenceInMask(from.xsave.enabled, row.bit) === UNKNOWN;
}

/** The same on twins where it is the CPU's own. Numbers are known of every CPU that calls itself one. */
function amongTwins(found: readonly Found<Facts>[], context: Context): Found<Facts>[] {
  const doubt = context.from.isBareMetal === true ? 'kernel' : 'guest';
  return found
    .filter((one) => doubt === 'guest' || one.severity === 'risk' || isKernelsChoice(one, context))
    .map((one) =>
      one.severity === 'risk' ? one : { ...one, severity: 'risk', facts: { ...one.facts, doubt } },
    );
}

function find(context: Context): Found<Facts>[] {
  // From a host to itself nothing can be lost.
  if (context.isOneRecord === true) return [];
  const settled = [features, components, layouts, area].flatMap((part) => part(context));
  const ours =
    settled.length > 0 && areTwins(context.from, context.to)
      ? amongTwins(settled, context)
      : settled;
  return [...ours, ...[tiles, kernel, numbers].flatMap((part) => part(context))];
}

/** Why it is no more than a risk. */
function reasonOf(doubt: Doubt, it: 'it' | 'these'): string {
  switch (doubt) {
    case 'kernel':
      return ` They are one CPU model and show the same; only their kernels could differ in ${it}.`;
    case 'guest':
      return ` They show one CPU model and the same features; a hypervisor could make them differ in ${it}.`;
    case 'unknown':
    case 'assumed':
      return '';
  }
}

function together({ facts: { doubt } }: Found<Facts>): string {
  if (doubt === 'unknown')
    return 'Not known for one or both hosts; each could be a blocker or a risk.';
  if (doubt === 'assumed')
    return 'Their places were not read: those of the model are assumed, as which a guest shows itself.';
  return `Not known for either host.${reasonOf(doubt, 'these')}`;
}

function sentence({ facts: { what, hosts, doubt } }: Found<Facts>): string {
  const names = hosts.join(' and ');
  if (doubt === 'assumed')
    return `Assumed for ${names}: ${what} is that of the model, as which it shows itself.`;
  return `Unknown for ${names}: ${what}.${reasonOf(doubt, 'it')}`;
}

/**
 * What the sources don't tell and a verdict would need. Only what could block or be a risk counts:
 * nobody has to know the hints of a CPU.
 */
export const dataMissing = rule({
  code: 'data-missing',
  reads: ['features', 'fields', 'component', 'area', 'numbers', 'tiles', 'kernel'],
  find,
  sentence,
  together,
  remedy: 'record',
  modes: {
    instructions: (found) => {
      if (isAboutInstructions(found)) return found.severity;
      // What isn't known may be lost, and its loss is a risk here; sizes and numbers don't count.
      const isAboutState = found.feature !== undefined || found.component !== undefined;
      return isAboutState && found.component !== 'xsave' ? 'risk' : 'info';
    },
  },
  severities: ['unknown', 'risk'],
  where:
    'risk between hosts of one CPU model that show the same, where only a kernel or a hypervisor could make a difference',
  when: 'something that could be a blocker or a risk is unknown',
  meaning: 'Missing data never becomes a yes.',
  advice: `${RECORD} Of a /proc/cpuinfo, --kernel VERSION tells more.`,
});
