/**
 * cpugate's own profile: all that a host showed, bits that nobody has named included. What is read
 * back is what was written.
 */
import validate from '../generated/host-profile.js';
import { formatCpuList, parseCpuList } from '../model/cpu-list.js';
import type { CriuCpuinfo } from '../model/criu-cpuinfo.js';
import { InputError } from '../model/errors.js';
import type { Cpu, Host, HostKind, SystemFacts } from '../model/host.js';
import { type LeafRow, leafTable } from '../model/leaves.js';
import { printableJson } from '../model/printable.js';
import { ALL_KNOWN_64, hex, hex32 } from '../model/registers.js';
import { beginsWithBrace, type Format, type Input, malformed } from './format.js';
import { schemaError } from './schema-errors.js';

const KIND = 'cpugate-host-profile';
/** A record of a dump has a profile in it. */
const OUTER_KIND = '"cpugate-dump-record"';
const SCHEMA_VERSION = 1;

interface CpuJson {
  readonly logical: string;
  readonly leaves: readonly string[];
  readonly xcr0?: string;
  readonly xcr0Known?: string;
  readonly xinuse?: string;
}

interface SystemJson extends Omit<SystemFacts, 'hwcap' | 'hwcap2' | 'xcompSupported'> {
  readonly hwcap?: string;
  readonly hwcap2?: string;
  readonly xcompSupported?: string;
}

interface CriuJson
  extends Omit<CriuCpuinfo, 'words' | 'modelId' | 'xfeaturesMask' | 'xsaveSize' | 'xsaveSizeMax'> {
  readonly words: readonly string[];
  readonly modelId?: string;
  readonly xfeaturesMask?: string;
  readonly xsaveSize?: number;
  readonly xsaveSizeMax?: number;
}

interface ProfileJson {
  readonly schemaVersion: number;
  readonly kind: string;
  readonly name: string;
  readonly hostKind: HostKind;
  readonly format: string;
  readonly cpugate?: string;
  readonly taken?: string;
  readonly cpus: readonly CpuJson[];
  readonly system?: SystemJson;
  readonly criu?: CriuJson;
  readonly remarks?: readonly string[];
}

const H8 = '0x([0-9a-f]{8})';
/** "0x00000007 0x00: 0x… 0x… 0x… 0x…", and " known 0x… 0x… 0x… 0x…" where not all bits are. */
const LEAF_LINE = new RegExp(
  `^${H8} 0x([0-9a-f]{2,4}): ${H8} ${H8} ${H8} ${H8}(?: known ${H8} ${H8} ${H8} ${H8})?$`,
);

function readLeaf(input: Input, text: string, at: string): LeafRow {
  const found = LEAF_LINE.exec(text);
  if (found === null)
    throw malformed(
      input,
      'is not a leaf',
      { at },
      'A leaf is written "0x00000007 0x00: 0x00000000 0x00000000 0x00000000 0x00000000" (leaf, subleaf, EAX, EBX, ECX, EDX).',
    );
  const number = (group: number) => Number.parseInt(found[group] as string, 16);
  const row = {
    leaf: number(1),
    subleaf: number(2),
    eax: number(3),
    ebx: number(4),
    ecx: number(5),
    edx: number(6),
  };
  if (found[7] === undefined) return row;
  return { ...row, known: { eax: number(7), ebx: number(8), ecx: number(9), edx: number(10) } };
}

function readLeaves(input: Input, lines: readonly string[], at: string): LeafRow[] {
  const rows = lines.map((line, place) => readLeaf(input, line, `${at}/leaves/${place}`));
  const seen = new Set<number>();
  rows.forEach(({ leaf, subleaf }, place) => {
    const key = leaf * 0x10000 + subleaf;
    if (seen.has(key))
      throw malformed(
        input,
        `leaf ${hex(leaf)}.${subleaf} is there twice`,
        { at: `${at}/leaves/${place}` },
        'Only a new probe can show which of the two is right.',
      );
    seen.add(key);
  });
  return rows;
}

function readCpu(input: Input, json: CpuJson, place: number, taken: Set<number>): Cpu {
  const at = `/cpus/${place}`;
  const logical = parseCpuList(json.logical);
  if (logical === undefined)
    throw malformed(
      input,
      'is not a list of CPUs',
      { at: `${at}/logical` },
      'Lists are ascending and look like "0-15,32".',
    );
  for (const cpu of logical) {
    if (taken.has(cpu))
      throw malformed(input, `CPU ${cpu} is there twice`, { at: `${at}/logical` });
    taken.add(cpu);
  }
  if (json.xcr0Known !== undefined && json.xcr0 === undefined)
    throw malformed(input, 'has xcr0Known without xcr0', { at });
  return {
    logical,
    leaves: leafTable(readLeaves(input, json.leaves, at)),
    ...(json.xcr0 === undefined
      ? {}
      : {
          xcr0: {
            value: BigInt(json.xcr0),
            known: json.xcr0Known === undefined ? ALL_KNOWN_64 : BigInt(json.xcr0Known),
          },
        }),
    ...(json.xinuse === undefined ? {} : { xinuse: BigInt(json.xinuse) }),
  };
}

function readSystem({ hwcap, hwcap2, xcompSupported, ...rest }: SystemJson): SystemFacts {
  return {
    ...rest,
    ...(hwcap === undefined ? {} : { hwcap: BigInt(hwcap) }),
    ...(hwcap2 === undefined ? {} : { hwcap2: BigInt(hwcap2) }),
    ...(xcompSupported === undefined ? {} : { xcompSupported: BigInt(xcompSupported) }),
  };
}

function readCriu(json: CriuJson): CriuCpuinfo {
  return {
    vendor: json.vendor,
    family: json.family,
    model: json.model,
    stepping: json.stepping,
    capabilityVersion: json.capabilityVersion,
    words: json.words.map((word) => Number.parseInt(word, 16) >>> 0),
    modelId: json.modelId,
    xfeaturesMask: json.xfeaturesMask === undefined ? undefined : BigInt(json.xfeaturesMask),
    xsaveSize: json.xsaveSize,
    xsaveSizeMax: json.xsaveSizeMax,
  };
}

function checkVersion(input: Input, value: unknown) {
  const version =
    typeof value === 'object' && value !== null
      ? (value as { schemaVersion?: unknown }).schemaVersion
      : undefined;
  if (typeof version === 'number' && version > SCHEMA_VERSION)
    throw new InputError('too-new', `was written by a newer cpugate (schemaVersion ${version})`, {
      place: { file: input.name },
      remedy: 'Update cpugate on this host.',
    });
}

function read(input: Input): Host {
  const value = input.json();
  if (value === undefined) throw malformed(input, `is not valid JSON: ${input.jsonError()}`);
  checkVersion(input, value);
  if (!validate(value)) throw schemaError(input, validate.errors, 'host-profile');
  const json = value as ProfileJson;
  const taken = new Set<number>();
  return {
    name: json.name,
    format: json.format,
    kind: json.hostKind,
    cpus: json.cpus.map((cpu, place) => readCpu(input, cpu, place, taken)),
    ...(json.system === undefined ? {} : { system: readSystem(json.system) }),
    ...(json.criu === undefined ? {} : { criu: readCriu(json.criu) }),
    remarks: json.remarks ?? [],
  };
}

function leafLine(row: LeafRow): string {
  const four = (of: { eax: number; ebx: number; ecx: number; edx: number }) =>
    [of.eax, of.ebx, of.ecx, of.edx].map(hex32).join(' ');
  const subleaf = `0x${row.subleaf.toString(16).padStart(2, '0')}`;
  const known = row.known === undefined ? '' : ` known ${four(row.known)}`;
  return `${hex32(row.leaf)} ${subleaf}: ${four(row)}${known}`;
}

function cpuJson(cpu: Cpu): CpuJson {
  return {
    logical: formatCpuList(cpu.logical),
    ...(cpu.xcr0 === undefined ? {} : { xcr0: hex(cpu.xcr0.value) }),
    ...(cpu.xcr0 === undefined || cpu.xcr0.known === ALL_KNOWN_64
      ? {}
      : { xcr0Known: hex(cpu.xcr0.known) }),
    ...(cpu.xinuse === undefined ? {} : { xinuse: hex(cpu.xinuse) }),
    leaves: cpu.leaves.rows.map(leafLine),
  };
}

function systemJson({ hwcap, hwcap2, xcompSupported, ...rest }: SystemFacts): SystemJson {
  return {
    ...rest,
    ...(hwcap === undefined ? {} : { hwcap: hex(hwcap) }),
    ...(hwcap2 === undefined ? {} : { hwcap2: hex(hwcap2) }),
    ...(xcompSupported === undefined ? {} : { xcompSupported: hex(xcompSupported) }),
  };
}

function criuJson(criu: CriuCpuinfo): CriuJson {
  const { words, modelId, xfeaturesMask, xsaveSize, xsaveSizeMax, ...rest } = criu;
  return {
    ...rest,
    words: words.map(hex32),
    ...(modelId === undefined ? {} : { modelId }),
    ...(xfeaturesMask === undefined ? {} : { xfeaturesMask: hex(xfeaturesMask) }),
    ...(xsaveSize === undefined ? {} : { xsaveSize }),
    ...(xsaveSizeMax === undefined ? {} : { xsaveSizeMax }),
  };
}

/** The profile as an object. `taken` (ISO 8601) and `cpugate` (version) are the caller's to know. */
export function profileJson(
  host: Host,
  extra: { readonly taken?: string; readonly cpugate?: string } = {},
): ProfileJson {
  return {
    schemaVersion: SCHEMA_VERSION,
    kind: KIND,
    name: host.name,
    hostKind: host.kind,
    format: host.format,
    ...extra,
    ...(host.system === undefined ? {} : { system: systemJson(host.system) }),
    ...(host.criu === undefined ? {} : { criu: criuJson(host.criu) }),
    ...(host.remarks.length === 0 ? {} : { remarks: host.remarks }),
    cpus: host.cpus.map(cpuJson),
  };
}

export const profile: Format = {
  name: 'profile',
  title: "cpugate's own profile",
  // Tools that sort an object's entries put "kind" behind the leaves.
  recognise: (input) =>
    beginsWithBrace(input) &&
    (input.head.includes(KIND) || input.text().includes(KIND)) &&
    !input.text().includes(OUTER_KIND),
  read,
  write: (host) => ({ content: `${printableJson(profileJson(host), 1)}\n`, lost: [] }),
};
