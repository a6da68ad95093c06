/**
 * What a source leaves open and the CPU's design settles. Lists of flags say nothing of features without
 * a flag, and nothing of places in the XSAVE area; but no Bulldozer has APX, and every Skylake-SP keeps
 * its opmasks at byte 1088.
 *
 * A CPU's number proves its design on the machine itself only: a hypervisor gives its guests the number
 * that it was told to, and features of its own choice.
 */

import { isTooOldFor } from '../catalogue/generations.js';
import {
  COMPONENTS,
  type ComponentRow,
  componentMask,
  type FeatureName,
  type FeatureRow,
  featureRow,
  isLegacyState,
  LINUX_SUPERVISOR_STATE,
  ROWS,
} from '../catalogue/index.js';
import { findMicroarchitecture, type Microarchitecture } from '../catalogue/microarchitectures.js';
import { findXsaveDesign, placeInDesign, type XsaveDesign } from '../catalogue/xsave-layouts.js';
import { describeHost } from './capabilities.js';
import { type CpuNumber, readVendor } from './cpu-number.js';
import { mergeRows, partOfRow } from './from-features.js';
import type { Cpu, Host } from './host.js';
import { type LeafRow, type LeafTable, leafTable, readRegister } from './leaves.js';
import { compactedBytes } from './packed-area.js';
import { USER_VISIBLE } from './prerequisites.js';
import {
  ALL_KNOWN,
  ALL_KNOWN_64,
  bitsMask,
  bitsOf,
  hasBit64,
  type Known64,
  split64,
  without,
} from './registers.js';
import { seenSignature } from './signature.js';
import {
  ABSENT,
  PRESENT,
  type Presence,
  presenceOfBits,
  standardAreaBytes,
  stateComponent,
} from './xsave.js';

function rawPresence(leaves: LeafTable, row: FeatureRow): Presence {
  return presenceOfBits(readRegister(leaves, row.leaf, row.subleaf, row.reg), bitsMask(row.bit));
}

function hasFeature(leaves: LeafTable, name: FeatureName): Presence {
  return rawPresence(leaves, featureRow(name));
}

const VISIBLE_ROWS = ROWS.filter((row) => USER_VISIBLE.has(row.class));

/** Bits that aren't known and that no CPU of the design has, as known to be clear. */
function absentRows(leaves: LeafTable, design: Microarchitecture): LeafRow[] {
  return VISIBLE_ROWS.flatMap((row) => {
    const mask = bitsMask(row.bit);
    const open = without(mask, readRegister(leaves, row.leaf, row.subleaf, row.reg).known);
    if (open === 0 || !isTooOldFor(design, row)) return [];
    return [partOfRow(row.leaf, row.subleaf, {}, { [row.reg]: open })];
  });
}

/**
 * Components that no kernel enables on this CPU. That the feature is absent isn't enough: Zen 2 offers
 * PKRU without protection keys, and kernels before 4.15 enabled all that was offered.
 */
function impossibleComponents(
  leaves: LeafTable,
  design: Microarchitecture,
  layout: XsaveDesign | undefined,
): bigint {
  const isImpossible = ({ bit, enabledBy }: ComponentRow): boolean => {
    if (!enabledBy.every((name) => hasFeature(leaves, name) === ABSENT)) return false;
    if (layout !== undefined) return !layout.offered.some((offered) => hasBit64(offered, bit));
    return enabledBy.every((name) => isTooOldFor(design, featureRow(name)));
  };
  return componentMask(COMPONENTS.filter(isImpossible).map(({ bit }) => bit));
}

function settleXcr0(xcr0: Known64, impossible: bigint): Known64 {
  return { value: xcr0.value, known: xcr0.known | (impossible & ~xcr0.value) };
}

/** Subleaves of components whose place the source doesn't tell. */
function placeRows(leaves: LeafTable, components: bigint, layout: XsaveDesign): LeafRow[] {
  return bitsOf(components).flatMap((bit) => {
    const place = placeInDesign(layout, bit);
    if (
      isLegacyState(bit) ||
      place === undefined ||
      stateComponent(leaves, bit).offset !== undefined
    )
      return [];
    const known = { eax: ALL_KNOWN, ebx: ALL_KNOWN, ecx: 3 };
    return [
      partOfRow(
        0xd,
        bit,
        { eax: place.size, ebx: place.offset, ecx: place.aligned ? 2 : 0 },
        known,
      ),
    ];
  });
}

/** What the CPU offers: where one value of its model is known, and its features are those that go with it. */
function offeredRow(leaves: LeafTable, layout: XsaveDesign): LeafRow[] {
  const [offered, other] = layout.offered;
  if (offered === undefined || other !== undefined) return [];
  if (readRegister(leaves, 0xd, 0, 'eax').known !== 0) return [];
  if (hasFeature(leaves, 'xsave') !== PRESENT) return [];
  const fits = COMPONENTS.filter(
    (row) => !isLegacyState(row.bit) && hasBit64(offered, row.bit),
  ).every(
    (row) =>
      layout.elsewhere?.[row.bit] !== undefined ||
      row.enabledBy.some((name) => hasFeature(leaves, name) === PRESENT),
  );
  const bytes = standardAreaBytes(
    bitsOf(offered).map((bit) => ({
      ...stateComponent(leaves, bit),
      ...placeInDesign(layout, bit),
    })),
  );
  if (!fits || bytes === undefined) return [];
  const { high, low } = split64(offered);
  const known = { eax: ALL_KNOWN, ecx: ALL_KNOWN, edx: ALL_KNOWN };
  return [partOfRow(0xd, 0, { eax: low, ecx: bytes, edx: high }, known)];
}

/** The compacted size, where XCR0 alone makes it (Intel SDM vol. 1, 13.4.3): some kernels set more in IA32_XSS. */
function compactedRow(leaves: LeafTable, xcr0: Known64, layout: XsaveDesign): LeafRow[] {
  if (readRegister(leaves, 0xd, 1, 'ebx').known !== 0) return [];
  if ((layout.supervisor & LINUX_SUPERVISOR_STATE) !== 0n || xcr0.known !== ALL_KNOWN_64) return [];
  const compacts = (['xsavec', 'xsaves'] as const).some(
    (name) => hasFeature(leaves, name) === PRESENT,
  );
  const bytes = compactedBytes(bitsOf(xcr0.value).map((bit) => stateComponent(leaves, bit)));
  if (!compacts || bytes === undefined) return [];
  return [partOfRow(0xd, 1, { ebx: bytes }, { ebx: ALL_KNOWN })];
}

function withRows(leaves: LeafTable, rows: readonly LeafRow[]): LeafTable {
  return rows.length === 0 ? leaves : leafTable(mergeRows([...leaves.rows, ...rows]));
}

interface Settled {
  readonly cpu: Cpu;
  readonly number: CpuNumber;
  /** Whether features, or places, were open and no longer are. */
  readonly features: boolean;
  readonly places: boolean;
}

/** Undefined where it isn't known which CPU it is. */
function settleCpu(cpu: Cpu): Settled | undefined {
  const vendor = readVendor(cpu.leaves);
  const signature = seenSignature(readRegister(cpu.leaves, 1, 0, 'eax'));
  if (vendor === undefined || signature === undefined) return undefined;
  const { family, model, stepping } = signature;
  const design = findMicroarchitecture(vendor, family, model, stepping);
  const layout = findXsaveDesign(vendor, family, model);
  const absent = design === undefined ? [] : absentRows(cpu.leaves, design);
  let leaves = withRows(cpu.leaves, absent);
  let xcr0 = cpu.xcr0;
  if (xcr0 !== undefined && design !== undefined)
    xcr0 = settleXcr0(xcr0, impossibleComponents(leaves, design, layout));
  let places: LeafRow[] = [];
  if (layout !== undefined) {
    const offered = offeredRow(leaves, layout);
    leaves = withRows(leaves, offered);
    const all = offered.length > 0 ? (layout.offered[0] as bigint) : 0n;
    places = placeRows(leaves, all | (xcr0?.value ?? 0n), layout);
    leaves = withRows(leaves, places);
    if (xcr0 !== undefined) leaves = withRows(leaves, compactedRow(leaves, xcr0, layout));
    places = [...places, ...offered];
  }
  return {
    cpu: { ...cpu, leaves, ...(xcr0 === undefined ? {} : { xcr0 }) },
    number: { vendor, signature },
    features: absent.length > 0,
    places: places.length > 0,
  };
}

/** "GenuineIntel family 6 model 85 (Skylake-SP/X)". */
function modelText({ vendor, signature: { family, model, stepping } }: CpuNumber): string {
  const design = findMicroarchitecture(vendor, family, model, stepping);
  const number = `${vendor} family ${family} model ${model}`;
  return design === undefined ? number : `${number} (${design.codename})`;
}

function remarksOn({ number, features, places }: Settled): string[] {
  const model = modelText(number);
  const remarks: string[] = [];
  if (features)
    remarks.push(
      `Features that the source doesn't mention and that came with later designs than ${model} count as absent.`,
    );
  if (places)
    remarks.push(
      `The places of its state components weren't read; they are those of every known ${model}.`,
    );
  return remarks;
}

function withRemarks(host: Host, remarks: readonly string[]): Host {
  return { ...host, remarks: [...new Set([...host.remarks, ...remarks])] };
}

/** A guest stays as it was read: what is assumed of it, its description says (describeHost). */
function remarkOnGuest(host: Host): string[] {
  const { assumedCpu } = describeHost(host);
  return assumedCpu === undefined
    ? []
    : [
        `The places of its state components weren't read; they are assumed to be those of ${modelText(assumedCpu)}, as which it shows itself.`,
      ];
}

/** The host with what the design of each CPU settles; itself where that isn't known of any. */
export function withKnownDesign(host: Host): Host {
  if (host.kind === 'model') return host;
  if (host.cpus.some(({ leaves }) => hasFeature(leaves, 'hypervisor') !== ABSENT))
    return withRemarks(host, remarkOnGuest(host));
  const settled = host.cpus.map(settleCpu);
  if (settled.every((one) => one === undefined)) return host;
  const cpus = host.cpus.map((cpu, place) => settled[place]?.cpu ?? cpu);
  const remarks = settled.flatMap((one) => (one === undefined ? [] : remarksOn(one)));
  return withRemarks({ ...host, cpus }, remarks);
}
