/**
 * From CRIU's record to a host: its words are registers, its mask and sizes tell something about
 * leaf 0xD and XCR0. What CRIU made up or left out stays unknown.
 */
import {
  COMPONENT,
  COMPONENTS,
  type ComponentRow,
  componentMask,
  type FeatureName,
  isLegacyState,
  LEGACY_STATE,
} from '../catalogue/index.js';
import { CRIU_COMPONENTS, presenceInWords } from '../criu/probe.js';
import { CRIU_WORDS, criuPlace, type WordSource } from '../criu/words.js';
import type { CriuCpuinfo } from '../model/criu-cpuinfo.js';
import { brandRows, encodeSignature, mergeRows, vendorRow } from '../model/from-features.js';
import type { Cpu, Host } from '../model/host.js';
import { type LeafRow, leafTable } from '../model/leaves.js';
import {
  ALL_KNOWN,
  ALL_KNOWN_64,
  bitMask,
  hasBit64,
  type Known32,
  type Known64,
  NO_REGISTERS,
  split64,
  without,
} from '../model/registers.js';
import { ABSENT, LEGACY_AREA_BYTES, PRESENT, type Presence, UNKNOWN } from '../model/xsave.js';

type Words = readonly Known32[];

/** AMD's CPUs and Hygon's share a number in CRIU; the family tells them apart (Linux: cpu/hygon.c). */
const HYGON_FAMILY = 0x18;

function vendorName({ vendor, family }: CriuCpuinfo): string | undefined {
  if (vendor === 'unknown') return undefined;
  if (vendor === 'intel') return 'GenuineIntel';
  return family === HYGON_FAMILY ? 'HygonGenuine' : 'AuthenticAMD';
}

/** What CRIU writes where it doesn't know the vendor: "Intel", and nothing else. */
function isEmptyRecord({ vendor, family, words, modelId }: CriuCpuinfo): boolean {
  return (
    vendor === 'intel' && family === 0 && modelId === undefined && words.every((word) => word === 0)
  );
}

/** The words with their bits that CRIU changed marked as unknown. */
function knownWords(criu: CriuCpuinfo): Words {
  const changed = new Map<number, number>();
  const change = (name: FeatureName) => {
    const { word, bit } = criuPlace(name);
    changed.set(word, bitMask(bit));
  };
  if (criu.vendor !== 'intel') change('pbe');
  if (criu.vendor === 'intel' && criu.family === 15) change('erms');
  // CRIU also clears XSAVE where leaf 0xD is missing; so does Linux, and no task can use it there.
  const words = criu.words.map((value, word) => ({
    value,
    known: CRIU_WORDS[word] === undefined ? 0 : without(ALL_KNOWN, changed.get(word) ?? 0),
  }));
  const { word } = criuPlace('cqm_occup_llc');
  if (words[word] !== undefined && presenceInWords(words, 'cqm_llc') !== PRESENT)
    words[word] = { value: 0, known: 0 };
  return words;
}

function wordRow({ leaf, subleaf, reg }: WordSource, { value, known }: Known32): LeafRow {
  return {
    ...NO_REGISTERS,
    leaf,
    subleaf,
    [reg]: value,
    known: { ...NO_REGISTERS, [reg]: known },
  };
}

function wordRows(words: Words): LeafRow[] {
  return words.flatMap((word, place) => {
    const source = CRIU_WORDS[place];
    return source === undefined || word.known === 0 ? [] : [wordRow(source, word)];
  });
}

const MPX_STATE = componentMask([COMPONENT.bndregs, COMPONENT.bndcsr]);
const VECTOR_STATE = componentMask([
  COMPONENT.ymm_hi128,
  COMPONENT.opmask,
  COMPONENT.zmm_hi256,
  COMPONENT.hi16_zmm,
]);

/**
 * Which components the CPU offers. CRIU's mask lacks SSE, which every CPU with XSAVE offers, and
 * BNDREGS, which comes with BNDCSR; and it lacks components whose feature CPUID doesn't show, offered
 * or not.
 */
function offeredComponents(mask: bigint, words: Words): Known64 {
  let value = LEGACY_STATE;
  let known = LEGACY_STATE;
  for (const [bit, feature] of CRIU_COMPONENTS) {
    const inMask = hasBit64(mask, bit);
    if (!inMask && presenceInWords(words, feature) !== PRESENT) continue;
    const both = bit === COMPONENT.bndcsr ? MPX_STATE : componentMask([bit]);
    known |= both;
    if (inMask) value |= both;
  }
  return { value, known };
}

function xsaveRows(criu: CriuCpuinfo, words: Words): LeafRow[] {
  const { xfeaturesMask, xsaveSize, xsaveSizeMax } = criu;
  if (presenceInWords(words, 'xsave') !== PRESENT || xfeaturesMask === undefined) return [];
  const { value, known } = offeredComponents(xfeaturesMask, words);
  return [
    {
      leaf: 0xd,
      subleaf: 0,
      eax: split64(value).low,
      ebx: xsaveSize ?? 0,
      ecx: xsaveSizeMax ?? 0,
      edx: 0,
      known: {
        eax: split64(known).low,
        ebx: xsaveSize ? ALL_KNOWN : 0,
        ecx: xsaveSizeMax ? ALL_KNOWN : 0,
        edx: 0,
      },
    },
  ];
}

/** Components that Linux manages beside x87 and SSE, each behind its feature. */
const MANAGED: readonly ComponentRow[] = COMPONENTS.filter(
  (row: ComponentRow) => !isLegacyState(row.bit) && row.kind === 'user' && row.linux === 'yes',
);

const PLACES = [
  ({ offsetIntel }: ComponentRow) => offsetIntel,
  ({ offsetAmd }: ComponentRow) => offsetAmd,
] as const;

/** Ends of a component in the two layouts that exist. */
function endsOf(row: ComponentRow): number[] {
  return PLACES.flatMap((placeOf) => {
    const offset = placeOf(row);
    return offset === undefined ? [] : [offset + row.size];
  });
}

/** Whether the standard format of these components has that size, in Intel's layout or AMD's. */
function fits(rows: readonly ComponentRow[], size: number): boolean {
  return PLACES.some((placeOf) => {
    const ends = rows.map((row) => (placeOf(row) ?? Number.NaN) + row.size);
    return Math.max(LEGACY_AREA_BYTES, ...ends) === size;
  });
}

/** Whether the record lets a component be enabled. */
function isPossible({ bit }: ComponentRow, criu: CriuCpuinfo, words: Words): Presence {
  if (bit === COMPONENT.xtile_cfg || bit === COMPONENT.xtile_data)
    return presenceInWords(words, 'amx_tile');
  const inMask = bit === COMPONENT.bndregs ? COMPONENT.bndcsr : bit;
  const feature = CRIU_COMPONENTS.get(inMask);
  // APX: CRIU has no word for its feature.
  if (feature === undefined) return UNKNOWN;
  if (feature === 'pku' && presenceInWords(words, 'ospke') === ABSENT) return ABSENT;
  if (presenceInWords(words, feature) === ABSENT) return ABSENT;
  if (criu.xfeaturesMask === undefined) return UNKNOWN;
  return hasBit64(criu.xfeaturesMask, inMask) ? PRESENT : ABSENT;
}

/**
 * XCR0, of which the image tells only the size that it gives. Where that is the size of what Linux
 * enables on such a CPU (all that the mask offers; before Linux 5.16, all but AMX), that is what was
 * enabled. Otherwise somebody switched components off, and only those that can't fit are known.
 */
function enabledComponents(criu: CriuCpuinfo, words: Words): Known64 {
  if (presenceInWords(words, 'osxsave') === ABSENT) return { value: 0n, known: ALL_KNOWN_64 };
  const size = criu.xsaveSize ?? 0;
  const states = MANAGED.map((row) => ({ row, state: isPossible(row, criu, words) }));
  const possible = states.filter(({ state }) => state === PRESENT).map(({ row }) => row);
  const withoutAmx = possible.filter(({ bit }) => bit < COMPONENT.xtile_cfg);
  const enabled = [possible, withoutAmx].find((rows) => fits(rows, size));
  let value = LEGACY_STATE;
  let known = ALL_KNOWN_64;
  for (const { row, state } of states) {
    const bit = 1n << BigInt(row.bit);
    if (enabled?.includes(row)) value |= bit;
    else if (state === ABSENT) continue;
    else if (state === PRESENT && enabled !== undefined) continue;
    else if (size === 0 || Math.min(...endsOf(row)) <= size) known &= ~bit;
  }
  return { value, known };
}

function remarksOn(criu: CriuCpuinfo, xcr0: Known64 | undefined): string[] {
  const remarks = [
    'A CRIU image holds only the CPUID words that CRIU compares: it lacks leaf 0x7.1 and other leaves, the ' +
      'layout of state components and the number of CPUs.',
  ];
  if (criu.words.length < 19)
    remarks.push(
      'An old CRIU wrote the image (capability version 1): seven words of CPUID are missing.',
    );
  if (xcr0 !== undefined && (xcr0.known & VECTOR_STATE) !== VECTOR_STATE)
    remarks.push(
      `Which state components the OS enabled does not follow from their size (${criu.xsaveSize ?? 'not stored'}).`,
    );
  return remarks;
}

function hostOf(name: string, criu: CriuCpuinfo, cpu: Cpu, remarks: readonly string[]): Host {
  return { name, format: 'criu', kind: 'system', cpus: [cpu], criu, remarks };
}

/** A host that keeps the record's own words beside what they tell. */
export function hostFromCriu(name: string, criu: CriuCpuinfo): Host {
  if (isEmptyRecord(criu))
    return hostOf(name, criu, { logical: [0], leaves: leafTable([]) }, [
      "CRIU didn't know the vendor of this CPU and wrote an empty record: nothing is known of it.",
    ]);
  const words = knownWords(criu);
  const vendor = vendorName(criu);
  const signature: LeafRow = {
    ...NO_REGISTERS,
    leaf: 1,
    subleaf: 0,
    eax: encodeSignature(criu),
    known: { ...NO_REGISTERS, eax: ALL_KNOWN },
  };
  const rows = mergeRows([
    ...(vendor === undefined ? [] : [vendorRow(vendor)]),
    signature,
    ...wordRows(words),
    ...xsaveRows(criu, words),
    ...(criu.modelId === undefined ? [] : brandRows(criu.modelId)),
  ]);
  const xcr0 = enabledComponents(criu, words);
  return hostOf(name, criu, { logical: [0], leaves: leafTable(rows), xcr0 }, remarksOn(criu, xcr0));
}
