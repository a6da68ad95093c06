/**
 * A Baseline file: read back as the cluster that it was made of, and as a host that shows its tasks
 * just the baseline. The reader makes the baseline again from the hosts in the file: what doesn't
 * follow from them is an error.
 */
import {
  type Baseline,
  type BaselineOptions,
  baselineOf,
  countHosts,
  maskOfComponents,
  type XsaveSizes,
} from '../baseline/baseline.js';
import { type Cluster, ClusterFold, type ClusterGroup } from '../baseline/cluster.js';
import { type HostKind, kindId, kindKey } from '../baseline/host-kind.js';
import { type KernelBits, kernelBitsFrom, NO_KERNEL_BITS } from '../baseline/kernel-bits.js';
import { restoreFloors, restoreKind, type StoredBaseline } from '../baseline/stored.js';
import {
  COMPONENTS,
  type FeatureName,
  featureRow,
  isFeatureName,
  isLegacyState,
  neededState,
  type Register,
} from '../catalogue/index.js';
import validate from '../generated/baseline.js';
import { InputError } from '../model/errors.js';
import { mergeRows, rowsFromFeatures, vendorRow } from '../model/from-features.js';
import type { Host } from '../model/host.js';
import { type LeafRow, leafTable } from '../model/leaves.js';
import { countingPrerequisites, isUserVisible, USER_VISIBLE } from '../model/prerequisites.js';
import {
  ALL_KNOWN,
  ALL_KNOWN_64,
  bitsOf,
  fieldMask,
  hasBit64,
  NO_REGISTERS,
  split64,
} from '../model/registers.js';
import type { StateComponent } from '../model/xsave.js';
import { beginsWithBrace, type Format, type Input, malformed } from './format.js';
import { schemaError } from './schema-errors.js';

const KIND_ENTRY = /"kind"\s{0,20}:\s{0,20}"cpugate-baseline"/;
const SCHEMA_VERSION = 1;
const REMEDY = 'Make the baseline again with "cpugate baseline", from its hosts.';

export interface BaselineFile {
  readonly baseline: Baseline;
  readonly cluster: Cluster;
  /** What the file was made with; its sizes are floors. */
  readonly options: BaselineOptions;
}

function validated(input: Input): StoredBaseline {
  const value = input.json();
  if (value === undefined) throw malformed(input, `is not valid JSON: ${input.jsonError()}`);
  const version = (value as { schemaVersion?: unknown } | null)?.schemaVersion;
  if (typeof version === 'number' && version > SCHEMA_VERSION)
    throw new InputError('too-new', `was written by a newer cpugate (schemaVersion ${version})`, {
      place: { file: input.name },
      remedy: 'Update cpugate on this host.',
    });
  if (!validate(value)) throw schemaError(input, validate.errors, 'baseline');
  return value as StoredBaseline;
}

function isTold(value: unknown): boolean {
  return value !== undefined;
}

/** Who moves tasks under it goes by this. */
function claimsOfAcceptance(
  { accepts: said }: StoredBaseline,
  { accepts: follows }: Baseline,
): (readonly [at: string, said: string, follows: string])[] {
  if (said === undefined) return [];
  return (['vendors', 'cacheLineBytes', 'linearAddressBits'] as const).map((what) => [
    `/accepts/${what}`,
    said[what].join(', '),
    follows[what].join(', '),
  ]);
}

/** A reader of one file: each check says where it failed. */
class Reader {
  readonly #input: Input;

  constructor(input: Input) {
    this.#input = input;
  }

  fail(message: string, at: string): never {
    throw malformed(this.#input, message, { at }, REMEDY);
  }

  features(names: readonly string[], at: string): FeatureName[] {
    return names.map((name, place) => {
      if (!isFeatureName(name))
        this.fail(`this cpugate knows no feature "${name.slice(0, 60)}"`, `${at}/${place}`);
      if (!isUserVisible(name)) this.fail(`${name} is not visible to tasks`, `${at}/${place}`);
      return name;
    });
  }

  kernelBits({ kernel }: StoredBaseline['hosts'][number], at: string): KernelBits {
    if (kernel === undefined) return NO_KERNEL_BITS;
    const read = (list: 'had' | 'lacked') =>
      kernel[list].map((name, place) =>
        isFeatureName(name)
          ? name
          : this.fail(
              `this cpugate knows no feature "${name.slice(0, 60)}"`,
              `${at}/kernel/${list}/${place}`,
            ),
      );
    const bits = kernelBitsFrom({ had: read('had'), lacked: read('lacked') });
    if ((bits.had & bits.lacked) !== 0n)
      this.fail('lists a feature both as there and as missing', `${at}/kernel`);
    return bits;
  }

  /** As effective features are: with all that they need. */
  checkKind(kind: HostKind, at: string): void {
    const has = new Set(kind.features);
    const enabled = new Set(kind.components.map((one) => one.bit));
    for (const name of kind.features) {
      for (const needed of countingPrerequisites(name))
        if (!has.has(needed)) this.fail(`${name} is listed without ${needed}, which it needs`, at);
      for (const bit of neededState(featureRow(name)))
        if (!enabled.has(bit))
          this.fail(`${name} is listed without state component ${bit}, which it needs`, at);
    }
    for (const name of kind.unknown)
      if (has.has(name)) this.fail(`${name} is listed both as present and as unknown`, at);
    if (
      kind.onlyFeatures &&
      [kind.vendor, kind.cacheLineBytes, kind.linearAddressBits].some(isTold)
    )
      this.fail('is only features and has a vendor, cache lines or widths', at);
    this.checkXsave(kind, has, at);
  }

  checkXsave(kind: HostKind, has: ReadonlySet<FeatureName>, at: string): void {
    const bits = kind.components.map((one) => one.bit);
    this.checkComponents([...kind.components, ...kind.shown], at);
    if (kind.xcr0 !== undefined && bitsOf(BigInt(kind.xcr0)).join() !== bits.join())
      this.fail("xcr0 and components don't say the same", at);
    if ((kind.avx10Version !== undefined) > has.has('avx10_version'))
      this.fail('has an AVX10 version without avx10_version', at);
  }

  checkComponents(components: readonly StateComponent[], at: string): void {
    const bits = components.map((one) => one.bit);
    if (new Set(bits).size !== bits.length) this.fail('a component is given twice', at);
  }

  cluster(stored: StoredBaseline): Cluster {
    const common = this.features(stored.features, '/features');
    const fold = new ClusterFold();
    stored.hosts.forEach((hosts, place) => {
      const at = `/hosts/${place}`;
      const extra = this.features(hosts.extra, `${at}/extra`);
      const unknown = this.features(hosts.unknown, `${at}/unknown`);
      const kind = restoreKind(hosts, [...common, ...extra], unknown);
      this.checkKind(kind, at);
      // The baseline's features are each host's too: one added by hand would be added to all.
      if (kindId(kind) !== hosts.id) this.fail('the id does not match the host', `${at}/id`);
      const { count, names, glibc: glibcVersions } = hosts;
      const kernel = this.kernelBits(hosts, at);
      const group: ClusterGroup = { kind, count, names, glibcVersions, kernel };
      fold.addGroup(group, kindKey(kind));
    });
    return fold.finish();
  }

  /** What the file claims must be what its hosts give: tasks were started by it. */
  checkClaims(stored: StoredBaseline, baseline: Baseline): void {
    const claimed = new Set<string>(stored.features);
    const wrong = [
      ...baseline.features.filter((name) => !claimed.has(name)),
      ...stored.features.filter((name) => !baseline.features.some((one) => one === name)),
    ][0];
    if (wrong !== undefined) this.fail(`${wrong} doesn't follow from the hosts`, '/features');
    const claims: readonly (readonly [string, unknown, unknown])[] = [
      ['/level', stored.level, baseline.level ?? null],
      ['/avx10Version', stored.avx10Version, baseline.avx10Version ?? null],
      ['/xsave/xcr0', BigInt(stored.xsave.xcr0), baseline.xcr0],
      ['/xsave/size', stored.xsave.size, baseline.areaBytes ?? null],
      ['/xsave/compactedSize', stored.xsave.compactedSize, baseline.compactedBytes ?? null],
      ['/minSigStackBytes', stored.minSigStackBytes, baseline.minSigStackBytes ?? null],
      ...claimsOfAcceptance(stored, baseline),
    ];
    for (const [at, said, follows] of claims)
      if (said !== follows) this.fail(`doesn't follow from the hosts, which give ${follows}`, at);
  }
}

/** Throws InputError for what is no baseline, or none that follows from its hosts. */
export function readBaselineFile(input: Input): BaselineFile {
  const stored = validated(input);
  const reader = new Reader(input);
  const cluster = reader.cluster(stored);
  const floors = restoreFloors(stored.floors);
  reader.checkComponents(floors.subleaves ?? [], '/floors/subleaves');
  const options: BaselineOptions = {
    without: reader.features(stored.without, '/without'),
    keepLayoutConflicts: stored.keepLayoutConflicts,
    floors,
  };
  const baseline = { ...baselineOf(cluster, options), floors };
  reader.checkClaims(stored, baseline);
  return { baseline, cluster, options };
}

function told(value: number | undefined): number {
  return value === undefined ? 0 : ALL_KNOWN;
}

function row(
  leaf: number,
  subleaf: number,
  values: Partial<Record<Register, number | undefined>>,
): LeafRow {
  const [answer, known] = [{ ...NO_REGISTERS }, { ...NO_REGISTERS }];
  for (const register of Object.keys(values) as Register[]) {
    answer[register] = values[register] ?? 0;
    known[register] = told(values[register]);
  }
  return { leaf, subleaf, ...answer, known };
}

/** Of other components tasks may have seen the subleaf, or not, where the file doesn't say. */
function xsaveRows({ xcr0, components, floors, subleaves, ...sizes }: Baseline): LeafRow[] {
  if (xcr0 === 0n) return [];
  const hidden = (floors.subleaves ?? subleaves).filter(({ bit }) => !hasBit64(xcr0, bit));
  const { high, low } = split64(xcr0);
  const { areaBytes, offeredBytes, compactedBytes } = sizes satisfies Partial<XsaveSizes>;
  return [
    row(0xd, 0, { eax: low, edx: high, ebx: areaBytes, ecx: offeredBytes }),
    row(0xd, 1, { ebx: compactedBytes }),
    ...[...components.filter(({ bit }) => !isLegacyState(bit)), ...hidden].map(
      ({ bit, size, offset, aligned }) => {
        if (floors.subleaves === undefined && !hasBit64(xcr0, bit)) return row(0xd, bit, {});
        const ecx = aligned === undefined ? undefined : aligned ? 2 : 0;
        return row(0xd, bit, { eax: size, ebx: offset, ecx });
      },
    ),
  ];
}

function identityRows(baseline: Baseline): LeafRow[] {
  const { vendors, cacheLineBytes, linearAddressBits } = baseline;
  const rows: LeafRow[] = [];
  const [vendor] = vendors;
  if (vendors.length === 1 && vendor !== undefined && vendor !== 'unknown')
    rows.push(vendorRow(vendor));
  const part = (leaf: number, register: 'eax' | 'ebx', value: number) =>
    rows.push({
      ...NO_REGISTERS,
      leaf,
      subleaf: 0,
      [register]: value * 256,
      known: { ...NO_REGISTERS, [register]: fieldMask(15, 8) },
    });
  if (cacheLineBytes !== undefined) part(1, 'ebx', cacheLineBytes / 8);
  if (linearAddressBits !== undefined) part(0x80000008, 'eax', linearAddressBits);
  return rows;
}

/**
 * An untold size isn't that of the components: a host may enable more than the baseline has. So it
 * isn't told of all components that none but these is enabled; supervisor state is never in XCR0.
 */
function knownOfXcr0({ areaBytes, xcr0 }: Baseline): bigint {
  if (areaBytes !== undefined || xcr0 === 0n) return ALL_KNOWN_64;
  const supervisor = COMPONENTS.filter((row) => row.kind === 'supervisor');
  return ALL_KNOWN_64 & ~maskOfComponents(supervisor);
}

/** A host that shows its tasks what the baseline has, and the sizes that they count on. */
export function hostOfBaseline(name: string, baseline: Baseline): Host {
  const { avx10Version, minSigStackBytes } = baseline;
  const rows = mergeRows([
    ...rowsFromFeatures(
      new Set(baseline.features),
      (feature) => USER_VISIBLE.has(feature.class),
      new Map(avx10Version === undefined ? [] : [['avx10_version', avx10Version]]),
    ),
    ...identityRows(baseline),
    ...xsaveRows(baseline),
  ]);
  return {
    name,
    format: 'baseline',
    kind: 'model',
    cpus: [
      {
        logical: [0],
        leaves: leafTable(rows),
        xcr0: { value: baseline.xcr0, known: knownOfXcr0(baseline) },
      },
    ],
    ...(minSigStackBytes === undefined ? {} : { system: { minSigStackBytes } }),
    remarks: [
      `It stands for ${countHosts(baseline.cluster)} hosts; its sizes are those of the largest.`,
    ],
  };
}

export const baseline: Format = {
  name: 'baseline',
  title: 'baseline of a cluster',
  // Tools that sort an object's entries put "kind" behind the hosts.
  recognise: (input) =>
    beginsWithBrace(input) && (KIND_ENTRY.test(input.head) || KIND_ENTRY.test(input.text())),
  read: (input) => hostOfBaseline(input.name, readBaselineFile(input).baseline),
};
