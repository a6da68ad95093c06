/**
 * Nodes of Kubernetes with labels of Node Feature Discovery, as "kubectl get node NAME -o json" and
 * "kubectl get nodes -o json" print them: each node is a host. Source: its source/cpu (cpu.go), and the
 * library that it reads CPUID with (github.com/klauspost/cpuid: support()).
 *
 * A label says that the flag is there. One that is missing says that it isn't, where that release knew
 * the flag and doesn't keep it from labels by default. A NodeFeature (nfd.k8s-sigs.io/v1alpha1) has all flags
 * that were found, kept from labels or not. Which labels are kept back can be configured, and
 * a node doesn't tell; so nothing is taken for absent unless the labels are there that every x86-64 CPU has.
 */
import { type FeatureName, LEVELS } from '../catalogue/index.js';
import {
  FEATURE_OF_FLAG,
  hasLabelByDefault,
  LABEL_PREFIX,
  NEVER_SET,
  NFD_RELEASES,
  readFlag,
} from '../catalogue/nfd-labels.js';
import validate from '../generated/kubernetes-nodes.js';
import { InputError } from '../model/errors.js';
import {
  encodeSignature,
  mergeRows,
  rowsFromFeatures,
  vendorRow,
  xcr0FromFeatures,
} from '../model/from-features.js';
import type { Host } from '../model/host.js';
import { type LeafRow, leafTable } from '../model/leaves.js';
import { NO_REGISTERS } from '../model/registers.js';
import { isSince } from '../model/release.js';
import { FAMILY_AND_MODEL } from '../model/signature.js';
import { beginsWithBrace, type Format, type Input, malformed } from './format.js';
import { KUBERNETES_KIND } from './kubernetes-kinds.js';
import { schemaError } from './schema-errors.js';

interface Node {
  readonly kind?: string;
  readonly metadata?: {
    readonly name?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  /** Of a NodeFeature: what Node Feature Discovery found on a node, before it chose labels. */
  readonly spec?: {
    readonly features?: {
      readonly flags?: Readonly<
        Record<string, { readonly elements?: Readonly<Record<string, unknown>> }>
      >;
      readonly attributes?: Readonly<
        Record<string, { readonly elements?: Readonly<Record<string, string>> }>
      >;
    };
  };
  readonly status?: {
    readonly nodeInfo?: { readonly architecture?: string; readonly kernelVersion?: string };
  };
}

interface Nodes extends Node {
  readonly items?: readonly Node[];
}

const FLAG_PREFIX = `${LABEL_PREFIX}cpu-cpuid.`;
const MODEL_PREFIX = `${LABEL_PREFIX}cpu-model.`;
const NODE_FEATURE = 'NodeFeature';
const WORKER_VERSION = 'nfd.node.kubernetes.io/worker.version';

/** Every x86-64 CPU has them, and they have labels by default: without them a configuration was changed. */
const ON_EVERY_CPU = ['X87', 'CMPXCHG8', 'FXSR'];

/** As the library names vendors, and CPUID's twelve letters. */
const VENDORS: ReadonlyMap<string, string> = new Map([
  ['Intel', 'GenuineIntel'],
  ['AMD', 'AuthenticAMD'],
  ['Hygon', 'HygonGenuine'],
]);

/** Flags that are set only where the system enables their state, which they so tell of. */
const SHOW_STATE: ReadonlySet<FeatureName> = new Set(['xsave', 'avx', 'avx512f']);
/** Asked for only where the system enables the state of AVX-512, which isn't their own. */
const BEHIND_AVX512 = ['AMXBF16', 'AMXTILE', 'AMXINT8', 'AMXFP16'];

/** What a node's labels and a NodeFeature's lists have in common. */
const NODE_NAME = 'nfd.node.kubernetes.io/node-name';

/** A NodeFeature in the shape of a node; its flags are all that were found. */
function asNode({ kind, metadata, spec }: Node): Node {
  const { flags, attributes } = spec?.features ?? {};
  const found = flags !== undefined && Object.hasOwn(flags, 'cpu.cpuid') ? flags['cpu.cpuid'] : {};
  const attribute = (set: string) =>
    (attributes !== undefined && Object.hasOwn(attributes, set) ? attributes[set] : undefined)
      ?.elements ?? {};
  const labels = Object.create(null) as Record<string, string>;
  for (const flag of Object.keys(found?.elements ?? {})) labels[`${FLAG_PREFIX}${flag}`] = 'true';
  for (const [name, value] of Object.entries(attribute('cpu.cpuid')))
    labels[`${FLAG_PREFIX}${name}`] = value;
  for (const [name, value] of Object.entries(attribute('cpu.model')))
    labels[`${MODEL_PREFIX}${name}`] = value;
  const name = ownText(metadata?.labels, NODE_NAME) ?? metadata?.name;
  const annotations = metadata?.annotations;
  return {
    ...(kind === undefined ? {} : { kind }),
    metadata: {
      ...(name === undefined ? {} : { name }),
      labels,
      ...(annotations === undefined ? {} : { annotations }),
    },
  };
}

function ownText(record: Readonly<Record<string, string>> | undefined, key: string) {
  return record !== undefined && Object.hasOwn(record, key) ? record[key] : undefined;
}

/** "0.16" of "v0.16.3"; undefined where it is no release. */
function releaseOf(version: string | undefined): string | undefined {
  return /^v?(\d{1,3}\.\d{1,3})(?:\.|-|$)/.exec(version ?? '')?.[1];
}

/** The release that surely knew all flags that have a label. */
function releaseByFlags(flags: ReadonlySet<string>): string | undefined {
  return NFD_RELEASES.findLast(([, names]) => names.some((name) => flags.has(name)))?.[0];
}

function knows(release: string | undefined, flag: string): boolean {
  const since = NFD_RELEASES.find(([, names]) => names.includes(flag))?.[0];
  return since === undefined || (release !== undefined && isSince(release, since));
}

interface Labels {
  readonly flags: ReadonlySet<string>;
  /** AVX10's, which is a number. */
  readonly avx10: number | undefined;
  readonly release: string | undefined;
  /** Whether a flag without a label isn't there. */
  readonly areComplete: boolean;
  /** Whether flags were kept back from labels. */
  readonly areChosen: boolean;
}

function readLabels({ kind, metadata }: Node): Labels {
  const labels = metadata?.labels ?? {};
  const flags = new Set(
    Object.keys(labels)
      .filter((key) => key.startsWith(FLAG_PREFIX) && labels[key] === 'true')
      .map((key) => key.slice(FLAG_PREFIX.length)),
  );
  const avx10 = ownText(labels, `${FLAG_PREFIX}AVX10_VERSION`);
  return {
    flags,
    avx10: avx10 !== undefined && /^[1-9]\d{0,2}$/.test(avx10) ? Number(avx10) : undefined,
    release: releaseOf(ownText(metadata?.annotations, WORKER_VERSION)) ?? releaseByFlags(flags),
    areComplete: ON_EVERY_CPU.every((flag) => flags.has(flag)),
    areChosen: kind !== NODE_FEATURE,
  };
}

/** Features that the labels, and a system for x86-64, show to be there. */
function presentIn({ flags, avx10 }: Labels): Set<FeatureName> {
  const present = new Set<FeatureName>(LEVELS[0].features);
  for (const flag of flags) {
    const feature = FEATURE_OF_FLAG.get(flag);
    if (feature !== undefined) present.add(feature);
  }
  const level = ['4', '3', '2'].find((number) => flags.has(`X86_64_V${number}`));
  for (const { features } of LEVELS.slice(0, Number(level ?? 1)))
    for (const feature of features) present.add(feature);
  if (avx10 !== undefined) present.add('avx10').add('avx10_version');
  // They are set only where the system has enabled XSAVE.
  if (['avx', 'avx512f', 'fma'].some((name) => present.has(name as FeatureName)))
    present.add('xsave').add('osxsave');
  return present;
}

function isAbsent(
  feature: FeatureName,
  { flags, release, areComplete, areChosen }: Labels,
): boolean {
  const flag = readFlag(feature);
  if (!areComplete || flag === undefined || flags.has(flag)) return false;
  if (BEHIND_AVX512.includes(flag) && !flags.has('AVX512F')) return false;
  if (areChosen && !hasLabelByDefault(flag)) return false;
  return !NEVER_SET.has(flag) && knows(release, flag);
}

function identityRows({ metadata }: Node): LeafRow[] {
  const rows: LeafRow[] = [];
  const text = (name: string) => ownText(metadata?.labels, `${MODEL_PREFIX}${name}`);
  const letters = VENDORS.get(text('vendor_id') ?? '');
  if (letters !== undefined) rows.push(vendorRow(letters));
  const number = (name: string, most: number) => {
    const value = Number(/^\d{1,3}$/.exec(text(name) ?? '')?.[0] ?? Number.NaN);
    return value <= most ? value : undefined;
  };
  const [family, model] = [number('family', 0xf + 0xff), number('id', 0xff)];
  if (family !== undefined && model !== undefined)
    rows.push({
      ...NO_REGISTERS,
      leaf: 1,
      subleaf: 0,
      eax: encodeSignature({ family, model, stepping: 0 }),
      known: { ...NO_REGISTERS, eax: FAMILY_AND_MODEL },
    });
  return rows;
}

function remarksOn({ flags, release, areComplete, areChosen }: Labels): string[] {
  const named = release === undefined ? '' : ` (${release} or later)`;
  if (!areChosen)
    return [
      `Node Feature Discovery${named} found ${flags.size} flags of the CPU. It knows no others, and nothing of the XSAVE area: those are unknown.`,
    ];
  return [
    `Labels of Node Feature Discovery${named} name ${flags.size} flags of the CPU. It keeps others from labels and ` +
      'knows nothing of the XSAVE area: those are unknown.',
    ...(areComplete
      ? []
      : [
          `Labels that every x86-64 CPU has by default are missing (${ON_EVERY_CPU.join(', ')}), so nothing is taken for absent.`,
        ]),
  ];
}

function shownNode(node: Node, at: string): string {
  const name = node.metadata?.name ?? '';
  return name === '' ? `the node at ${at}` : `the node ${JSON.stringify(name.slice(0, 80))}`;
}

function checkArchitecture(input: Input, node: Node, at: string): void {
  const architecture =
    node.status?.nodeInfo?.architecture ?? ownText(node.metadata?.labels, 'kubernetes.io/arch');
  if (architecture === undefined || ['amd64', '386'].includes(architecture)) return;
  throw new InputError(
    'not-x86',
    `${shownNode(node, at)} is of another architecture: ${JSON.stringify(architecture.slice(0, 40))}`,
    { place: { file: input.name }, remedy: 'Only x86 CPUs are compared.' },
  );
}

function hostOf(input: Input, found: Node, at: string): Host {
  const node = found.kind === NODE_FEATURE ? asNode(found) : found;
  checkArchitecture(input, node, at);
  const labels = readLabels(node);
  if (labels.flags.size === 0)
    throw new InputError(
      'not-enough-data',
      `${shownNode(node, at)} has no label of Node Feature Discovery for its CPU (${FLAG_PREFIX}…)`,
      {
        place: { file: input.name },
        remedy: 'Install Node Feature Discovery, or record the host with "cpugate probe".',
      },
    );
  const present = presentIn(labels);
  const absent = (feature: FeatureName) => !present.has(feature) && isAbsent(feature, labels);
  const fields = new Map<FeatureName, number>(
    labels.avx10 === undefined ? [] : [['avx10_version', labels.avx10]],
  );
  const rows = mergeRows([
    ...rowsFromFeatures(present, (row) => absent(row.name), fields),
    ...identityRows(node),
  ]);
  const kernel = node.status?.nodeInfo?.kernelVersion;
  const named = node.metadata?.name;
  return {
    name: named === undefined || named === '' ? input.name : named,
    format: 'kubernetes-node',
    kind: 'system',
    cpus: [
      {
        logical: [0],
        leaves: leafTable(rows),
        // Linux enables the state of AVX-512 for avx512f and never for avx10 (fpu/xstate.c).
        xcr0: xcr0FromFeatures(
          new Set([...present].filter((name) => SHOW_STATE.has(name))),
          (name) => name === 'avx10' || absent(name),
        ),
      },
    ],
    ...(kernel === undefined ? {} : { system: { kernel } }),
    remarks: remarksOn(labels),
  };
}

/** The nodes, each with its place in the document. */
function nodesOf(input: Input): readonly { node: Node; at: string }[] {
  const value = input.json();
  if (value === undefined) throw malformed(input, `is not valid JSON: ${input.jsonError()}`);
  if (!validate(value)) throw schemaError(input, validate.errors, 'kubernetes-nodes');
  const { items, ...node } = value as Nodes;
  if (node.kind === 'Node' || node.kind === NODE_FEATURE) return [{ node, at: '/' }];
  const nodes = (items ?? [])
    .map((item, place) => ({
      node:
        item.kind === undefined && node.kind !== 'List' ? { ...item, kind: kindIn(node) } : item,
      at: `/items/${place}`,
    }))
    .filter(({ node: { kind } }) => kind === 'Node' || kind === NODE_FEATURE);
  if (nodes.length === 0)
    throw malformed(input, 'holds no node', {}, 'kubectl get nodes -o json prints them.');
  return nodes;
}

/** What the API itself answers has no kind at each item. */
function kindIn({ kind }: Node): string {
  return kind === 'NodeFeatureList' ? NODE_FEATURE : 'Node';
}

const NAMES_SHOWN = 8;

function read(input: Input): Host {
  const [first, ...others] = nodesOf(input);
  if (first === undefined) throw malformed(input, 'holds no node');
  if (others.length > 0) {
    const names = [first, ...others].map(({ node, at }) => node.metadata?.name ?? at);
    const more = names.length - NAMES_SHOWN;
    const shown = names.slice(0, NAMES_SHOWN).map((name) => name.slice(0, 80));
    throw new InputError(
      'several-hosts',
      `holds ${names.length} hosts: ${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`,
      {
        place: { file: input.name },
        remedy:
          'Of one: "kubectl get node NAME -o json". "cpugate baseline", "cpugate matrix" and "cpugate show" take all of them.',
      },
    );
  }
  return hostOf(input, first.node, first.at);
}

export const kubernetesNode: Format = {
  name: 'kubernetes-node',
  title: 'nodes of Kubernetes with labels of Node Feature Discovery, or its NodeFeatures (JSON)',
  recognise: (input) => beginsWithBrace(input) && KUBERNETES_KIND.test(input.text()),
  read,
  readEach: (input) =>
    nodesOf(input).map(
      ({ node, at }) =>
        () =>
          hostOf(input, node, at),
    ),
};
