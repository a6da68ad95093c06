/**
 * OpenVZ's vzcpuidctl record ("vzcpuidctl xsave encode"): 19 capability words in CRIU's order, XSAVE
 * sizes and places, and the CPUID calls it made. The calls are what the CPU said and come first;
 * words fill what they leave. What the tool changed, left out or asked wrongly is unknown; its
 * sources (src/cpu.c, fpu.c, cpuid.c, json.c) say what that is.
 */
import {
  COMPONENT,
  componentMask,
  type FeatureName,
  LEGACY_STATE,
  REGISTERS,
} from '../catalogue/index.js';
import { subleafRule } from '../catalogue/subleaves.js';
import { CRIU_COMPONENTS, presenceInWords } from '../criu/probe.js';
import { CRIU_WORDS, criuPlace } from '../criu/words.js';
import validate from '../generated/vzcpuidctl.js';
import {
  brandRows,
  encodeSignature,
  mergeRows,
  partialRow,
  vendorRow,
} from '../model/from-features.js';
import type { Host } from '../model/host.js';
import { type LeafRow, leafTable } from '../model/leaves.js';
import {
  ALL_KNOWN,
  bitMask,
  hasBit64,
  hex,
  type Known32,
  NO_REGISTERS,
  NOTHING_KNOWN,
  split64,
  without,
} from '../model/registers.js';
import { LEGACY_AREA_BYTES, PRESENT } from '../model/xsave.js';
import { beginsWithBrace, type Format, type Input, malformed } from './format.js';
import { schemaError } from './schema-errors.js';

type Pairs = readonly (readonly [bit: number, value: number])[];
type Call = readonly [eax: number, ebx: number, ecx: number, edx: number];

interface CpuRecord {
  readonly x86_family?: number;
  readonly x86_model?: number;
  readonly x86_mask?: number;
  readonly x86_capability: readonly number[];
  readonly extended_cpuid_level?: number;
  readonly cpuid_level?: number;
  readonly x86_vendor_id: string;
  readonly x86_model_id?: string;
  readonly xfeatures_mask?: number;
  readonly xsave_size_max?: number;
  readonly xsave_size?: number;
  readonly xstate_offsets?: Pairs;
  readonly xstate_sizes?: Pairs;
  readonly xsaves_size?: number;
  readonly cpuid_call_trace?: { readonly in: readonly Call[]; readonly out: readonly Call[] };
}

const FORMAT_VERSION = 1;
const MPX = [COMPONENT.bndregs, COMPONENT.bndcsr] as const;

function isSameRow(a: LeafRow, b: LeafRow): boolean {
  return REGISTERS.every((register) => a[register] === b[register]);
}

/**
 * A leaf that was asked twice and answered differently isn't believed: where /proc/vz/cpuid_override
 * is set, the tool notes the registers before they hold the leaf's number.
 */
function rowsOfCalls(input: Input, record: CpuRecord): { rows: LeafRow[]; doubtful: string[] } {
  const trace = record.cpuid_call_trace;
  if (trace === undefined) return { rows: [], doubtful: [] };
  if (trace.in.length !== trace.out.length)
    throw malformed(input, 'does not have as many answers as calls', {
      at: '/cpu/cpuid_call_trace',
    });
  const rows = new Map<string, LeafRow>();
  const doubtful = new Set<string>();
  trace.in.forEach(([leaf, , ecx], place) => {
    const [eax, ebx, answer, edx] = trace.out[place] as Call;
    // Where the leaf doesn't look at ECX, that holds whatever was there.
    const subleaf = subleafRule(leaf) === undefined ? 0 : ecx;
    if (subleaf > 0xffff)
      throw malformed(input, 'is not a subleaf', { at: `/cpu/cpuid_call_trace/in/${place}` });
    const row = { leaf, subleaf, eax, ebx, ecx: answer, edx };
    const key = `${hex(leaf)}.${subleaf}`;
    const before = rows.get(key);
    if (before !== undefined && !isSameRow(before, row)) doubtful.add(key);
    rows.set(key, row);
  });
  for (const key of doubtful) rows.delete(key);
  return { rows: [...rows.values()], doubtful: [...doubtful] };
}

/** 6.EAX: in some versions of the tool the function that reads an EAX gives EBX (cpuid_ops_native). */
const WORD_OF_LEAF_6 = CRIU_WORDS.findIndex((source) => source?.leaf === 6);

function isExtendedRange(level: number | undefined): level is number {
  return level !== undefined && level >= 0x80000000 && level <= 0x8000ffff;
}

/** The words with what the tool made up, changed or didn't ask for marked as unknown. */
function knownWords(record: CpuRecord): Known32[] {
  const { x86_capability: values, x86_vendor_id: vendor } = record;
  // The same mistake with EBX can hide the extended leaves; then the tool didn't ask for them.
  const hasExtended = isExtendedRange(record.extended_cpuid_level);
  const words = values.map((value, place): Known32 => {
    const source = CRIU_WORDS[place];
    if (source === undefined || place === WORD_OF_LEAF_6) return NOTHING_KNOWN;
    if (source.leaf >= 0x80000000 && !hasExtended) return NOTHING_KNOWN;
    return { value, known: ALL_KNOWN };
  });
  const forget = (name: FeatureName) => {
    const { word, bit } = criuPlace(name);
    const { value, known } = words[word] ?? NOTHING_KNOWN;
    words[word] = { value, known: without(known, bitMask(bit)) };
  };
  if (vendor !== 'GenuineIntel') forget('pbe');
  if (vendor === 'GenuineIntel' && record.x86_family === 15) forget('erms');
  // The tool clears XSAVE where leaf 0xD is missing; so does Linux, and no task can use it there.
  const { word } = criuPlace('cqm_occup_llc');
  if (presenceInWords(words, 'cqm_llc') !== PRESENT) words[word] = NOTHING_KNOWN;
  return words;
}

function rowsOfWords(words: readonly Known32[]): LeafRow[] {
  return words.flatMap(({ value, known }, place) => {
    const source = CRIU_WORDS[place];
    if (source === undefined || known === 0) return [];
    const { leaf, subleaf, reg } = source;
    return [
      { ...NO_REGISTERS, leaf, subleaf, [reg]: value, known: { ...NO_REGISTERS, [reg]: known } },
    ];
  });
}

function identityRows(input: Input, record: CpuRecord): LeafRow[] {
  const { x86_family: family, x86_model: model, x86_mask: stepping, x86_model_id } = record;
  const rows: LeafRow[] = [vendorRow(record.x86_vendor_id, record.cpuid_level)];
  if (isExtendedRange(record.extended_cpuid_level))
    rows.push(partialRow(0x80000000, { eax: record.extended_cpuid_level }));
  if (x86_model_id) rows.push(...brandRows(x86_model_id.trim()));
  if (family !== undefined && model !== undefined && stepping !== undefined) {
    if (family > 0xff || model > 0xff || stepping > 0xf)
      throw malformed(input, `has family ${family}, model ${model}, stepping ${stepping}`, {
        at: '/cpu',
      });
    rows.push(partialRow(1, { eax: encodeSignature({ family, model, stepping }) }));
  }
  return rows;
}

/**
 * The offered components, as far as the tool's mask tells: it left out those whose feature CPUID
 * doesn't show, and knows none above bit 9. SSE comes with XSAVE; a fault of CRIU's that the tool
 * provides for may have cleared it.
 */
function offeredRow(mask: number, words: readonly Known32[]): LeafRow {
  const value = BigInt(mask) | LEGACY_STATE;
  let known = value;
  for (const [bit, feature] of CRIU_COMPONENTS)
    if (presenceInWords(words, feature) === PRESENT)
      known |= componentMask(bit === COMPONENT.bndcsr ? MPX : [bit]);
  // BNDREGS comes with BNDCSR, and that same fault may have cleared it.
  const [bndregs, bndcsr] = MPX;
  if (hasBit64(value, bndcsr) && !hasBit64(value, bndregs)) known &= ~componentMask([bndregs]);
  return {
    ...NO_REGISTERS,
    leaf: 0xd,
    subleaf: 0,
    eax: split64(value).low,
    edx: split64(value).high,
    known: { ...NO_REGISTERS, eax: split64(known).low, edx: split64(known).high },
  };
}

/** Value by component bit. All ones stand for "not set"; so does 0xff in the tool's own comparison. */
function readPairs(input: Input, record: CpuRecord, name: 'xstate_offsets' | 'xstate_sizes') {
  const values = new Map<number, number>();
  for (const [place, [bit, value]] of (record[name] ?? []).entries()) {
    const before = values.get(bit);
    if (before !== undefined && before !== value)
      throw malformed(input, `gives component ${bit} twice`, { at: `/cpu/${name}/${place}` });
    values.set(bit, value);
  }
  return (bit: number, least: number): number | undefined => {
    const value = values.get(bit);
    return value === undefined || value === ALL_KNOWN || value < least ? undefined : value;
  };
}

function xsaveRows(input: Input, record: CpuRecord, words: readonly Known32[]): LeafRow[] {
  const { xfeatures_mask: mask, xsave_size: current, xsave_size_max: most } = record;
  const offsetOf = readPairs(input, record, 'xstate_offsets');
  const sizeOf = readPairs(input, record, 'xstate_sizes');
  if (mask === undefined) return [];
  const rows = [offeredRow(mask, words)];
  if (current) rows.push(partialRow(0xd, { ebx: current }));
  if (most) rows.push(partialRow(0xd, { ecx: most }));
  if (record.xsaves_size)
    rows.push({ ...partialRow(0xd, { ebx: record.xsaves_size }), subleaf: 1 });
  for (let bit = COMPONENT.ymm_hi128; bit < 63; bit++) {
    const size = sizeOf(bit, 1);
    // Components lie behind the legacy area and the header.
    const offset = offsetOf(bit, LEGACY_AREA_BYTES);
    if (size !== undefined)
      rows.push({
        ...partialRow(0xd, { eax: size, ...(offset === undefined ? {} : { ebx: offset }) }),
        subleaf: bit,
      });
  }
  return rows;
}

function checkVersion(input: Input, value: unknown): void {
  const version =
    typeof value === 'object' && value !== null
      ? (value as { fmt_version?: unknown }).fmt_version
      : undefined;
  if (typeof version === 'number' && version !== FORMAT_VERSION)
    throw malformed(
      input,
      `has vzcpuidctl's format version ${version}; only ${FORMAT_VERSION} is understood`,
      { at: '/fmt_version' },
    );
}

function read(input: Input): Host {
  const value = input.json();
  if (value === undefined) throw malformed(input, `is not valid JSON: ${input.jsonError()}`);
  checkVersion(input, value);
  if (!validate(value)) throw schemaError(input, validate.errors, 'vzcpuidctl');
  const record = (value as { cpu: CpuRecord }).cpu;
  const words = knownWords(record);
  const calls = rowsOfCalls(input, record);
  const rows = [
    ...xsaveRows(input, record, words),
    ...identityRows(input, record),
    ...rowsOfWords(words),
    ...calls.rows,
  ];
  return {
    name: input.name,
    format: 'vzcpuidctl',
    kind: 'cpu',
    cpus: [{ logical: [0], leaves: leafTable(mergeRows(rows)) }],
    remarks:
      calls.doubtful.length === 0
        ? []
        : [
            `Answers that contradict each other are ignored (was a mask set?): leaf ${calls.doubtful.join(', ')}.`,
          ],
  };
}

export const vzcpuidctl: Format = {
  name: 'vzcpuidctl',
  title: 'vzcpuidctl JSON',
  recognise: (input) => beginsWithBrace(input) && input.text().includes('"x86_capability"'),
  read,
};
