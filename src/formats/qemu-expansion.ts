/**
 * QEMU's query-cpu-model-expansion as QMP answers it: what a virtual CPU of that model shows. A
 * property that isn't listed isn't told; XSAVE sizes never are.
 */
import { type FeatureName, featureRow, ROWS } from '../catalogue/index.js';
import validate from '../generated/qemu-model-expansion.js';
import {
  brandRows,
  encodeSignature,
  mergeRows,
  partialRow,
  rowsFromFeatures,
  vendorRow,
  xcr0FromFeatures,
} from '../model/from-features.js';
import type { Host } from '../model/host.js';
import { type LeafRow, type LeafTable, leafTable, readRegister } from '../model/leaves.js';
import { ALL_KNOWN, NO_REGISTERS } from '../model/registers.js';
import { beginsWithBrace, decodeUtf8, type Format, type Input, malformed } from './format.js';
import { describeFault, splitDocuments } from './json-text.js';
import { schemaError } from './schema-errors.js';

type Props = Readonly<Record<string, boolean | number | string>>;

interface Expansion {
  readonly name?: string;
  readonly props: Props;
}

/** "sse4.1", "sse4-1" and "sse4_1" are one property to QEMU. */
function plain(property: string): string {
  return property.replace(/[-_.]/g, '');
}

/**
 * QEMU's own second names (x86_cpu_initfn in target/i386/cpu.c). Other projects' spellings don't
 * count: QEMU's "ssb-no" is a bit of an MSR, Linux's a bit of CPUID.
 */
const ALIASES: readonly (readonly [string, FeatureName])[] = [
  ['sse3', 'pni'],
  ['pclmuldq', 'pclmulqdq'],
  ['xd', 'nx'],
  ['ffxsr', 'fxsr_opt'],
  ['i64', 'lm'],
];

/** Bits that mirror what the guest's kernel has set; older versions list them, as false. */
const GUEST_SETS = new Set<FeatureName>(['osxsave', 'ospke']);

const byQemuName = new Map<string, FeatureName>([
  ...ALIASES,
  ...ROWS.flatMap((row) =>
    row.names?.qemu === undefined || GUEST_SETS.has(row.name)
      ? []
      : [[plain(row.names.qemu), row.name] as const],
  ),
]);

/** The feature that a property of QEMU's CPUs switches, in any of QEMU's spellings. */
export function featureOfProperty(property: string): FeatureName | undefined {
  return byQemuName.get(plain(property));
}

function jsonOf(text: string): unknown {
  // It was found whole, so this can't fail.
  return JSON.parse(text) as unknown;
}

/** libvirt keeps several answers in one file, one after the other. */
function readDocuments(input: Input): readonly unknown[] {
  const whole = input.json();
  if (whole !== undefined) return [whole];
  const text = decodeUtf8(input.bytes);
  if (text === undefined) throw malformed(input, 'is not valid JSON: it is not UTF-8');
  const documents = splitDocuments(text);
  if ('offset' in documents)
    throw malformed(input, `is not valid JSON: ${describeFault(text, documents)}`);
  return documents.map(jsonOf);
}

/** So many features make properties of a CPU; other tools' JSON has a switch or two that is called alike. */
const FEWEST_PROPS = 8;

function hasOwn(value: unknown, key: string): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key);
}

/** The inner part of an answer, as people cut it out. */
function isModelAlone(value: unknown): boolean {
  if (hasOwn(value, 'model')) return false;
  return hasOwn(value, 'props') && ('name' in value || arePropsAlone(value.props));
}

/** The properties alone: nothing but switches, numbers and texts, and features of several kinds among them. */
function arePropsAlone(value: unknown): value is Props {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const entries = Object.entries(value);
  const isFeature = ([name, one]: [string, unknown]) =>
    typeof one === 'boolean' && byQemuName.has(plain(name));
  return (
    entries.every(([, one]) => ['boolean', 'number', 'string'].includes(typeof one)) &&
    entries.filter(isFeature).length >= FEWEST_PROPS
  );
}

/**
 * The answer among the documents: the last, where there are several. libvirt asks for the static
 * properties of the host's CPU first, then for all.
 */
function findExpansion(input: Input): { expansion: Expansion; count: number } {
  const answers = readDocuments(input)
    .map((document) => (hasOwn(document, 'return') ? document.return : document))
    .map((answer) => (arePropsAlone(answer) ? { props: answer } : answer))
    .map((answer) => (isModelAlone(answer) ? { model: answer } : answer))
    .filter((answer) => hasOwn(answer, 'model'));
  if (answers.length === 0)
    throw malformed(
      input,
      'holds no answer to query-cpu-model-expansion',
      {},
      'Ask QEMU: {"execute":"query-cpu-model-expansion","arguments":{"type":"full","model":{"name":"host"}}}.',
    );
  for (const answer of answers)
    if (!validate(answer)) throw schemaError(input, validate.errors, 'qemu-model-expansion');
  const last = answers.at(-1) as { model: Expansion };
  return { expansion: last.model, count: answers.length };
}

/** What the properties say of each feature. */
function readFeatures(input: Input, props: Props): Map<FeatureName, boolean> {
  const told = new Map<FeatureName, { property: string; value: boolean }>();
  for (const [property, value] of Object.entries(props)) {
    const feature = byQemuName.get(plain(property));
    if (feature === undefined) continue;
    const at = `/model/props/${property}`;
    if (typeof value !== 'boolean')
      throw malformed(input, 'is a CPU feature and must be true or false', { at });
    const before = told.get(feature);
    if (before !== undefined && before.value !== value)
      throw malformed(
        input,
        `is ${value}, and "${before.property}", another name of the same feature, is ${before.value}`,
        { at },
      );
    told.set(feature, { property, value });
  }
  if (told.size === 0) throw malformed(input, 'names no CPU feature', { at: '/model/props' });
  return new Map([...told].map(([feature, { value }]) => [feature, value]));
}

/** Whether QEMU has set a number: all ones and minus one stand for "not set". */
function isSet(value: number): boolean {
  return value >= 0 && value !== ALL_KNOWN;
}

function numberOf(input: Input, props: Props, name: string, most: number): number | undefined {
  const value = Object.hasOwn(props, name) ? props[name] : undefined;
  if (value === undefined || (typeof value === 'number' && !isSet(value))) return undefined;
  if (typeof value !== 'number' || value > most)
    throw malformed(input, `must be a number up to ${most}`, { at: `/model/props/${name}` });
  return value;
}

function textOf(input: Input, props: Props, name: string): string | undefined {
  const value = Object.hasOwn(props, name) ? props[name] : undefined;
  if (value === undefined || value === '') return undefined;
  if (typeof value !== 'string')
    throw malformed(input, 'must be a string', { at: `/model/props/${name}` });
  return value;
}

function vendorRows(input: Input, props: Props): LeafRow[] {
  const vendor = textOf(input, props, 'vendor');
  const level = numberOf(input, props, 'level', ALL_KNOWN);
  if (vendor === undefined) return level === undefined ? [] : [partialRow(0, { eax: level })];
  if (!/^[ -~]{12}$/.test(vendor))
    throw malformed(input, 'must have 12 characters', { at: '/model/props/vendor' });
  return [vendorRow(vendor, level)];
}

function signatureRows(input: Input, props: Props): LeafRow[] {
  // The largest that leaf 1 EAX holds: base and extended family, base and extended model.
  const family = numberOf(input, props, 'family', 0xf + 0xff);
  const model = numberOf(input, props, 'model', 0xff);
  const stepping = numberOf(input, props, 'stepping', 0xf);
  if (family === undefined || model === undefined || stepping === undefined) return [];
  return [partialRow(1, { eax: encodeSignature({ family, model, stepping }) })];
}

/** Leaves that a property tells in numbers. */
function numberRows(input: Input, props: Props): LeafRow[] {
  const rows: LeafRow[] = [];
  const extended = numberOf(input, props, 'xlevel', ALL_KNOWN);
  if (extended !== undefined && extended !== 0)
    rows.push(partialRow(0x80000000, { eax: extended }));
  const last7 = numberOf(input, props, 'level-func7', ALL_KNOWN);
  if (last7 !== undefined) rows.push(partialRow(7, { eax: last7 }));
  // 0: QEMU takes the host's when the guest starts.
  const physicalBits = numberOf(input, props, 'phys-bits', 0xff) || undefined;
  if (physicalBits !== undefined)
    rows.push({
      ...NO_REGISTERS,
      leaf: 0x80000008,
      subleaf: 0,
      eax: physicalBits,
      known: { ...NO_REGISTERS, eax: 0xff },
    });
  return rows;
}

function remarksOn({ name, props }: Expansion, count: number): string[] {
  const model = name === undefined ? 'a QEMU model' : `QEMU's model ${JSON.stringify(name)}`;
  const remarks = [
    `This is what a virtual CPU of ${model} shows, not the machine that it runs on.`,
  ];
  if (count > 1) remarks.push(`The file holds ${count} answers; the last one counts.`);
  if (!Object.hasOwn(props, 'vendor'))
    remarks.push('It lists only how it differs from its model; the rest is unknown.');
  return remarks;
}

function read(input: Input): Host {
  const { expansion, count } = findExpansion(input);
  const { props } = expansion;
  const told = readFeatures(input, props);
  const fields = new Map<FeatureName, number>();
  const avx10 = numberOf(input, props, 'avx10-version', 0xff);
  if (avx10 !== undefined) {
    told.set('avx10_version', avx10 > 0);
    fields.set('avx10_version', avx10);
  }
  const present = new Set([...told].filter(([, value]) => value).map(([feature]) => feature));
  const leaves = leafTable(
    mergeRows([
      ...rowsFromFeatures(present, (row) => told.has(row.name), fields),
      ...vendorRows(input, props),
      ...signatureRows(input, props),
      ...numberRows(input, props),
      ...brandRowsOf(textOf(input, props, 'model-id')),
    ]),
  );
  const xcr0 = xcr0FromFeatures(
    present,
    (feature) => told.has(feature) || isBeyond(leaves, feature),
  );
  return {
    name: input.name,
    format: 'qemu-expansion',
    kind: 'cpu',
    cpus: [{ logical: [0], leaves, xcr0 }],
    remarks: remarksOn(expansion, count),
  };
}

/** Whether the leaves end before a feature's: older versions of QEMU don't list it. */
function isBeyond(leaves: LeafTable, feature: FeatureName): boolean {
  const { leaf, subleaf, reg } = featureRow(feature);
  return readRegister(leaves, leaf, subleaf, reg).known === ALL_KNOWN;
}

function brandRowsOf(brand: string | undefined): LeafRow[] {
  return brand === undefined ? [] : brandRows(brand);
}

export const qemuExpansion: Format = {
  name: 'qemu-expansion',
  title: 'QEMU or libvirt model expansion (QMP JSON)',
  recognise: (input) =>
    beginsWithBrace(input) &&
    (input.text().includes('"props"') ||
      (input.text().includes('"fpu"') && arePropsAlone(input.json()))),
  read,
};
