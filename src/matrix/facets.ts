/**
 * What a verdict depends on, in parts that rules look at one by one. Hosts have few different values
 * of a part, so the rules are asked about these instead of every pair of hosts. They are the rules of
 * a comparison themselves, shown nothing but the part.
 */
import { type FeatureName, type FeatureRow, ROWS } from '../catalogue/index.js';
import { judge, VERDICTS } from '../judge/verdict.js';
import type { Capabilities } from '../model/capabilities.js';
import { GLIBC_SAVES, savesOfRelease } from '../model/glibc-saves.js';
import { ALL_KNOWN_64, bitsOf, hasBit64 } from '../model/registers.js';
import { ABSENT, PRESENT, UNKNOWN } from '../model/xsave.js';
import type { HostPart } from '../rules/context.js';
import { SEVERITIES } from '../rules/finding.js';
import { type Finding, type FindingRule, RULES } from '../rules/index.js';
import { BLANK } from './blank.js';

/** A part of a host, as rules are shown it. */
export interface Facet {
  readonly part: HostPart;
  view(host: Capabilities): Partial<Capabilities>;
  /** Equal where the views are. */
  key(host: Capabilities): string;
}

/** Rules that look at a part and may find more than a note, which no verdict depends on. */
export function rulesOn(part: HostPart): readonly FindingRule[] {
  return RULES.filter(
    ({ reads, severities }) =>
      reads.includes(part) && severities.some((severity) => severity !== 'info'),
  );
}

/** Whether a verdict about a feature depends on it alone; not on a number, or on another feature. */
export function standsAlone({ bit, lossBeside }: FeatureRow): boolean {
  return typeof bit === 'number' && lossBeside === undefined;
}

const FIELD_ROWS = ROWS.filter((row) => !standsAlone(row));
const FIELDS = FIELD_ROWS.map((row) => row.name);
const NUMBERS = FIELD_ROWS.filter((row) => typeof row.bit !== 'number').map((row) => row.name);

/** Whether any of them is unknown, or the value of a number that is there. */
export function hasOpenField(host: Capabilities): boolean {
  return (
    FIELDS.some((name) => host.effective(name) === UNKNOWN) ||
    NUMBERS.some((name) => host.effective(name) === PRESENT && host.fieldValue(name) === undefined)
  );
}

const BESIDE = FIELD_ROWS.flatMap(({ lossBeside }) =>
  lossBeside === undefined ? [] : [lossBeside.feature as FeatureName],
);

function only(names: readonly FeatureName[], host: Capabilities): Capabilities['effective'] {
  return (name) => (names.includes(name) ? host.effective(name) : ABSENT);
}

function effectiveText(names: readonly FeatureName[], host: Capabilities): string {
  return names.map((name) => host.effective(name)).join();
}

const fields: Facet = {
  part: 'fields',
  view: (host) => {
    const effective = only(FIELDS, host);
    const hardware = (name: FeatureName) =>
      BESIDE.includes(name) ? host.hardware(name) : effective(name);
    return { effective, hardware, fieldValue: host.fieldValue };
  },
  key: (host) =>
    [
      effectiveText(FIELDS, host),
      ...NUMBERS.map((name) => host.fieldValue(name)),
      ...BESIDE.map((name) => host.hardware(name)),
    ].join(),
};

const AREA_FEATURES: readonly FeatureName[] = ['xsave', 'xsavec'];

const area: Facet = {
  part: 'area',
  view: (host) => ({
    effective: only(AREA_FEATURES, host),
    xsave: {
      ...BLANK.xsave,
      areaBytes: host.xsave.areaBytes,
      leastAreaBytes: host.xsave.leastAreaBytes,
    },
  }),
  key: (host) =>
    `${effectiveText(AREA_FEATURES, host)} ${host.xsave.areaBytes} ${host.xsave.leastAreaBytes}`,
};

/** Of glibc only which of its ways a release may have. */
function savesText({ system }: Capabilities): string {
  const saves = savesOfRelease(system.glibc?.version);
  return saves === undefined ? '?' : saves.map((save) => GLIBC_SAVES.indexOf(save)).join();
}

const packed: Facet = {
  part: 'packed',
  view: (host) => {
    const { enabled, components, shown } = host.xsave;
    const { glibc } = host.system;
    return {
      effective: only(AREA_FEATURES, host),
      xsave: { ...BLANK.xsave, enabled, components, shown },
      system: glibc === undefined ? {} : { glibc },
    };
  },
  key: (host) => {
    const { enabled, components, shown } = host.xsave;
    return [
      effectiveText(AREA_FEATURES, host),
      `${enabled.value} ${enabled.known}`,
      components.map(({ bit, size, aligned }) => `${bit},${size},${aligned}`).join(' '),
      shown
        .map(({ bit, size, aligned, isKnown }) => `${bit},${size},${aligned},${isKnown}`)
        .join(' '),
      savesText(host),
    ].join('\n');
  },
};

const signalFrame: Facet = {
  part: 'frame',
  view: ({ system: { minSigStackBytes } }) => ({
    system: minSigStackBytes === undefined ? {} : { minSigStackBytes },
  }),
  key: ({ system }) => `${system.minSigStackBytes}`,
};

const cpus: Facet = {
  part: 'cpus',
  // What differs matters, not on which CPUs.
  view: ({ differences }) => ({
    differences: differences.map(({ what }) => ({ what, having: [0], others: [1] })),
  }),
  key: ({ differences }) => JSON.stringify(differences.map(({ what }) => what)),
};

const unnamed: Facet = {
  part: 'unnamed',
  view: (host) => ({ unnamed: host.unnamed }),
  key: (host) => JSON.stringify([...host.unnamed]),
};

const numbers: Facet = {
  part: 'numbers',
  view: ({ kind, vendor, cacheLineBytes, linearAddressBits, physicalAddressBits }) => ({
    kind,
    vendor,
    cacheLineBytes,
    linearAddressBits,
    physicalAddressBits,
  }),
  key: (host) =>
    JSON.stringify([
      host.kind,
      host.vendor ?? null,
      host.cacheLineBytes ?? null,
      host.linearAddressBits ?? null,
      host.physicalAddressBits ?? null,
    ]),
};

/** Only where AMX counts; whether it does is another part's question. */
const tiles: Facet = {
  part: 'tiles',
  view: (host) => {
    if (host.effective('amx_tile') !== PRESENT) return {};
    const { kind, vendor, signature, tiles: geometry } = host;
    const effective = (name: FeatureName) => (name === 'amx_tile' ? PRESENT : ABSENT);
    return { kind, vendor: vendor ?? '', signature, effective, tiles: geometry };
  },
  key: ({ effective, kind, vendor, signature, tiles: geometry }) =>
    effective('amx_tile') === PRESENT
      ? JSON.stringify([kind, vendor ?? null, signature ?? null, geometry ?? null])
      : '',
};

const kernel: Facet = {
  part: 'kernel',
  view: ({ kernelFact }) => ({ kernelFact }),
  key: ({ kernelFact }) => `${kernelFact('ring3mwait')}`,
};

/** One state component, as if there were no other. */
function component(bit: number): Facet {
  const mask = 1n << BigInt(bit);
  const view = ({ xsave: { enabled, components } }: Capabilities) => ({
    xsave: {
      ...BLANK.xsave,
      enabled: {
        value: enabled.value & mask,
        known: (enabled.known & mask) | (ALL_KNOWN_64 & ~mask),
      },
      components: components.filter((one) => one.bit === bit),
    },
  });
  return {
    part: 'component',
    view,
    key: (host) => {
      const { enabled, components } = host.xsave;
      const place = components.find((one) => one.bit === bit);
      return (
        `${hasBit64(enabled.value, bit)} ${hasBit64(enabled.known, bit)} ` +
        `${place?.size} ${place?.offset} ${place?.aligned} ${place?.isAssumed} ${place !== undefined}`
      );
    },
  };
}

/** Named or not: XCR0 has 64 bits. */
const COMPONENT_BITS = bitsOf(ALL_KNOWN_64);

/** Facets whose keys are made of the same small part of a host are looked up by it, all at once. */
export interface FacetGroup {
  readonly facets: readonly Facet[];
  key(host: Capabilities): string;
}

function alone(facet: Facet): FacetGroup {
  return { facets: [facet], key: facet.key };
}

export const FACET_GROUPS: readonly FacetGroup[] = [
  ...[fields, area, packed, signalFrame, cpus, unnamed, numbers, tiles, kernel].map(alone),
  {
    facets: COMPONENT_BITS.map(component),
    key: ({ xsave: { enabled, components } }) =>
      `${enabled.value} ${enabled.known} ` +
      components
        .map((one) => `${one.bit},${one.size},${one.offset},${one.aligned},${one.isAssumed}`)
        .join(' '),
  },
];

/** Place in VERDICTS of what a severity alone comes to. */
const RANK_OF = Object.fromEntries(
  SEVERITIES.map((severity) => [severity, VERDICTS.indexOf(judge([{ severity }]))]),
);

/** What twins (rules/twins.ts) have in common, as a whole: their unknowns are judged together. */
export const TWIN_PARTS: readonly HostPart[] = [
  'features',
  'fields',
  'area',
  'packed',
  'component',
];

/** What a host is to its twin, of these parts; a place in VERDICTS. */
export function twinRank(host: Capabilities): number {
  const rules = RULES.filter(({ reads }) => TWIN_PARTS.some((part) => reads.includes(part)));
  return rankOf(rules.flatMap((rule) => rule.findings({ from: host, to: host })));
}

/** The worst of findings, as a place in VERDICTS. */
export function rankOf(findings: readonly Finding[]): number {
  return findings.reduce((worst, { severity }) => Math.max(worst, RANK_OF[severity] as number), 0);
}
