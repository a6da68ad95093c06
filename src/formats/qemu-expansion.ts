/**
 * QEMU's query-cpu-model-expansion as QMP answers it: what a virtual CPU of that model shows. A
 * property that isn't listed isn't told; XSAVE sizes never are.
 */
import { type FeatureName, findFeature, ROWS } from '../catalogue/index.js';
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
import { type LeafRow, leafTable } from '../model/leaves.js';
import { ALL_KNOWN } from '../model/registers.js';
import { type Format, type Input, malformed } from './format.js';
import { schemaError } from './schema-errors.js';

type Props = Readonly<Record<string, boolean | number | string>>;

/** QEMU's words win over other projects' for the same letters ("ibrs" is AMD's here). */
const byQemuName = new Map<string, FeatureName>(
  ROWS.flatMap((row) =>
    row.names?.qemu === undefined
      ? []
      : [[row.names.qemu.replace(/[_.]/g, '-'), row.name] as const],
  ),
);

function featureOf(property: string): FeatureName | undefined {
  return byQemuName.get(property.replace(/[_.]/g, '-')) ?? findFeature(property);
}

/** libvirt keeps several answers in one file, one after the other; the last one is the fullest. */
function documents(input: Input): unknown[] {
  const whole = input.json();
  if (whole !== undefined) return [whole];
  return input
    .text()
    .split(/\n\s*\n(?=\{)/)
    .flatMap((part) => {
      try {
        return [JSON.parse(part) as unknown];
      } catch {
        return [];
      }
    });
}

function answerOf(value: unknown): unknown {
  const isObject = typeof value === 'object' && value !== null && Object.hasOwn(value, 'return');
  return isObject ? (value as { return: unknown }).return : value;
}

function integer(props: Props, name: string): number | undefined {
  const value = Object.hasOwn(props, name) ? props[name] : undefined;
  return typeof value === 'number' && value >= 0 && value <= ALL_KNOWN ? value : undefined;
}

function text(props: Props, name: string): string | undefined {
  const value = Object.hasOwn(props, name) ? props[name] : undefined;
  return typeof value === 'string' ? value : undefined;
}

function identityRows(props: Props): LeafRow[] {
  const rows: LeafRow[] = [];
  const vendor = text(props, 'vendor');
  const [family, model, stepping] = ['family', 'model', 'stepping'].map((name) =>
    integer(props, name),
  );
  const brand = text(props, 'model-id');
  const xlevel = integer(props, 'xlevel');
  if (vendor !== undefined) rows.push(vendorRow(vendor, integer(props, 'level')));
  if (family !== undefined && model !== undefined && stepping !== undefined)
    rows.push(partialRow(1, { eax: encodeSignature({ family, model, stepping }) }));
  if (brand !== undefined) rows.push(...brandRows(brand));
  if (xlevel !== undefined) rows.push(partialRow(0x80000000, { eax: xlevel }));
  return rows;
}

function read(input: Input): Host {
  const answers = documents(input).map(answerOf);
  const answer = answers.findLast((one) => validate(one));
  if (answer === undefined) {
    validate(answers.at(-1));
    throw schemaError(input, validate.errors, 'qemu-model-expansion');
  }
  const { name, props } = (answer as { model: { name?: string; props: Props } }).model;
  const told = new Map<FeatureName, boolean>();
  const unread: string[] = [];
  for (const [property, value] of Object.entries(props)) {
    if (typeof value !== 'boolean') continue;
    const feature = featureOf(property);
    if (feature === undefined) unread.push(property);
    else told.set(feature, (told.get(feature) ?? false) || value);
  }
  if (told.size === 0) throw malformed(input, 'names no CPU feature', { at: '/model/props' });
  const present = new Set([...told].filter(([, value]) => value).map(([feature]) => feature));
  const tells = (feature: FeatureName) => told.has(feature);
  const rows = [...rowsFromFeatures(present, (row) => tells(row.name)), ...identityRows(props)];
  return {
    name: input.name,
    format: 'qemu-expansion',
    kind: 'cpu',
    cpus: [
      {
        logical: [0],
        leaves: leafTable(mergeRows(rows)),
        xcr0: xcr0FromFeatures(present, tells),
      },
    ],
    remarks: name === undefined ? [] : [`QEMU model ${name.slice(0, 80)}.`],
  };
}

export const qemuExpansion: Format = {
  name: 'qemu-expansion',
  title: 'QEMU or libvirt model expansion (QMP JSON)',
  recognise: ({ head }) =>
    /^\s*\{/.test(head) && head.includes('"model"') && head.includes('"props"'),
  read,
};
