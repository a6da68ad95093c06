/**
 * OpenVZ's vzcpuidctl record: 19 capability words in CRIU's order, XSAVE sizes and places, and the
 * CPUID calls it made. The calls are what the CPU said and come first; words fill what they leave.
 * Places that the tool didn't set are all ones and count as unknown.
 */
import validate from '../generated/vzcpuidctl.js';
import { CRIU_WORDS, LINUX_WORD } from '../model/criu-words.js';
import {
  brandRows,
  encodeSignature,
  mergeRows,
  partialRow,
  vendorRow,
} from '../model/from-features.js';
import type { Host } from '../model/host.js';
import { type LeafRow, leafTable } from '../model/leaves.js';
import { ALL_KNOWN } from '../model/registers.js';
import { type Format, type Input, malformed } from './format.js';
import { schemaError } from './schema-errors.js';

type Pairs = readonly (readonly [number, number])[];
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
  readonly cpuid_call_trace?: { readonly in: readonly Call[]; readonly out: readonly Call[] };
}

/** Leaves that look at ECX; for others it holds whatever was there. */
const HAS_SUBLEAVES = new Set([0x4, 0x7, 0xb, 0xd, 0xf, 0x10, 0x12, 0x14, 0x8000001d]);

function rowsOfCalls(input: Input, record: CpuRecord): LeafRow[] {
  const trace = record.cpuid_call_trace;
  if (trace === undefined) return [];
  if (trace.in.length !== trace.out.length)
    throw malformed(input, 'has not as many answers as calls', { at: '/cpu/cpuid_call_trace' });
  return trace.in.map(([leaf, , ecx], place) => {
    const [eax, ebx, answer, edx] = trace.out[place] as Call;
    const subleaf = HAS_SUBLEAVES.has(leaf) ? ecx : 0;
    if (subleaf > 0xffff)
      throw malformed(input, 'is no subleaf', { at: `/cpu/cpuid_call_trace/in/${place}` });
    return { leaf, subleaf, eax, ebx, ecx: answer, edx };
  });
}

/** Word 3 and the others without a register are made up by the tool. */
function rowsOfWords(words: readonly number[]): LeafRow[] {
  return words.flatMap((word, place) => {
    const source = CRIU_WORDS[place];
    if (source === undefined || place === LINUX_WORD) return [];
    return [{ ...partialRow(source.leaf, { [source.reg]: word }), subleaf: source.subleaf }];
  });
}

function maximumRow(leaf: number, maximum: number | undefined): LeafRow[] {
  return maximum === undefined ? [] : [partialRow(leaf, { eax: maximum })];
}

function identityRows(record: CpuRecord): LeafRow[] {
  const { x86_family, x86_model, x86_mask, x86_model_id } = record;
  const rows: LeafRow[] = [
    vendorRow(record.x86_vendor_id, record.cpuid_level),
    ...maximumRow(0x80000000, record.extended_cpuid_level),
  ];
  if (x86_model_id) rows.push(...brandRows(x86_model_id.trim()));
  if (x86_family !== undefined && x86_model !== undefined && x86_mask !== undefined)
    rows.push(
      partialRow(1, {
        eax: encodeSignature({ family: x86_family, model: x86_model, stepping: x86_mask }),
      }),
    );
  return rows;
}

function xsaveRows(record: CpuRecord): LeafRow[] {
  const { xfeatures_mask: mask, xsave_size: current, xsave_size_max: largest } = record;
  if (mask === undefined) return [];
  const told = (size: number | undefined) => (size === undefined ? 0 : ALL_KNOWN);
  const rows: LeafRow[] = [
    {
      leaf: 0xd,
      subleaf: 0,
      eax: mask % 2 ** 32,
      ebx: current ?? 0,
      ecx: largest ?? 0,
      edx: Math.floor(mask / 2 ** 32),
      known: { eax: ALL_KNOWN, ebx: told(current), ecx: told(largest), edx: ALL_KNOWN },
    },
  ];
  const offsets = new Map(record.xstate_offsets ?? []);
  for (const [bit, size] of record.xstate_sizes ?? []) {
    if (bit < 2 || bit > 62 || size === ALL_KNOWN || size === 0) continue;
    const offset = offsets.get(bit);
    const isPlaced = offset !== undefined && offset !== ALL_KNOWN && offset !== 0xff;
    rows.push({
      leaf: 0xd,
      subleaf: bit,
      eax: size,
      ebx: isPlaced ? offset : 0,
      ecx: 0,
      edx: 0,
      known: { eax: ALL_KNOWN, ebx: isPlaced ? ALL_KNOWN : 0, ecx: 0, edx: 0 },
    });
  }
  return rows;
}

function read(input: Input): Host {
  const value = input.json();
  if (value === undefined) throw malformed(input, `is not valid JSON: ${input.jsonError()}`);
  if (!validate(value)) throw schemaError(input, validate.errors, 'vzcpuidctl');
  const record = (value as { cpu: CpuRecord }).cpu;
  const rows = [
    ...xsaveRows(record),
    ...identityRows(record),
    ...rowsOfWords(record.x86_capability),
    ...rowsOfCalls(input, record),
  ];
  return {
    name: input.name,
    format: 'vzcpuidctl',
    kind: 'cpu',
    cpus: [{ logical: [0], leaves: leafTable(mergeRows(rows)) }],
    remarks: [],
  };
}

export const vzcpuidctl: Format = {
  name: 'vzcpuidctl',
  title: 'vzcpuidctl JSON',
  recognise: ({ head }) => /^\s*\{/.test(head) && head.includes('"x86_capability"'),
  read,
};
